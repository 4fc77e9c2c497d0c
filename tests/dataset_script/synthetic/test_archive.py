"""The synthetic archive on disk: its layout, its determinism, and how it is written."""

import hashlib
import json
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import xarray as xr

from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.series import make_samples, read_groups
from dataset_script.annotations.splits import assign
from dataset_script.channels import ATMOSPHERIC_CHANNELS
from dataset_script.errors import DataError
from dataset_script.source.inspection import inspect
from dataset_script.synthetic.archive import pack
from dataset_script.synthetic.pipeline import make_frame, synthesize
from tests.dataset_script.synthetic.tiny import TINY

PAIR = ("primary_date", "secondary_date")
RASTER = (*PAIR, "latitude", "longitude")
# The table of a real cube's variables: dimensions and type.
LAYOUT = {
    "insar_difference": (RASTER, "float32"),
    "insar_coherence": (RASTER, "float32"),
    **dict.fromkeys(ATMOSPHERIC_CHANNELS, (RASTER, "float32")),
    "dem": (RASTER[2:], "float32"),
    "deformation_mask": (RASTER, "int32"),
    "activity_type_mask": (RASTER, "int32"),
    "intensity_level_mask": (RASTER, "int32"),
    "atmospheric_fringes": (PAIR, "int32"),
    "glacier_fringes": (PAIR, "int32"),
    "orbital_fringes": (PAIR, "int32"),
    "corrupted": (PAIR, "bool"),
    "is_crowd": (PAIR, "bool"),
    "low_coherence": (PAIR, "bool"),
    "no_info": (PAIR, "bool"),
    "processing_error": (PAIR, "bool"),
    "valid_date_pair": (PAIR, "bool"),
    "confidence": (PAIR, "float32"),
    "caption": (PAIR, "<U572"),
    "phase": (PAIR, "<U10"),
    "unique_id": (PAIR, "<U10"),
    "spatial_ref": ((), "int64"),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "minicubes"
    synthesize(out, **TINY)
    return out


@pytest.fixture(scope="module")
def cube(archive):
    return xr.open_zarr(sorted(archive.glob("*.zarr"))[0], chunks=None)


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_cube_opens_as_a_real_one_does(cube):
    assert len(cube.data_vars) == 26
    assert {n: (v.dims, v.dtype.str.replace("|b1", "bool")) for n, v in cube.data_vars.items()} == {
        name: (dims, dtype if dtype in ("bool",) else np.dtype(dtype).str)
        for name, (dims, dtype) in LAYOUT.items()
    }
    assert dict(cube.sizes)["latitude"] == 48 and dict(cube.sizes)["longitude"] == 64
    for name in PAIR:
        assert cube[name].dtype == "datetime64[ns]"
    latitude, longitude = cube.latitude.values, cube.longitude.values
    np.testing.assert_allclose(np.diff(latitude), -0.001)
    np.testing.assert_allclose(np.diff(longitude), 0.001)
    assert latitude.dtype == longitude.dtype == "float64"
    assert {"title", "frame_id", "description"} == set(cube.attrs)
    assert "WGS 84" in cube.spatial_ref.attrs["crs_wkt"]
    assert cube.spatial_ref.attrs["spatial_ref"] == cube.spatial_ref.attrs["crs_wkt"]
    for name, (dims, _) in LAYOUT.items():
        if "latitude" in dims:
            assert cube[name].attrs == {"grid_mapping": "spatial_ref"}
            expected = (1, 1, 48, 64) if len(dims) == 4 else (48, 64)
            assert cube[name].encoding["chunks"] == expected


def test_cube_is_zarr_2_with_consolidated_metadata(archive):
    folder = sorted(archive.glob("*.zarr"))[0]
    assert json.loads((folder / ".zgroup").read_text()) == {"zarr_format": 2}
    metadata = json.loads((folder / ".zmetadata").read_text())["metadata"]
    assert metadata["insar_difference/.zarray"]["compressor"]["id"] == "blosc"
    assert metadata["insar_difference/.zattrs"]["_ARRAY_DIMENSIONS"] == list(RASTER)


def test_every_chunk_is_there_whose_lack_readers_would_fill_in_differently(archive, cube):
    """Without a fill value zarr 2 returns whatever the memory held, zarr 3 zeros."""
    folder = sorted(archive.glob("*.zarr"))[0]
    valid = cube.valid_date_pair.values
    assert 0 < valid.sum() < valid.size
    assert not cube.deformation_mask.values[valid].any(axis=(1, 2)).all()  # some hold zeros alone
    for name, (dims, dtype) in LAYOUT.items():
        layout = json.loads((folder / name / ".zarray").read_text())
        chunks = {path.name for path in (folder / name).iterdir() if path.name[0] != "."}
        every = {".".join(map(str, place)) for place in np.ndindex(valid.shape)}
        if dims == PAIR:
            assert layout["chunks"] == [1, 1], name
            assert chunks == every, name
        elif dims == RASTER and dtype == "int32":
            assert layout["fill_value"] is None
            assert chunks == {f"{place}.0.0" for place in every}, name
        elif dims == RASTER:
            assert layout["fill_value"] == "NaN"
            assert chunks == {f"{i}.{j}.0.0" for i, j in np.argwhere(valid)}, name
    missing = np.argwhere(~valid)[0]
    nowhere = cube.isel(primary_date=missing[0], secondary_date=missing[1])
    assert not nowhere.deformation_mask.values.any()
    assert nowhere.unique_id.item() == "" and not np.isfinite(nowhere.insar_difference).any()


def test_values_lie_in_their_ranges(cube):
    for i, j in np.argwhere(cube.valid_date_pair.values):
        pair = cube.isel(primary_date=int(i), secondary_date=int(j))
        phase, strength = pair.insar_difference.values, pair.insar_coherence.values
        assert np.all(phase > -np.pi) and np.all(phase <= np.float32(np.pi))
        np.testing.assert_array_equal(strength, np.rint(strength))
        assert strength.min() >= 0 and strength.max() <= 255
        assert set(np.unique(pair.deformation_mask)) <= {0, 1, 2}
        assert 0.5 <= pair.confidence <= 0.8 + 1e-6


def test_primary_fields_are_the_same_for_every_secondary(cube):
    for i in range(cube.sizes["primary_date"]):
        columns = np.flatnonzero(cube.valid_date_pair.values[i])
        fields = cube.primary_date_surface_pressure.values[i, columns]
        assert (fields == fields[0]).all()
        secondary = cube.secondary_date_surface_pressure.values[i, columns]
        assert len(columns) < 2 or np.ptp(secondary.mean(axis=(1, 2))) > 0


def test_annotations_match_the_cubes(archive):
    report = inspect(archive)
    assert not report.problems
    annotations = read_annotations(archive)
    assert sorted(annotations) == list(range(1, len(annotations) + 1))
    names = read_frame_names(archive)
    assert set(names) == {a.frame_id for a in annotations.values()}
    volcanoes = [name for frame in names.values() for name in frame]
    assert len(volcanoes) == len(set(volcanoes))
    cubes = {path.stem: xr.open_zarr(path, chunks=None) for path in archive.glob("*.zarr")}
    for annotation in annotations.values():
        primary, secondary = (np.datetime64(date) for date in annotation.pair)
        pair = cubes[annotation.frame_id].sel(primary_date=primary, secondary_date=secondary)
        assert pair.unique_id.item() == str(annotation.unique_id)
        assert pair.caption.item() == annotation.caption
        assert pair.phase.item() == annotation.phase
        assert bool(pair.corrupted) == bool(annotation.corrupted)
        assert bool(pair.deformation_mask.any()) == annotation.positive


@pytest.mark.parametrize("seed", [0, 1])
def test_tiny_archive_serves_every_split(archive, tmp_path, seed):
    if seed:
        first, archive = archive, tmp_path / "other"
        synthesize(archive, **TINY, seed=seed)
        assert set(digest(archive)) != set(digest(first))
    annotations = read_annotations(archive)
    groups = read_groups(archive, annotations)
    for split, own in assign(groups, "paper", 0).items():
        for length in (1, 3):
            positive = {sample.positive for sample in make_samples(own, length, split, 0)}
            assert positive == {True, False}, (split, length)
    assert any(not annotation.usable for annotation in annotations.values())


def test_same_seed_same_bytes_whatever_the_workers(archive, tmp_path):
    synthesize(tmp_path / "again", **TINY, workers=2)
    assert digest(tmp_path / "again") == digest(archive)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_hold_the_cube_under_its_own_folder(archive, tmp_path, kind):
    one = TINY | {"frames": 1}
    synthesize(tmp_path / "a", **one, archive=kind)
    (packed,) = (tmp_path / "a").glob(f"*.zarr.{kind}")
    frame = packed.name.removesuffix(f".zarr.{kind}")
    # The same cube, written at another time: equal bytes.
    pack(archive / f"{frame}.zarr", tmp_path / "again", f"{frame}.zarr", kind)
    assert (tmp_path / "again").read_bytes() == packed.read_bytes()
    if kind == "zip":
        with zipfile.ZipFile(packed) as opened:
            names, stamps = opened.namelist(), {i.date_time for i in opened.infolist()}
            assert stamps == {(1980, 1, 1, 0, 0, 0)}
            content = opened.read(f"{frame}.zarr/.zmetadata")
    else:
        with tarfile.open(packed) as opened:
            names = opened.getnames()
            assert {member.mtime for member in opened.getmembers()} == {0}
            content = opened.extractfile(f"{frame}.zarr/.zmetadata").read()
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {f"{frame}.zarr"}
    assert content == (archive / f"{frame}.zarr" / ".zmetadata").read_bytes()
    assert len(names) == len(digest(archive / f"{frame}.zarr"))


def test_interrupted_run_goes_on_with_the_same_bytes(archive, tmp_path, monkeypatch):
    from dataset_script.synthetic import pipeline

    out = tmp_path / "out"
    made = []

    def stumble(plan, *rest):
        if made:
            raise KeyboardInterrupt
        made.append(plan.frame_id)
        return make_frame(plan, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "make_frame", stumble)
        with pytest.raises(KeyboardInterrupt):
            synthesize(out, **TINY)
    assert not (out / "annotations.json").exists()
    kept = out / f"{made[0]}.zarr"
    stamp = kept.stat().st_mtime_ns
    synthesize(out, **TINY)
    assert kept.stat().st_mtime_ns == stamp
    assert digest(out) == digest(archive)


def test_lost_cube_is_made_again(archive, tmp_path):
    shutil.copytree(archive, tmp_path / "out")
    lost = sorted((tmp_path / "out").glob("*.zarr"))[1]
    shutil.rmtree(lost)
    synthesize(tmp_path / "out", **TINY)
    assert digest(tmp_path / "out") == digest(archive)


def test_complete_archive_is_left_alone(archive):
    before = {path: path.stat().st_mtime_ns for path in archive.rglob("*")}
    synthesize(archive, **TINY)
    assert before == {path: path.stat().st_mtime_ns for path in archive.rglob("*")}


def test_other_parameters_are_refused(archive):
    with pytest.raises(DataError, match="seed differ"):
        synthesize(archive, **TINY, seed=9)
