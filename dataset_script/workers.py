"""Independent tasks done here, in worker processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from dataset_script.errors import ConfigError, DataError

if TYPE_CHECKING:
    from multiprocessing.synchronize import Semaphore

Key = TypeVar("Key", bound=Hashable)
Task = TypeVar("Task")
Result = TypeVar("Result")

_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**26)}
"""What makes glibc keep freed rasters for the next ones: to processes side by side the kernel
hands out fresh memory so slowly that it takes a twentieth of an export."""


def run_tasks(
    work: Callable[[Task], Result],
    tasks: Mapping[Key, Task],
    workers: int = 1,
    dask: str | None = None,
) -> Iterator[tuple[Key, Result]]:
    """Do tasks and give back their results as they finish.

    Args:
        work: A module's function; it and the tasks are pickled for other processes.
        tasks: What to do, by key.
        workers: Processes; 1 does the tasks here.
        dask: Address of a dask.distributed scheduler to use instead.

    Yields:
        Key and result.

    Raises:
        ConfigError: If the number of workers is not positive, or the scheduler cannot be used.
        DataError: If a worker process is killed.
        Exception: What the first failing task raised; tasks that had not begun are dropped.
    """
    if workers < 1:
        raise ConfigError(f"the number of workers is at least 1, not {workers}")
    if dask is None and (workers == 1 or len(tasks) < 2):
        for key, task in tasks.items():
            yield key, work(task)
        return
    with _dask(dask) if dask else _processes(min(workers, len(tasks)), work) as (pool, begin):
        futures = {pool.submit(work, task): key for key, task in tasks.items()}
        begin()
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()


def prepare_processes(work: Callable, late: Sequence[str] = ()) -> None:
    """Begin to import what worker processes will need, which takes seconds, and go on meanwhile.

    Args:
        work: What `run_tasks` will be asked to do with more than one worker.
        late: Modules that the work imports only when it needs them, as it always will.
    """
    from multiprocessing import forkserver  # which cannot be imported on Windows

    # A fork of this process would inherit Zarr's event loop and Arrow's threads in an unknown
    # state; a server's forks inherit its imports and nothing that runs.
    forkserver.set_forkserver_preload([getattr(work, "func", work).__module__, *late])
    added = _KEEP_MEMORY.keys() - os.environ.keys()
    os.environ.update({name: _KEEP_MEMORY[name] for name in added})
    try:
        forkserver.ensure_running()
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def _processes(workers: int, work: Callable) -> Iterator[tuple[Executor, Callable[[], None]]]:
    """A pool of processes, and what lets them begin when all tasks are handed over.

    Each process starts as a task is handed over, and the pool would wait for ever for one that
    starts while it clears up after the death of another.
    """
    prepare_processes(work)
    context = multiprocessing.get_context("forkserver")
    gate = context.Semaphore(0)

    def begin() -> None:
        for _ in range(workers):
            gate.release()

    try:
        with ProcessPoolExecutor(workers, context, _start, (gate,)) as pool:
            try:
                yield pool, begin
            finally:
                begin()  # an interrupted hand-over must not leave them waiting
    except BrokenProcessPool:
        raise DataError(
            "a worker process was killed, most likely because memory ran out; run the same command "
            "again with fewer workers, and it continues where it was"
        ) from None


def _start(gate: Semaphore) -> None:
    """Wait for all tasks to be handed over, and end when the parent does.

    A parent that is killed tells its workers nothing.
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    gate.acquire()


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, Callable[[], None]]]:
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "a Dask cluster needs the package distributed; install hephaestus-minicubes[dask]"
        ) from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler answers at {address} ({error})") from None
    with client, client.get_executor(pure=False) as pool:
        yield pool, lambda: None
