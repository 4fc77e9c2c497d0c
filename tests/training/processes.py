"""Processes that are forked from one with everything loaded: imports are paid for once."""

import contextlib
import io
import multiprocessing
import os
import runpy
import socket
import sys
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["training.sweeps.sweeping"])


def run(function, *arguments, ranks=1, **environment):
    """Run a function in one process, or in several that train together.

    A process that is killed raises `BrokenProcessPool`.

    Args:
        function: Of a module that can be imported.
        arguments: Its arguments, the same in each process.
        ranks: Number of processes.
        environment: Further variables of the processes' environment.

    Returns:
        What the function returned in each process.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks, "ACCELERATE_USE_CPU": "true"}
    together |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    with ProcessPoolExecutor(ranks, _FORKS, max_tasks_per_child=1) as pool:
        answers = []
        for rank in range(ranks):
            place = {"RANK": rank, "LOCAL_RANK": rank, **together} if ranks > 1 else {}
            answers.append(pool.submit(_call, environment | place, function, arguments))
        # The first to fail says why; the others then only miss it.
        finished, _ = wait(answers, 240, FIRST_EXCEPTION)
        for answer in finished:
            answer.result()
        return [answer.result(timeout=0) for answer in answers]


def run_script(path, *arguments):
    """Run a script as `python PATH ARGUMENTS` would in the project's folder.

    Returns:
        Exit status, standard output and standard error.
    """
    return run(_script, str(path), [str(argument) for argument in arguments])[0]


def _script(path, arguments):
    sys.argv[:] = [path, *arguments]
    sys.path.insert(0, str(Path(path).parent))
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            status = ended.code or 0
    assert Path(sys.path[0], "training") == Path(path).parent, "the script's folder hides libraries"
    return status, out.getvalue(), err.getvalue()


def _call(environment, function, arguments):
    import torch

    torch.set_num_threads(1)
    os.environ.update({name: str(value) for name, value in environment.items()})
    return function(*arguments)
