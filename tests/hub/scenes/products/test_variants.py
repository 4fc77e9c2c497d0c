"""Files beside those that are wanted, and variants that say another thing than they look like."""

import datetime
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene, read_options
from tests.hub.scenes.products import planted as p
from tests.hub.scenes.products import written as w

TRUE_COHERENCE = int(np.rint(p.COHERENCE[p.UPLIFT] * 255))
DAYS = {day: datetime.date(2017, 1, day) for day in (3, 15, 27)}


def named(path, *names):
    with rasterio.open(path, "r+") as file:
        file.descriptions = names
    return path


def radar(path, *bands):
    """ISCE2's file in radar coordinates: its XML places it at 0, 0, a degree a pixel."""
    w._isce_file(path, bands, "FLOAT")
    header = path.with_name(path.name + ".xml")
    text = header.read_text()
    for value, plain in ((p.GRID.a, 1.0), (p.GRID.e, 1.0), (p.GRID.c, 0.0), (p.GRID.f, 0.0)):
        text = text.replace(f"<value>{value}</value>", f"<value>{plain}</value>")
    header.write_text(text)
    return path


def coherence_at(scene):
    return int(scene.insar_coherence[0][p.UPLIFT])


def test_what_lies_in_radar_coordinates_has_no_place(tmp_path):
    phase = w.isce2(tmp_path)
    radar(phase.parent / "topophase.cor", p.AMPLITUDE, p.COHERENCE)
    twin = radar(phase.parent / "filt_topophase.unw", p.AMPLITUDE, p.TURNS)
    with pytest.raises(SceneError, match="radar coordinates"):
        load_scene(twin)
    assert coherence_at(load_scene(phase)) == TRUE_COHERENCE
    (given,) = find_inputs([tmp_path], 1)  # the geocoded one of both
    scene = given.load()
    assert scene.insar_difference[0][p.UPLIFT] < -2 and coherence_at(scene) == TRUE_COHERENCE


def test_an_elevation_in_radar_coordinates_is_told_and_left_out(tmp_path):
    phase = w._isce_file(tmp_path / p.PAIR / "filt_fine.unw.geo", [p.AMPLITUDE, p.TURNS], "FLOAT")
    radar(phase.parent / "hgt.rdr", p.HEIGHTS)
    scene = load_scene(phase)
    assert scene.dem is None and "radar coordinates" in " ".join(scene.warnings)


def test_an_elevation_with_its_header_is_one_file(tmp_path):
    phase = w._isce_file(tmp_path / f"{p.PAIR}.unw.geo", [p.AMPLITUDE, p.TURNS], "FLOAT")
    w._isce_file(tmp_path / "hgt.geo", [p.HEIGHTS], "FLOAT")
    assert load_scene(phase).dem[p.UPLIFT] == p.HEIGHTS[p.UPLIFT]


def test_gmtsar_prefers_longitude_and_latitude(tmp_path):
    phase = w.gmtsar(tmp_path)
    for name, values in (("phasefilt", p.PHASE), ("corr", p.COHERENCE / 2)):
        w._classic_grid(phase.parent / f"{name}.grd", values)
    w._classic_grid(tmp_path / "topo" / "topo_ra.grd", p.HEIGHTS + 5000)
    w._classic_grid(tmp_path / "topo" / "dem.grd", p.HEIGHTS)
    (tmp_path / "topo" / "topo_ll.grd").unlink()
    (given,) = find_inputs([tmp_path], 1)
    scene = given.load()
    assert given.label.endswith("phasefilt_ll.grd")
    assert coherence_at(scene) == TRUE_COHERENCE
    assert scene.dem[p.UPLIFT] == pytest.approx(p.HEIGHTS[p.UPLIFT], abs=1)


def test_an_aria_file_that_was_renamed_keeps_its_sign(tmp_path):
    path = w.aria(tmp_path)
    expected = load_scene(path).insar_difference[0][p.UPLIFT]
    scene = load_scene(path.rename(path.with_name("fogo.nc")))
    assert scene.insar_difference[0][p.UPLIFT] == expected < -2


