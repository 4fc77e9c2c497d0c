"""Cubes written by xarray alone, in every form, against what our reader gives."""

import datetime
import itertools
import json
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.layout import REQUIRED, Grid, Window
from dataset_script.cubes.locations import find_minicubes
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError
from tests.cubes import FRAME, GRID, PAIR, make_cube, pack, write_cube

FORMS = [
    pytest.param(form, version, consolidated, top, fill, id=f"{form}-v{version}-{number}")
    for number, (form, version, (consolidated, top, fill)) in enumerate(
        itertools.product(
            ("directory", "zip", "tar"),
            (2, 3),
            ((True, True, 255), (False, False, None)),
        )
    )
]
MASKS = ("deformation_mask", "activity_type_mask", "intensity_level_mask")
FIRST = datetime.date(2018, 1, 5), datetime.date(2018, 1, 17)
POSITIVE = datetime.date(2018, 1, 5), datetime.date(2018, 1, 29)


@pytest.fixture(scope="module")
def source():
    return make_cube()


@pytest.fixture(scope="module")
def stored(source, tmp_path_factory):
    return write_cube(source, tmp_path_factory.mktemp("stored"))


@pytest.fixture
def cube(stored):
    with Minicube.open(stored) as opened:
        yield opened


def rewrite(source, folder, **changes):
    """A cube with some variables changed, as a directory."""
    return write_cube(source.assign(changes), folder)


@pytest.mark.parametrize(("form", "version", "consolidated", "top", "fill"), FORMS)
def test_every_form_reads_as_xarray_does(tmp_path, source, form, version, consolidated, top, fill):
    path = write_cube(source, tmp_path, form, version, consolidated, top, fill)
    window = Window(3, 5, 20, 31)
    with Minicube.open(path) as cube:
        assert cube.frame_id == FRAME
        assert (cube.height, cube.width) == (40, 56)
        assert len(cube.pairs) == 12
        for primary, secondary in sorted(cube.pairs)[::5]:
            pair = source.sel(primary_date=str(primary), secondary_date=str(secondary))
            for name in source:
                if source[name].ndim == 4:
                    wanted = pair[name].values[3:23, 5:36]
                    found = cube.read(name, primary, secondary, window)
                    np.testing.assert_array_equal(found, wanted)
                    whole = name in MASKS or name == "insar_coherence"
                    assert found.dtype == (np.uint8 if whole else np.float32)
                elif source[name].dims == PAIR:
                    assert cube.read_pair_field(name, primary, secondary) == pair[name].values
        dem = cube.read_static("dem", window)
        np.testing.assert_array_equal(dem, source.dem.values[3:23, 5:36])


def test_floats_keep_every_bit(tmp_path, source):
    odd = np.array([-0.0, 1e-42, np.pi, -np.pi, 3.1415925], np.float32)
    phase = source.insar_difference.copy()
    phase.values[0, 0, 0, :5] = odd
    path = rewrite(source, tmp_path, insar_difference=phase)
    with Minicube.open(path) as cube:
        found = cube.read("insar_difference", *FIRST, Window(0, 0, 1, 5))
    np.testing.assert_array_equal(found.view("u4"), odd[None].view("u4"))


def test_masks_that_xarray_decodes_to_nan_read_as_whole_numbers(tmp_path, source):
    mask = source.deformation_mask.astype("float64").where(source.valid_date_pair)
    mask = mask.where(mask != 0)
    with Minicube.open(rewrite(source, tmp_path, deformation_mask=mask)) as cube:
        for primary, secondary in cube.pairs:
            pair = source.sel(primary_date=str(primary), secondary_date=str(secondary))
            found = cube.read("deformation_mask", primary, secondary)
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, pair.deformation_mask.values)


def test_all_three_mask_classes_are_there(cube):
    classes = set()
    for pair in cube.pairs:
        classes |= set(np.unique(cube.read("deformation_mask", *pair)).tolist())
    assert classes == {0, 1, 2}


def test_the_grid(cube, source):
    assert cube.crs == "EPSG:4326"
    assert cube.grid.pixel_size == (0.001, 0.001)
    np.testing.assert_array_equal(cube.grid.latitude, source.latitude.values)
    np.testing.assert_array_equal(cube.grid.longitude, source.longitude.values)
    west, south, east, north = cube.bounds()
    assert (west, north) == pytest.approx((-92.0005, -0.3503334))
    assert (east - west, north - south) == pytest.approx((0.056, 0.040))


