"""What no archive is written for or into, and what is said where writing fails."""

import os
import signal

import pytest

from dataset_script.errors import ConfigError, DataError
from dataset_script.synthetic.pipeline import synthesize
from tests.dataset_script.synthetic.tiny import TINY


def test_foreign_folder_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="not an empty folder"):
        synthesize(tmp_path, **TINY)
    with pytest.raises(DataError, match="not an empty folder"):
        synthesize(tmp_path / "thesis.txt", **TINY)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 0}, "frames must be at least 1"),
        ({"height": 8}, "height must be at least 48"),
        ({"acquisitions": 5}, "too few"),
        ({"acquisitions": 2000}, "at most"),
        ({"neighbours": 0}, "neighbours must be at least 1"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"archive": "rar"}, "unknown archive 'rar'"),
    ],
)
def test_impossible_parameters_are_refused_before_writing(tmp_path, wrong, message):
    with pytest.raises(ConfigError, match=message):
        synthesize(tmp_path / "out", **(TINY | wrong))
    assert not (tmp_path / "out").exists()


def test_where_nothing_can_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*choose another output folder"):
        synthesize(tmp_path / "file" / "cubes", **TINY)


def end_this_process(plan, out, archive):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said(tmp_path, monkeypatch):
    from dataset_script.synthetic import pipeline

    monkeypatch.setattr(pipeline, "_make_whole", end_this_process)
    with pytest.raises(DataError, match=r"killed.*run the same command again"):
        synthesize(tmp_path / "out", **(TINY | {"workers": 2}))
