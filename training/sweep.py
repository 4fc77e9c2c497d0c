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

if __name__ == "__main__":
    # Not this script's folder, whose evaluate.py would hide the library of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from collections.abc import Sequence

from dataset_script.errors import ConfigError, readable_errors
from dataset_script.extras import require_training

USAGE = "python training/sweep.py SWEEP.yaml [--KEY VALUE ...]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (None: the process's own); a mistake in it is one line and exit 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(f"usage: {USAGE}\n\n{__doc__}")
        return
    with readable_errors():
        require_training()
        if given[0].startswith("-"):
            raise ConfigError(f"the sweep's file comes first: {USAGE}")
        from training.config.shipped import find_shipped
        from training.sweeps.grid import cells, read_sweep

        plan = read_sweep(find_shipped(given[0]))
        runs = list(cells(plan, given[1:]))
        # After the sweep's file: a mistake in it is told before torch is loaded.
        from training.sweeps.sweeping import sweep

        failures = sweep(plan, runs)
        folder = Path(plan.output)
        if (folder / "table.md").exists():
            print(f"\n{(folder / 'table.md').read_text()}\nwritten: {folder / 'table.csv'}")
        if failures:
            raise ConfigError(f"{len(failures)} runs failed: {'; '.join(failures)}")


if __name__ == "__main__":
    main()
