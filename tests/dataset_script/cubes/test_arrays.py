"""Chunks that are read past Zarr hold what Zarr reads from them, however they are stored."""

import numpy as np
import pytest
import zarr
from numcodecs import Blosc, Delta, Zlib

from dataset_script.cubes.archives import open_store
from dataset_script.cubes.arrays import CubeArrays

SHAPE, WHOLE = (2, 2, 12, 10), (1, 1, 12, 10)
PLACES = [(0, 0), (0, 1), (1, 1)]
WAYS = {
    "blosc": {"compressor": Blosc("lz4", shuffle=Blosc.SHUFFLE)},
    "zlib": {"compressor": Zlib()},
    "raw": {"compressor": None},
    "columns first": {"order": "F"},
    "filtered": {"filters": [Delta("<f4")]},
    "big-endian": {"dtype": ">f4"},
    "nested keys": {"dimension_separator": "/"},
    "tiles": {"chunks": (1, 1, 6, 7)},
    "several pairs a chunk": {"chunks": (2, 1, 12, 10)},
    "larger than the frame": {"chunks": (1, 1, 15, 10)},
}


def make_array(path, **options):
    """A group with the array "phase", of which one place of four has no chunk."""
    zarr.open_group(path, mode="w", zarr_format=2)
    options = {"chunks": WHOLE, "dtype": "<f4", "fill_value": 4.5} | options
    array = zarr.open_array(path / "phase", mode="w", shape=SHAPE, zarr_format=2, **options)
    array.attrs["_ARRAY_DIMENSIONS"] = ["primary_date", "secondary_date", "latitude", "longitude"]
    values = np.random.default_rng(0).normal(size=SHAPE)
    for place in PLACES:
        array[place] = values[place]
    return array


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_storing_is_read_as_zarr_reads_it(tmp_path, way):
    path = tmp_path / "cube.zarr"
    array = make_array(path, **WAYS[way])
    opened = open_store(path)
    arrays = CubeArrays(opened, str(path))
    for place in [*PLACES, (1, 0)]:
        read, expected = arrays.raw("phase", place), np.asarray(array[place])
        np.testing.assert_array_equal(read, expected)
        assert read.shape == expected.shape and read.dtype == expected.dtype
    np.testing.assert_array_equal(arrays.raw("phase"), array[...])
    opened.close()


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"several pairs a chunk"}))
@pytest.mark.parametrize("written", [True, False])
def test_a_raster_without_a_date_is_read_as_zarr_reads_it(tmp_path, way, written):
    path = tmp_path / "cube.zarr"
    zarr.open_group(path, mode="w", zarr_format=2)
    options = {"chunks": (1, 1, 12, 10), "dtype": "<f4", "fill_value": 4.5} | WAYS[way]
    options["chunks"] = options["chunks"][2:]
    shape = {"shape": (12, 10), "zarr_format": 2}
    array = zarr.open_array(path / "dem", mode="w", **shape, **options)
    array.attrs["_ARRAY_DIMENSIONS"] = ["latitude", "longitude"]
    if written:
        array[...] = np.random.default_rng(0).normal(size=(12, 10))
    opened = open_store(path)
    read, expected = CubeArrays(opened, str(path)).raw("dem"), np.asarray(array[...])
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == expected.dtype
    opened.close()


def test_a_single_number_is_read(tmp_path):
    path = tmp_path / "cube.zarr"
    zarr.open_group(path, mode="w", zarr_format=2)
    array = zarr.open_array(path / "number", mode="w", shape=(), dtype="i4", zarr_format=2)
    array[...] = 7
    array.attrs["_ARRAY_DIMENSIONS"] = []
    opened = open_store(path)
    assert CubeArrays(opened, str(path)).raw("number") == 7
    opened.close()


def test_a_chunk_of_the_wrong_length_is_an_error(tmp_path):
    path = tmp_path / "cube.zarr"
    make_array(path, compressor=None)
    chunk = path / "phase" / "0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-4])
    opened = open_store(path)
    with pytest.raises(ValueError, match="reshape"):
        CubeArrays(opened, str(path)).raw("phase", (0, 0))
    opened.close()