def snap(path, **bands):
    return named(p.tif(path, *bands.values()), *bands)


def test_snap_pairs_coherence_by_its_dates(tmp_path):
    half = (p.COHERENCE / 2).astype("float32")
    path = snap(
        tmp_path / "a.tif",
        Phase_ifg_VV_03Jan2017_15Jan2017=p.PHASE,
        coh_VV_03Jan2017_27Jan2017=half,
        coh_VH_03Jan2017_15Jan2017=half,
        coh_VV_03Jan2017_15Jan2017=p.COHERENCE,
    )
    scene = load_scene(path)
    assert coherence_at(scene) == TRUE_COHERENCE
    other = snap(
        tmp_path / "b.tif",
        Phase_ifg_VV_03Jan2017_15Jan2017=p.PHASE,
        coh_VV_03Jan2017_27Jan2017=half,
    )
    assert load_scene(other).insar_coherence is None


def test_snap_gives_each_interferogram_of_a_product(tmp_path):
    half = (p.COHERENCE / 2).astype("float32")
    path = snap(
        tmp_path / "stack.tif",
        Phase_ifg_VV_03Jan2017_15Jan2017=p.PHASE,
        coh_VV_03Jan2017_15Jan2017=p.COHERENCE,
        Phase_ifg_VV_03Jan2017_27Jan2017=-p.PHASE,
        coh_VV_03Jan2017_27Jan2017=half,
        elevation=p.HEIGHTS,
    )
    first, second = (given.load() for given in find_inputs([path], 1))
    assert [scene.secondary_dates for scene in (first, second)] == [(DAYS[15],), (DAYS[27],)]
    assert first.insar_difference[0][p.UPLIFT] == -second.insar_difference[0][p.UPLIFT]
    assert coherence_at(first) == TRUE_COHERENCE and coherence_at(second) == TRUE_COHERENCE // 2
    assert first.dem is not None and second.dem is not None
    chosen = load_scene(path, options=read_options(band=3))
    assert chosen.secondary_dates == (DAYS[27],) and chosen.insar_difference[0][p.UPLIFT] > 2
    with pytest.raises(SceneError, match="no band 9"):
        load_scene(path, options=read_options(band=9))


def test_snap_gives_each_interferogram_of_a_zip_too(tmp_path):
    path = snap(
        tmp_path / "plain" / "ifg.tif",
        Phase_ifg_VV_03Jan2017_15Jan2017=p.PHASE,
        coh_VV_03Jan2017_15Jan2017=p.COHERENCE,
    )
    archive = shutil.make_archive(str(tmp_path / "ifg"), "zip", path.parent)
    assert coherence_at(load_scene(archive)) == TRUE_COHERENCE


@pytest.mark.parametrize(
    "names",
    [
        ("i_IW1_VV_mst_03Jan2017", "q_IW1_VV_mst_03Jan2017"),
        ("Phase_IW1_VV_mst_03Jan2017", "Intensity_IW1_VV_mst_03Jan2017"),
    ],
)
def test_a_single_acquisition_is_no_interferogram(tmp_path, names):
    noise = np.random.default_rng(0).uniform(-3, 3, (2, *p.PHASE.shape)).astype("float32")
    with pytest.raises(SceneError):
        load_scene(snap(tmp_path / "slc.tif", **dict(zip(names, noise, strict=True))))


def test_coherence_of_other_dates_is_not_used(tmp_path):
    phase = p.tif(tmp_path / "20170103_20170115_phase.tif", p.PHASE)
    other = p.tif(tmp_path / "more" / "20170103_20170127_coh.tif", p.COHERENCE)
    with pytest.raises(SceneError, match="without phase of the same dates"):
        load_scene([phase, other])
    with pytest.raises(SceneError, match="the dates of none of the phases"):
        load_scene(phase, options=read_options(coherence=[other]))
    undated = other.rename(tmp_path / "more" / "coh.tif")
    scene = load_scene(phase, options=read_options(coherence=[undated]))
    assert coherence_at(scene) == TRUE_COHERENCE


