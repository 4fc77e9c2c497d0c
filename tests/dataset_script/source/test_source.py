"""The fingerprint of a source: any chunk's change shows, so that nobody is given old pixels."""

import os

import pytest

from dataset_script.source.source import open_source
from tests.cubes import FRAME, write_minicubes


def replace(path):
    """As a writer does that renames its file into place."""
    spare = path.with_name("spare")
    spare.write_bytes(path.read_bytes()[::-1])
    spare.replace(path)


def overwrite(path):
    """In place: the folder's time does not change."""
    path.write_bytes(path.read_bytes()[::-1])


def keep_the_size_and_change_the_time(path):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES = (replace, overwrite, keep_the_size_and_change_the_time, os.remove)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_that_changes_changes_the_fingerprint(tmp_path, version, change):
    write_minicubes(tmp_path, (FRAME,), zarr_format=version)
    before = open_source(tmp_path).fingerprint()
    assert open_source(tmp_path).fingerprint() == before
    chunk = "0.1.0.0" if version == 2 else "c/0/1/0/0"
    change(tmp_path / f"{FRAME}.zarr" / "insar_difference" / chunk)
    assert open_source(tmp_path).fingerprint() != before


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("change", [overwrite, keep_the_size_and_change_the_time])
def test_an_archive_that_changes_changes_the_fingerprint(tmp_path, form, change):
    write_minicubes(tmp_path, (FRAME,), form=form)
    source = open_source(tmp_path)
    before = source.fingerprint()
    change(tmp_path / f"{FRAME}.zarr.{form}")
    assert source.fingerprint() != before
