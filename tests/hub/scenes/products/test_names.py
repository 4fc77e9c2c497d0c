"""What names of files and folders say, and which of several phases of a pair is read."""

import datetime

import numpy as np
import pytest

from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene, read_options
from hub.scenes.rasters.names import dates_in
from tests.hub.scenes.products import planted as p
from tests.hub.scenes.products import written as w

TRUE_COHERENCE = int(np.rint(p.COHERENCE[p.UPLIFT] * 255))
DAYS = {day: datetime.date(2017, 1, day) for day in (3, 15, 27)}


def coherence_at(scene):
    return int(scene.insar_coherence[0][p.UPLIFT])


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("2017-01-03_2017-01-15_phase.tif", (3, 15)),
        ("2017002_2017014", (3, 15)),
        ("unwrap_2017002_2017014_ll.grd", (3, 15)),
        ("2017002_2017002", None),
        ("2017365_2018003", None),
        ("2017002_2017400", None),
        ("1234002_2017014", None),
        ("tile2017002_2017014.tif", None),
        ("2017002_2017014b.tif", None),
        ("1234567_7654321_2017002_2017014", (3, 15)),
        ("00170103_00170115_phase.tif", None),
        ("S1A_IW_SLC__1SDV_20170103T030000_20170103T030027_014685_017E3B_ABCD_Ifg.tif", None),
        ("S1A_20170103T030000_20170103T030027_20170103_20170115.tif", (3, 15)),
        ("S1AA_20170103T030000_20170115T030001_VVP012.tif", (3, 15)),
    ],
)
def test_dates_of_names(name, days):
    assert dates_in(name) == (days and tuple(DAYS[day] for day in days))


def test_the_first_and_the_last_day_of_a_year_count_from_0():
    assert dates_in("2016000_2016365") == (datetime.date(2016, 1, 1), datetime.date(2016, 12, 31))
    assert dates_in("2017364_2018000") == (datetime.date(2017, 12, 31), datetime.date(2018, 1, 1))


@pytest.mark.parametrize("folder", ["ionosphere", "troposphereTotal", "coherence"])
def test_a_folder_called_by_one_word_says_what_its_files_are(tmp_path, folder):
    path = p.tif(tmp_path / folder / "20170115_20170103.tif", p.PHASE)
    with pytest.raises(SceneError, match="by its name, not a phase"):
        load_scene(path)
    assert load_scene(path, options=read_options(role="phase")) is not None


@pytest.mark.parametrize("folder", ["7cc40f1dem3", "coherent ground", "unwrappedPhase"])
def test_any_other_folder_says_nothing(tmp_path, folder):
    path = p.tif(tmp_path / folder / "20170103_20170115.tif", p.PHASE)
    assert load_scene(path).secondary_dates == (DAYS[15],)


@pytest.mark.parametrize(
    "name", ["x_unw_corr.tif", "x_phase_cor.tif", "unwrap_corr_ll.grd", "S1AA_x_unw_phase_corr.tif"]
)
def test_a_phase_that_was_corrected_is_no_coherence(tmp_path, name):
    write = w._classic_grid if name.endswith(".grd") else p.tif
    (given,) = find_inputs([write(tmp_path / name, p.TURNS).parent], 1)
    scene = given.load()
    assert scene.insar_difference[0][p.UPLIFT] < -2 and scene.insar_coherence is None


@pytest.mark.parametrize(
    "name", ["x_corr.tif", "x_unw_coh.tif", "x_ifg_cor.tif", "topophase_cor.tif"]
)
def test_a_coherence_is_still_known_by_its_name(tmp_path, name):
    with pytest.raises(SceneError, match="is coherence by its name, not a phase"):
        load_scene(p.tif(tmp_path / name, p.COHERENCE))


def test_a_coherence_called_as_a_corrected_phase_is_told_by_its_values(tmp_path):
    with pytest.raises(SceneError, match=r"within 0\.\.1: a coherence"):
        load_scene(p.tif(tmp_path / "x_unw_corr.tif", p.COHERENCE))


@pytest.mark.parametrize("name", ["iono_phase", "tropospheric_phase", "unw_topo_pha"])
def test_the_share_of_air_or_ground_is_no_interferogram(tmp_path, name):
    path = p.tif(tmp_path / f"x_{name}.tif", p.PHASE)
    with pytest.raises(SceneError, match=r"is a phase of the \w+ by its name, not a phase: .*--as"):
        load_scene(path)
    phase = p.tif(tmp_path / "x_unw.tif", p.TURNS)
    (given,) = find_inputs([tmp_path], 1)
    assert given.label == str(phase) and given.load().dem is None
    assert load_scene(path, options=read_options(role="phase")) is not None


@pytest.mark.parametrize("name", ["iono_phase_corr", "topophase", "topo_phase_flat", "ionosfree"])
def test_a_phase_without_the_share_of_air_or_ground_is_one(tmp_path, name):
    assert load_scene(p.tif(tmp_path / f"x_{name}.tif", p.PHASE)) is not None


@pytest.mark.parametrize("pair", ["p", p.PAIR])
@pytest.mark.parametrize("words", [("los", "azi"), ("range", "azimuth"), ("rng", "mai")])
def test_what_is_along_the_track_is_no_line_of_sight_and_that_is_said(tmp_path, pair, words):
    across, along = (
        p.tif(tmp_path / f"{pair}_{word}_unw.tif", sign * p.TURNS)
        for word, sign in zip(words, (1, -1), strict=True)
    )
    p.tif(tmp_path / f"{pair}_coh.tif", p.COHERENCE)
    for inputs in ([tmp_path], [along, across]):
        (given,) = find_inputs(inputs, 1)
        scene = given.load()
        assert scene.insar_difference[0][p.UPLIFT] < -2 and coherence_at(scene) == TRUE_COHERENCE
        assert f"interferogram along the track: {along}" in " ".join(scene.warnings)
    with pytest.raises(SceneError, match=r"along the track by its name, not a phase.*--as phase"):
        load_scene(along)
    assert load_scene(along, options=read_options(role="phase")) is not None


@pytest.mark.parametrize("names", [("p_unw.tif", "p_unw_corr.tif"), ("p_ifg.tif", "p_wrapped.tif")])
def test_two_phases_that_are_as_good_are_two_scenes(tmp_path, names):
    paths = [p.tif(tmp_path / name, p.TURNS + n) for n, name in enumerate(names)]
    for inputs in ([tmp_path], paths):
        assert sorted(given.label for given in find_inputs(inputs, 1)) == sorted(map(str, paths))
    p.tif(tmp_path / "p_phase_unw.tif", p.TURNS)  # what is wrapped is wanted first
    assert len(find_inputs([tmp_path], 1)) == 3 - (names[0] == "p_ifg.tif")


def test_a_phase_with_its_virtual_raster_is_one_scene(tmp_path):
    path = w.envi(tmp_path)
    path.with_name(path.name + ".vrt").write_text("named after its data")
    (given,) = find_inputs([tmp_path], 1)
    assert given.label == str(path)


def test_of_two_phases_of_a_stack_the_other_is_told(tmp_path):
    for name in ("one", "two"):
        bands = [p.AMPLITUDE, p.TURNS]
        path = w._isce_file(tmp_path / f"{name}_{p.PAIR}.unw.geo", bands, "FLOAT")
    (given,) = find_inputs([tmp_path], 4)
    assert f"not read, of the same pair: {path}" in given.load().warnings
