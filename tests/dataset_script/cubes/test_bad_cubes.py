"""Cubes that are damaged, incomplete, or laid out otherwise: each a clear error."""

import datetime
import itertools
import json
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr

from dataset_script.cubes.layout import REQUIRED
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError
from tests.cubes import FRAME, make_cube, pack, rewrite, write_cube

MASKS = ("deformation_mask", "activity_type_mask", "intensity_level_mask")
FIRST = datetime.date(2018, 1, 5), datetime.date(2018, 1, 17)
POSITIVE = datetime.date(2018, 1, 5), datetime.date(2018, 1, 29)
TEXT = {"id": "vlen-utf8"}
PICKLE = {"id": "pickle"}


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
        ("insar_difference", np.inf, "1 pixels that are NaN"),
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
        with pytest.raises(DataError, match="missing though the ground moved"):
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


def test_a_primary_date_after_the_secondary_is_no_interferogram(tmp_path, source):
    backwards = source.valid_date_pair.copy()
    backwards.values[2, 0] = True
    with Minicube.open(rewrite(source, tmp_path, valid_date_pair=backwards)) as cube:
        assert len(cube.pairs) == 12
        assert ["must lie before" in problem.what for problem in cube.warnings] == [True]


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


def test_damaged_list_of_interferograms_is_an_error(tmp_path):
    path = write_cube(make_cube(), tmp_path)
    for chunk in (path / "valid_date_pair").glob("[0-9]*"):
        chunk.write_bytes(b"rubbish")
    with Minicube.open(path) as cube:
        with pytest.raises(DataError, match=f"{FRAME}: valid_date_pair cannot be read"):
            _ = cube.pairs
        with pytest.raises(DataError, match="20180105_20180117: valid_date_pair cannot be read"):
            cube.read("insar_coherence", *FIRST)
