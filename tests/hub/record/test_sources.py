"""Whether a source has changed, and what kind of product it is."""

import os

import pytest

from hub.record.sources import product_of, source_state
from hub.scenes.inputs import find_inputs
from tests import cubes
from tests.hub.licsar import FRAME, write_frame
from tests.hub.scenes.products import written
from tests.rows import make_dataset_folder


@pytest.mark.parametrize(
    ("source", "product"),
    [
        ("/in/079D.zarr@20170101_20170113,20170125", "minicube"),
        ("/in/079D.zarr.tar", "minicube"),
        ("NS/hephaestus-minicubes::ts3/test/0", "dataset"),
        ("/in/a.npz", "npz"),
        ("/in/20170101_20170113.geo.diff_pha.tif", None),
    ],
)
def test_products(source, product):
    assert product_of(source) == product


def test_a_pair_changes_with_its_companions_and_not_with_its_neighbours(tmp_path):
    first, second, _ = map(str, write_frame(tmp_path, 20, 30))
    pair, series = source_state(first), source_state(f"{first}, {second}")
    assert pair and series and pair != series
    os.utime(second)
    assert source_state(first) == pair and source_state(f"{first}, {second}") != series
    os.utime(first.replace("diff_pha", "cc"))
    assert source_state(first) != pair
    pair = source_state(first)
    os.utime(tmp_path / FRAME / "metadata" / f"{FRAME}.geo.hgt.tif")
    assert source_state(first) != pair


@pytest.mark.parametrize("name", written.PRODUCTS)
def test_no_file_of_a_product_changes_unseen(tmp_path, name):
    """An answer would stay that a new coherence, elevation or phase has made old."""
    written.PRODUCTS[name][0](tmp_path / "in")
    (found,) = find_inputs([tmp_path / "in"], 1)
    before = source_state(found.label)
    if name == "hyp3_zip":
        assert before is None  # what cannot be told is read again
        return
    assert before == source_state(found.label)
    another_date = {"20170103.geo.mli.tif"} if name == "licsar" else set()  # not read
    for path in (tmp_path / "in").rglob("*"):
        if path.is_file() and path.name not in another_date:
            time = path.stat().st_mtime_ns
            os.utime(path, ns=(time, time + 10**9))
            assert source_state(found.label) != before, path.name
            os.utime(path, ns=(time, time))


@pytest.mark.parametrize("form", ["zarr", "zip"])
def test_a_cube_changes_when_a_pair_is_written(tmp_path, form):
    cubes.write_minicubes(tmp_path, **({} if form == "zarr" else {"form": form}))
    (cube,) = (path for path in tmp_path.iterdir() if ".zarr" in path.name)
    before = source_state(f"{cube}@20200301_20200313")
    assert before == source_state(f"{cube}@20200301_20200325")
    if form == "zip":
        cube.write_bytes(cube.read_bytes() + b" ")
    else:
        (cube / "insar_difference" / "9.9.0.0").write_bytes(b"chunk")
    assert source_state(f"{cube}@20200301_20200313") != before


def test_a_dataset_in_a_folder_and_what_cannot_be_told(tmp_path):
    folder = make_dataset_folder(tmp_path / "rows", steps=2, counts=(1, 1, 2))
    before = source_state(f"{folder}::ts2/test/0")
    assert before
    os.utime(next(folder.rglob("*.parquet")))
    assert source_state(f"{folder}::ts2/test/0") != before
    assert source_state("NS/on-the-hub::ts2/test/0") is None
    assert source_state(str(tmp_path / "gone.npz")) is None
