import os

import pytest

from dataset_script.safe_files import renamed


@pytest.mark.parametrize("shared", [False, True])
def test_a_broken_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, shared):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), renamed(path, shared) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_others_write_too_have_temporary_names_of_their_own(tmp_path):
    with renamed(tmp_path / "a", shared=True) as own, renamed(tmp_path / "a") as common:
        assert own != common and str(os.getpid()) in own.name
        own.write_text("1")
        common.write_text("2")
    assert (tmp_path / "a").read_text() == "1"
