"""Processes that were started together must know of each other."""

import pytest

from dataset_script.errors import ConfigError
from tests.training.processes import run
from training.runs.processes import make_accelerator


def counted():
    import os

    os.environ.pop("ACCELERATE_USE_CPU", None)  # as torchrun leaves it
    accelerator = make_accelerator()
    # The first holds the store by which the others find each other: it must not end before them.
    accelerator.wait_for_everyone()
    return accelerator.num_processes


def test_several_processes_on_a_cpu_join_without_being_told_of_the_cpu():
    assert run(counted, ranks=2) == [2, 2]


def test_one_that_takes_itself_for_alone_is_refused(monkeypatch):
    assert make_accelerator().num_processes == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="2 processes were started, but each would train alone"):
        make_accelerator()