@pytest.mark.parametrize("start", [-178.123, -91.9990001, 0.0, 14.4264, 179.9])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("step", [0.001, 0.0003, 1 / 3600])
def test_the_pixel_size_is_the_number_that_was_meant(start, kind, step):
    centres = (start + step * np.arange(1409)).astype(kind)
    grid = Grid(centres[::-1], centres)
    # A third of an arc second has no round decimal; its float32 centres do not tell more digits.
    exact = step != 1 / 3600
    assert grid.pixel_size == ((step, step) if exact else pytest.approx((step, step), rel=1e-4))
    assert grid.bounds(grid.whole)[2] == pytest.approx(start + 1408.5 * step, abs=0.1 * step)


def test_whole_numbered_centres_are_centres_too():
    grid = Grid(np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0]))
    assert grid.pixel_size == (1.0, 1.0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_windows_and_boxes_are_the_same(cube, data):
    row, column = data.draw(st.integers(0, 39)), data.draw(st.integers(0, 55))
    height = data.draw(st.integers(1, 40 - row))
    width = data.draw(st.integers(1, 56 - column))
    window = Window(row, column, height, width)
    assert cube.window(cube.bounds(window)) == window
    west, south, east, north = cube.bounds(window)
    smaller = (west + 2e-4, south + 2e-4, east - 2e-4, north - 2e-4)
    assert cube.window(smaller) == window
    whole = cube.read("insar_difference", *FIRST)
    part = cube.read("insar_difference", *FIRST, window)
    np.testing.assert_array_equal(part, whole[row : row + height, column : column + width])


def test_windows_off_the_frame_are_errors(cube):
    with pytest.raises(DataError, match="leaves the frame of 40 x 56 pixels"):
        cube.read("insar_difference", *FIRST, Window(30, 0, 20, 10))
    with pytest.raises(DataError, match="outside the frame"):
        cube.window((0.0, 0.0, 1.0, 1.0))
    west, south, _, _ = cube.bounds()
    assert cube.window((west - 1, south - 1, west + 0.002, south + 0.002)) == Window(38, 0, 2, 2)


def test_a_chunk_is_decoded_once_a_group(stored, monkeypatch):
    decoded = []
    raw = CubeArrays.raw

    def counted(self, name, place=()):
        if len(place) == 2 and self.dataset[name].ndim == 4:
            decoded.append((name, place))
        return raw(self, name, place)

    monkeypatch.setattr(CubeArrays, "raw", counted)
    with Minicube.open(stored) as cube:
        groups = {}
        for primary, secondary in sorted(cube.pairs):
            groups.setdefault(primary, []).append(secondary)
        for primary, secondaries in groups.items():
            for sample in itertools.combinations(secondaries, 3):
                for secondary in sample:
                    for name in cube.rasters:
                        cube.read(name, primary, secondary, Window(0, 0, 8, 8))
    assert len(decoded) == len(set(decoded))
    of_primary = [name for name, _ in decoded if name.startswith("primary_date_")]
    assert len(of_primary) == 3 * len(groups)
    assert len([name for name, _ in decoded if name == "insar_difference"]) == 12


def test_what_is_read_is_a_copy(cube):
    first = cube.read("insar_coherence", *FIRST)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(cube.read("insar_coherence", *FIRST), kept)


def test_unknown_pairs_and_variables_are_errors(cube):
    absent = datetime.date(2018, 1, 5), datetime.date(2019, 7, 16)
    with pytest.raises(DataError, match=f"frame {FRAME}, 20180105_20190716: .* no such interf"):
        cube.read("insar_difference", *absent)
    with pytest.raises(DataError, match="no such interferogram"):
        cube.read_pair_field("caption", *absent)
    with pytest.raises(DataError, match="no raster 'amplitude'"):
        cube.read("amplitude", *FIRST)
    with pytest.raises(DataError, match="no field 'mood'"):
        cube.read_pair_field("mood", *FIRST)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("insar_difference", np.nan, "1 pixels that are NaN"),
        ("insar_difference", 5.0, "reaches 5 rad"),
        ("insar_coherence", 300.0, "0..300, not 0..255"),
        ("insar_coherence", -1.0, "not 0..255"),
        ("insar_coherence", 0.5, "not whole-numbered"),
        ("deformation_mask", 3, "0..3, not 0..2"),
        ("secondary_date_surface_pressure", np.inf, "NaN or infinite"),
    ],
)
def test_values_out_of_range_name_file_frame_and_dates(tmp_path, stored, name, value, complaint):
    path = shutil.copytree(stored, tmp_path / stored.name)
    zarr.open_array(path / name)[0, 0, 7, 9] = value
    with Minicube.open(path) as cube:
        with pytest.raises(DataError, match=complaint) as error:
            cube.read(name, *FIRST)
        cube.read(name, *POSITIVE)
    for part in (str(path), FRAME, "20180105_20180117", name, "--skip-bad"):
        assert part in str(error.value)


