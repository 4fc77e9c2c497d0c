"""Faults that pass stop a run and set nothing aside; the next run has every pair."""

import errno
import json

import pytest

from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.faults import PassingFaultError, refuse_passing
from dataset_script.errors import DataError
from dataset_script.export import export
from tests.dataset_script.exporting import SIZE, make_cubes, tree


class FakeResponseError(Exception):
    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status = status


PASSING = (
    TimeoutError("timed out"),
    ConnectionResetError(errno.ECONNRESET, "reset by peer"),
    MemoryError(),
    OSError(errno.EMFILE, "too many open files"),
    FakeResponseError(503),
    FakeResponseError(429),
)


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{type(fault).__name__}-{fault}")
def test_a_passing_fault_stops_the_run_and_the_next_one_is_whole(tmp_path, monkeypatch, fault):
    cubes = make_cubes(tmp_path / "mine", frames=("001D_00001_010101",))
    options = {"image_size": SIZE, "skip_bad": True, "preview": False, "progress": False}
    whole = tree(export(cubes, tmp_path / "whole", ["ts1"], **options))
    read = CubeArrays.raw

    def fail(self, name, place=()):
        if name == "insar_difference" and place == (1, 5):
            raise RuntimeError("the store gave up") from fault
        return read(self, name, place)

    with monkeypatch.context() as patched:
        patched.setattr(CubeArrays, "raw", fail)
        with pytest.raises(PassingFaultError, match="it may pass, nothing was set aside"):
            export(cubes, tmp_path / "cut", ["ts1"], **options)
    folder = export(cubes, tmp_path / "cut", ["ts1"], **options)
    assert tree(folder) == whole
    assert json.loads((folder / "metadata.json").read_text())["set_aside"] == 0


@pytest.mark.parametrize(
    "error", [ValueError("bad codec"), OSError(errno.EIO, "io"), FakeResponseError(404)]
)
def test_what_is_really_bad_is_no_passing_fault(error):
    refuse_passing(error, "cube")


def test_opening_meets_passing_faults_too(tmp_path, monkeypatch):
    cubes = make_cubes(tmp_path, frames=("001D_00001_010101",), form="zip")

    def fail(*_, **__):
        raise ConnectionResetError(errno.ECONNRESET, "reset by peer")

    monkeypatch.setattr("fsspec.implementations.zip.ZipFileSystem.__init__", fail)
    with pytest.raises(PassingFaultError, match="reset by peer"):
        export(cubes, tmp_path, ["ts1"], skip_bad=True, progress=False)
    assert issubclass(PassingFaultError, DataError)
