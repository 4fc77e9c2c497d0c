"""Run a grid of experiments and collect one table.

    python training/sweep.py configs/sweeps/synthetic.yaml

Runs that are done are skipped and an interrupted one is resumed, so the same command continues a
sweep. Any key of the configuration can be overridden for all runs (`--training.epochs 3`). Under
`accelerate launch` every run uses all processes. The table lies in the sweep's folder as table.md
and table.csv and is written anew after each run.
"""

import sys
from pathlib import Path

# Python puts this script's folder first on the path, where our data.py, config.py and evaluate.py
# would hide libraries of the same names; the project's folder belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import gc
from collections.abc import Sequence
from typing import Any

from accelerate import PartialState
from accelerate.state import AcceleratorState, GradientState
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError, HephaestusError, readable_errors
from training.evaluate import evaluate
from training.sweep_table import collect, read_reference, to_csv, to_markdown
from training.sweeping import Cell, cells, finished, read_sweep
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
    runs = list(cells(plan, overrides))
    done: list[tuple[Cell, dict[str, Any]]] = []
    failures = []
    for number, cell in enumerate(runs, 1):
        tqdm.write(f"[{number}/{len(runs)}] {cell.config.output}")
        try:
            done.append((cell, finished(cell) or _run(cell)))
        except HephaestusError as error:
            failures.append(f"{cell.config.output}: {error}")
            tqdm.write(f"failed: {error}")
            continue
        if PartialState().is_main_process:
            rows = collect(done)
            folder = Path(plan.output)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "table.csv").write_text(to_csv(rows, reference))
            (folder / "table.md").write_text(to_markdown(rows, reference))
    return failures


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