def test_coherence_on_a_unit_scale_is_recognised(tmp_path, source):
    path = rewrite(source, tmp_path, insar_coherence=source.insar_coherence / 255)
    with Minicube.open(path) as cube, pytest.raises(DataError, match=r"0\.\.1 scale"):
        cube.read("insar_coherence", *FIRST)


def test_a_nan_elevation_is_an_error(tmp_path, source):
    dem = source.dem.copy()
    dem.values[0, 0] = np.nan
    with (
        Minicube.open(rewrite(source, tmp_path, dem=dem)) as cube,
        pytest.raises(DataError, match="dem has 1 pixels"),
    ):
        cube.read_static()


@pytest.mark.parametrize("form", ["directory", "zip", "tar"])
@pytest.mark.parametrize("name", ["insar_difference", "primary_date_surface_pressure"])
def test_a_missing_chunk_is_never_made_up(tmp_path, stored, name, form):
    path = shutil.copytree(stored, tmp_path / stored.name)
    (path / name / "0.1.0.0").unlink()
    if form != "directory":
        path = pack(path, form)
    with Minicube.open(path) as cube:
        cube.read(name, *FIRST)
        with pytest.raises(DataError, match=rf"20180105_20180129: chunk {name}/0.1.0.0 is missing"):
            cube.read(name, *POSITIVE)
        with pytest.raises(DataError, match="is missing"):
            cube.require_stored(*POSITIVE)
        cube.require_stored(*FIRST)


def test_a_mask_chunk_may_be_left_out_only_where_nothing_deforms(tmp_path, stored):
    path = shutil.copytree(stored, tmp_path / stored.name)
    (path / "deformation_mask" / "0.0.0.0").unlink(missing_ok=True)
    (path / "deformation_mask" / "0.1.0.0").unlink()
    with Minicube.open(path) as cube:
        assert not cube.read("deformation_mask", *FIRST).any()
        with pytest.raises(DataError, match="missing though the phase is Unrest"):
            cube.read("deformation_mask", *POSITIVE)


def test_a_damaged_chunk_is_an_error(tmp_path, stored):
    path = shutil.copytree(stored, tmp_path / stored.name)
    chunk = path / "insar_difference" / "0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:50])
    with Minicube.open(path) as cube, pytest.raises(DataError, match="cannot be read") as error:
        cube.read("insar_difference", *FIRST)
    assert "20180105_20180117" in str(error.value)


def test_wrong_layouts_are_errors(tmp_path, source):
    source = source[list(REQUIRED)]
    number = itertools.count()

    def check(changed, complaint):
        path = write_cube(changed, tmp_path / str(next(number)), consolidated=False)
        with pytest.raises(DataError, match=complaint) as error:
            Minicube.open(path)
        assert str(path) in str(error.value)

    swapped = source.dem.transpose("longitude", "latitude")
    check(source.assign(dem=swapped), r"wrong dimensions: dem has \(longitude, latitude\)")
    flat = source.deformation_mask.isel(primary_date=0)
    check(source.assign(deformation_mask=flat), "wrong dimensions: deformation_mask")
    check(source.drop_vars("insar_coherence"), "lacks insar_coherence")
    check(source.isel(latitude=slice(None, None, -1)), "latitude must descend")
    check(source.isel(primary_date=[1, 0, 2]), "2019-07-04 before 2018-01-05")
    check(source.isel(secondary_date=[0, 0, 1]), "secondary_date .* 2018-01-17 twice")
    dates = [f"day {i}" for i in range(3)]
    check(source.assign_coords(primary_date=dates), "must hold dates")
    crooked = source.longitude.values.copy()
    crooked[20] += 0.0004
    check(source.assign_coords(longitude=crooked), "not regularly spaced")
    check(source.drop_vars("latitude"), "latitude has no coordinate")
    backwards = source.valid_date_pair.copy()
    backwards.values[2, 0] = True
    check(source.assign(valid_date_pair=backwards), "primary date must lie before")


