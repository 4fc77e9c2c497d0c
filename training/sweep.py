"""Run a grid of experiments and collect one table.

    python training/sweep.py configs/sweeps/synthetic.yaml

Runs that are done are skipped and an interrupted one is resumed, so the same command continues a
sweep. Any key of the configuration can be overridden for all runs (`--training.epochs 3`). Under
`accelerate launch` every run uses all processes; with `jobs: N` in the sweep's file N runs go on
at once, each in a process of its own, and what they say lies in the sweep's logs/. The table lies
in the sweep's folder as table.md and table.csv and is written anew after each run.
"""

import sys
from pathlib import Path

# Python puts this script's folder first on the path, where our data.py, config.py and evaluate.py
# would hide libraries of the same names; the project's folder belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import contextlib
import gc
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState, GradientState
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError, HephaestusError, readable_errors
from dataset_script.safe_files import renamed
from dataset_script.workers import run_tasks
from training.evaluate import evaluate
from training.sweeps.grid import Cell, Sweep, cells, finished, read_sweep
from training.sweeps.table import Reference, collect, read_reference, to_csv, to_markdown
from training.train import train

USAGE = "python training/sweep.py SWEEP.yaml [--KEY VALUE ...]"


def sweep(path: Path, overrides: Sequence[str] = ()) -> list[str]:
    """Run what is missing of a sweep.

    Args:
        path: The sweep's file.
        overrides: Options as on the command line, for all runs.

    Returns:
        One line for each run that failed.

    Raises:
        ConfigError: If the sweep or one of its configurations is not right: before the first run.
    """
    plan = read_sweep(path)
    reference = read_reference(plan.reference)
    runs = dict(enumerate(cells(plan, overrides)))
    if plan.jobs > 1 and PartialState().num_processes > 1:
        raise ConfigError(
            f"{path} asks for {plan.jobs} jobs, and accelerate gives every run all of its "
            "processes: set jobs: 1, or start the sweep with python alone"
        )
    work = partial(_in_process, plan) if plan.jobs > 1 else _outcome
    done: dict[int, dict[str, Any]] = {}
    failures = {}
    main_process = PartialState().is_main_process
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the sweep.

    Args:
        arguments: The command line; None takes the process's own.

    Raises:
        SystemExit: With 1 and one line on standard error, if something is wrong with the input.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(f"usage: {USAGE}\n\n{__doc__}")
        return
    with readable_errors():
        if given[0].startswith("-"):
            raise ConfigError(f"the sweep's file comes first: {USAGE}")
        path = Path(given[0])
        failures = sweep(path, given[1:])
        folder = Path(read_sweep(path).output)
        if (folder / "table.md").exists():
            print(f"\n{(folder / 'table.md').read_text()}\nwritten: {folder / 'table.csv'}")
        if failures:
            raise ConfigError(f"{len(failures)} runs failed: {'; '.join(failures)}")


if __name__ == "__main__":
    main()
