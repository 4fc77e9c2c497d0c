"""The runs of a sweep: those that are missing, one after the other or several at once."""

from __future__ import annotations

import contextlib
import gc
import os
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, GradientState
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError, HephaestusError
from dataset_script.safe_files import renamed
from dataset_script.workers import run_tasks
from training.errors import one_line
from training.evaluation.evaluating import evaluate
from training.fit.experiment import train
from training.runs.processes import join_processes
from training.sweeps.grid import Cell, Sweep, finished
from training.sweeps.table import Reference, collect, read_reference, to_csv, to_markdown


def sweep(plan: Sweep, cells: Sequence[Cell]) -> list[str]:
    """Run what is missing of a sweep.

    Args:
        plan: The sweep.
        cells: Its runs, of `grid.cells`.

    Returns:
        One line for each run that failed.

    Raises:
        ConfigError: If the published figures cannot be read, or several jobs meet several
            processes: before the first run.
    """
    reference = read_reference(plan.reference)
    runs = dict(enumerate(cells))
    if plan.jobs > 1 and join_processes().num_processes > 1:
        raise ConfigError(
            f"{plan.output}: {plan.jobs} jobs are asked for, but accelerate gives every run all of "
            "its processes: set jobs: 1, or start the sweep with python alone"
        )
    work = partial(_in_process, plan) if plan.jobs > 1 else _outcome
    done: dict[int, dict[str, Any]] = {}
    failures = {}
    main_process = join_processes().is_main_process
    bar = tqdm(total=len(runs), desc="sweep", unit="run", disable=not main_process)
    with bar:
        for number, outcome in run_tasks(work, runs, plan.jobs):
            cell = runs[number]
            if isinstance(outcome, str):
                failures[number] = f"{cell.config.output}: {outcome}"
                tqdm.write(f"failed: {failures[number]}")
            else:
                done[number] = outcome
                if main_process:
                    _write_table(plan, reference, [(runs[n], done[n]) for n in sorted(done)])
            bar.update()
    return [failures[number] for number in sorted(failures)]


def _write_table(
    plan: Sweep, reference: Reference, done: Sequence[tuple[Cell, dict[str, Any]]]
) -> None:
    rows = collect(done)
    tables = {"table.csv": to_csv(rows, reference), "table.md": to_markdown(rows, reference)}
    for name, text in tables.items():
        with renamed(Path(plan.output) / name) as temporary:
            temporary.write_text(text)


def _in_process(plan: Sweep, cell: Cell) -> dict[str, Any] | str:
    """A run beside others: with its share of the cores, and what it says in a file."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // plan.jobs))
    folder = Path(plan.output) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / f"{cell.config.name}.txt").open("a", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        return _outcome(cell)


def _outcome(cell: Cell) -> dict[str, Any] | str:
    """Results of a run, new or old; or why there are none."""
    try:
        tqdm.write(cell.config.output)
        return finished(cell) or _run(cell)
    except HephaestusError as error:
        return str(error)
    except Exception as error:  # a library's, of one run: the others go on
        tqdm.write(traceback.format_exc())
        AcceleratorState._reset_state()
        GradientState._reset_state()
        return f"{type(error).__name__}: {one_line(error)}"


def _run(cell: Cell) -> dict[str, Any]:
    run = train(cell.config, resume=True)
    # Precision belongs to accelerate's global state, which each run sets up by itself.
    AcceleratorState._reset_state()
    GradientState._reset_state()
    results = evaluate(run)
    AcceleratorState._reset_state()
    GradientState._reset_state()
    gc.collect()
    return results