def test_what_is_no_cube_is_an_error(tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    (tmp_path / "text.zarr").write_text("hello")
    xr.Dataset({"a": 1}).to_zarr(tmp_path / "other.zarr", zarr_format=2)
    for name, complaint in (
        ("empty.zarr", "no Zarr group"),
        ("text.zarr", "no cube"),
        ("other.zarr", "lacks insar_difference"),
        ("nowhere.zarr", "no such file"),
    ):
        with pytest.raises(DataError, match=complaint):
            Minicube.open(tmp_path / name)


TEXT = {"id": "vlen-utf8"}
PICKLE = {"id": "pickle"}


@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        # Zarr itself lets this one through: the text codec hides what the compressor does.
        ("caption", {"dtype": "|O", "filters": [TEXT], "compressor": PICKLE}, "caption"),
        ("caption", {"dtype": "|O", "filters": [TEXT, PICKLE]}, "caption"),
        ("latitude", {"filters": [PICKLE]}, "an array"),
        ("insar_difference", {"compressor": PICKLE}, "an array"),
    ],
)
def test_a_cube_that_pickles_is_refused(tmp_path, source, consolidated, name, change, said):
    path = write_cube(source, tmp_path, consolidated=consolidated)
    if "dtype" in change:
        change = change | {"fill_value": ""}
    if consolidated:
        file = path / ".zmetadata"
        record = json.loads(file.read_text())
        record["metadata"][f"{name}/.zarray"] |= change
    else:
        file = path / name / ".zarray"
        record = json.loads(file.read_text()) | change
    file.write_text(json.dumps(record))
    with pytest.raises(DataError, match=f"{said} is stored by pickling.*do not trust"):
        Minicube.open(path)


def test_malformed_metadata_is_an_error(tmp_path, stored):
    path = shutil.copytree(stored, tmp_path / stored.name)
    (path / ".zmetadata").write_text("{")
    with pytest.raises(DataError, match="metadata cannot be read"):
        Minicube.open(path)


def test_the_reference_system(tmp_path, source):
    absent = write_cube(source.drop_vars("spatial_ref"), tmp_path / "absent")
    with Minicube.open(absent) as cube:
        assert cube.crs == "EPSG:4326"
    wrong = source.assign(spatial_ref=((), 0, {"crs_wkt": "nonsense"}))
    with (
        Minicube.open(write_cube(wrong, tmp_path / "wrong")) as cube,
        pytest.raises(DataError, match="no coordinate reference system"),
    ):
        _ = cube.crs


def test_find_minicubes_goes_by_name(tmp_path):
    for name in ("a.zarr", "b.zarr.zip", "c.zarr.tar", "c.zarr.tar.index.json", "annotations.json"):
        (tmp_path / name).touch()
    assert find_minicubes(tmp_path) == {
        "a": str(tmp_path / "a.zarr"),
        "b": str(tmp_path / "b.zarr.zip"),
        "c": str(tmp_path / "c.zarr.tar"),
    }
    assert find_minicubes(tmp_path / "b.zarr.zip") == {"b": str(tmp_path / "b.zarr.zip")}
    with pytest.raises(DataError, match="no such folder"):
        find_minicubes(tmp_path / "nowhere")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(DataError, match=r"frame b: the frame is here twice, also as b\.zarr"):
        find_minicubes(tmp_path)


def test_one_chunk_of_many_pairs_reads_as_well(tmp_path, source):
    encoding = {name: {"chunks": (3, 12, 40, 56)} for name in source if source[name].ndim == 4} | {
        "dem": {"chunks": (10, 20)},
        "caption": {"chunks": (1, 1)},
    }
    path = tmp_path / f"{FRAME}.zarr"
    source.to_zarr(path, zarr_format=2, encoding=encoding)
    with Minicube.open(path) as cube:
        wanted = source.sel(primary_date=str(FIRST[0]), secondary_date=str(FIRST[1]))
        np.testing.assert_array_equal(
            cube.read("insar_difference", *FIRST), wanted.insar_difference
        )
        np.testing.assert_array_equal(cube.read_static(), source.dem)
        assert cube.read_pair_field("caption", *FIRST) == wanted.caption
    (path / "dem" / "3.2").unlink()
    with Minicube.open(path) as cube, pytest.raises(DataError, match=r"dem/3.2 is missing"):
        cube.read_static()
    assert source.dem.dims == GRID


def test_damaged_list_of_interferograms_is_an_error(tmp_path):
    path = write_cube(make_cube(), tmp_path)
    for chunk in (path / "valid_date_pair").glob("[0-9]*"):
        chunk.write_bytes(b"rubbish")
    with pytest.raises(DataError, match=f"{FRAME}: valid_date_pair cannot be read"):
        Minicube.open(path)
