"""Set runs side by side: metrics, intervals of their differences, settings that differ, curves.

    python training/compare.py runs/a runs/b runs/c

training/evaluate.py must have measured each on the same split. The first run is what the others
are held against: frames and primary dates are drawn again and again, the same ones for all runs,
so that an interval of a difference is narrower than those of the two runs suggest. Writes
comparison.md, comparison.json and comparison.png into --output.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this script's folder, whose evaluate.py would hide the library of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from collections.abc import Sequence

from dataset_script.errors import ConfigError, readable_errors
from dataset_script.extras import require_training


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (None: the process's own); a mistake in it is one line and exit 1."""
    with readable_errors():
        require_training()
        from jsonargparse import ArgumentParser

        from dataset_script.annotations.splits import SPLITS

        parser = ArgumentParser(prog="compare.py", description=__doc__)
        parser.add_argument("runs", type=Path, nargs="+", help="Folders of the runs, two at least.")
        parser.add_argument("--split", default="test", help="Split that they were measured on.")
        parser.add_argument("--dataset", help="Name of the dataset, if not that of training.")
        parser.add_argument(
            "--output", type=Path, default=Path("runs/comparison"), help="Where to."
        )
        options = parser.parse_args(None if arguments is None else list(arguments))
        if options.split not in SPLITS:
            raise ConfigError(f"there is no split {options.split}; it is {', '.join(SPLITS)}")
        # After the options: a mistake in them is told before torch is loaded.
        from dataset_script.safe_files import renamed, write_json
        from training.comparing.comparison import compare, read_candidates
        from training.comparing.figure import draw_comparison
        from training.comparing.table import to_markdown, to_record
        from training.evaluation.plots.curves import save_figure

        found = compare(read_candidates(options.runs, options.split, options.dataset))
        text = to_markdown(found)
        with renamed(options.output / "comparison.md") as temporary:
            temporary.write_text(text)
        write_json(options.output / "comparison.json", to_record(found))
        save_figure(draw_comparison(found), options.output / "comparison.png")
        print(f"{text}\nwritten: {options.output}")


if __name__ == "__main__":
    main()
