import os
import signal
import time

import pytest

from dataset_script.errors import ConfigError, DataError
from dataset_script.problems import Problem, ProblemError
from dataset_script.workers import run_tasks


def square(number):
    return number**2


def refuse(number):
    if number == 1:
        raise ProblemError(Problem("it is odd", "take another", "numbers.txt"))
    time.sleep(0.05)
    return number


def die(number):
    os.kill(os.getpid(), signal.SIGKILL if number else signal.SIGCONT)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_with_their_keys(workers):
    tasks = {name: number for number, name in enumerate("abcd")}
    assert dict(run_tasks(square, tasks, workers)) == {"a": 0, "b": 1, "c": 4, "d": 9}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_home_whole(workers):
    with pytest.raises(ProblemError, match=r"numbers.txt: it is odd; take another") as stopped:
        list(run_tasks(refuse, {i: i for i in range(4)}, workers))
    assert stopped.value.problem.what == "it is odd"


def test_a_killed_worker_is_said():
    """However early: a pool whose processes start one by one waited for ever one time in thirty."""
    for _ in range(30):
        with pytest.raises(DataError, match=r"worker process was killed.*fewer workers"):
            list(run_tasks(die, {0: 0, 1: 1, 2: 2}, 2))


def test_numbers_of_workers_are_positive():
    with pytest.raises(ConfigError, match="at least 1, not 0"):
        list(run_tasks(square, {}, 0))
