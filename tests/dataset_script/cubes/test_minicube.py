"""Cubes written by xarray alone, in every form, against what our reader gives."""

import contextlib
import datetime
import itertools

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.layout import Grid, Window
from dataset_script.cubes.locations import find_minicubes
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError
from tests.cubes import FRAME, GRID, PAIR, rewrite, write_cube

FORMS = [
    pytest.param(form, version, consolidated, top, fill, id=f"{form}-v{version}-{number}")
    for number, (form, version, (consolidated, top, fill)) in enumerate(
        itertools.product(
            ("directory", "zip", "tar"), (2, 3), ((True, True, 255), (False, False, None))
        )
    )
]
MASKS = ("deformation_mask", "activity_type_mask", "intensity_level_mask")
FIRST = datetime.date(2018, 1, 5), datetime.date(2018, 1, 17)
POSITIVE = datetime.date(2018, 1, 5), datetime.date(2018, 1, 29)


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


@pytest.mark.parametrize(("form", "version", "consolidated", "top", "fill"), FORMS)
def test_a_pair_alone_is_marked_as_in_the_whole(
    tmp_path, source, form, version, consolidated, top, fill
):
    path = write_cube(source, tmp_path, form, version, consolidated, top, fill)
    dates = [source[dim].dt.date.values.tolist() for dim in PAIR]
    there = set()
    with Minicube.open(path) as cube:
        for pair in itertools.product(*dates):
            with contextlib.suppress(DataError):
                cube.read_pair_field("caption", *pair)
                there.add(pair)
        assert len(there) == 12 and there == cube.pairs


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


def test_coherence_on_a_unit_scale_is_recognised(tmp_path, source):
    path = rewrite(source, tmp_path, insar_coherence=source.insar_coherence / 255)
    with Minicube.open(path) as cube, pytest.raises(DataError, match=r"0\.\.1 scale"):
        cube.read("insar_coherence", *FIRST)


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


@pytest.mark.parametrize("form", ["directory", "zip", "tar"])
def test_fields_of_one_value_a_chunk_are_read_past_zarr(tmp_path, source, form, monkeypatch):
    """As real cubes have them, 36,000 chunks a field."""
    chunked, ask = source.copy(), zarr.Array.__getitem__
    fields = [name for name in source if source[name].dims == PAIR]
    for name in fields:
        chunked[name].encoding["chunks"] = (1, 1)
    path = write_cube(chunked, tmp_path, form)
    asked = []
    monkeypatch.setattr(
        zarr.Array, "__getitem__", lambda own, key: asked.append(own.path) or ask(own, key)
    )
    with Minicube.open(path) as cube:
        for name in fields:
            for (i, j), wanted in np.ndenumerate(source[name].values):
                dates = source.primary_date.values[i], source.secondary_date.values[j]
                pair = tuple(date.astype("datetime64[D]").item() for date in dates)
                if pair in cube.pairs:
                    assert cube.read_pair_field(name, *pair) == wanted
    assert not set(asked) & set(fields)