def test_two_tracks_of_one_folder_are_two_series(tmp_path):
    p.tif(tmp_path / "asc_20170103_20170115.diff.unw.tif", p.TURNS)
    p.tif(tmp_path / "asc_20170103_20170127.diff.unw.tif", p.TURNS)
    p.tif(tmp_path / "dsc_20170103_20170121.diff.unw.tif", -p.TURNS)
    assert sorted(given.load().steps for given in find_inputs([tmp_path], 4)) == [1, 2]


def test_two_bursts_of_one_folder_are_two_scenes(tmp_path):
    for burst in ("t087_185682_iw2", "t087_185683_iw2"):
        path = tmp_path / f"{burst}_{p.PAIR}.int.tif"
        p.tif(path, p.INTERFEROGRAM, grid=p.UTM_GRID, crs=p.UTM)
    assert [given.load().steps for given in find_inputs([tmp_path], 4)] == [1, 1]


def test_roi_pac_prefers_longitude_and_latitude(tmp_path):
    geocoded = w.roi_pac(tmp_path)
    for path in list(tmp_path.iterdir()):
        twin = path.with_name(path.name.removeprefix("geo_"))
        lines = path.read_bytes()
        if path.suffix == ".rsc":
            lines = b"\n".join(line for line in lines.splitlines() if line[1:2] != b"_")
        twin.write_bytes(lines)
    (given,) = find_inputs([tmp_path], 1)
    assert given.label == str(geocoded) and coherence_at(given.load()) == TRUE_COHERENCE


def test_a_macs_shadows_in_a_zip_are_passed_over(tmp_path):
    folder = w.hyp3(tmp_path / "plain")
    with zipfile.ZipFile(tmp_path / "h.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"{folder.name}/{file.name}")
            archive.writestr(f"__MACOSX/{folder.name}/._{file.name}", bytes(100))
    assert load_scene(tmp_path / "h.zip").insar_difference[0][p.UPLIFT] < -2


def test_a_classic_grid_in_a_zip_is_read(tmp_path):
    w.gmtsar(tmp_path / "plain")
    archive = shutil.make_archive(str(tmp_path / "g"), "zip", tmp_path / "plain")
    scene = load_scene(archive)
    assert scene.insar_difference[0][p.UPLIFT] < -2 and coherence_at(scene) == TRUE_COHERENCE


def test_an_interferogram_of_whole_numbers_is_read(tmp_path):
    path = tmp_path / f"{p.PAIR}.int.tif"
    height, width = p.PHASE.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype="complex_int16",
        transform=p.GRID,
        crs="EPSG:4326",
    ) as file:
        file.write((1000 * p.INTERFEROGRAM).astype("complex64"), 1)
    found = load_scene(path).insar_difference[0]
    np.testing.assert_allclose(found[p.UPLIFT], p.PHASE[p.UPLIFT], atol=0.01)


def test_dates_of_an_npz_that_are_out_of_order_are_told(tmp_path):
    def written(primary, *secondary):
        steps = np.stack([p.PHASE + 0.001] * len(secondary))
        path = tmp_path / "a.npz"
        np.savez(
            path, insar_difference=steps, primary_date=primary, secondary_dates=list(secondary)
        )
        return " ".join(load_scene(path).warnings)

    assert "time reversed" in written("20170115", "20170103")
    said = written("20170103", "20170127", "20170115")
    assert "not in order" in said and "time reversed" not in said
    assert "order" not in written("20170103", "20170115", "20170127")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    p.tif(tmp_path / "open" / "a_phase.tif", p.PHASE)
    for name in ("locked", "lost+found"):
        (tmp_path / name).mkdir()
    scan = os.scandir

    def refuse(path):
        if Path(path).name in ("locked", "lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    good, locked = find_inputs([tmp_path], 1)
    assert good.load() is not None and locked.label == str(tmp_path / "locked")
    with pytest.raises(SceneError, match="locked cannot be listed: Permission denied"):
        locked.load()
