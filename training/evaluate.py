"""Evaluate a trained model: numbers, each sample's answer and figures in RUN/results/DATASET-SPLIT.

    python training/evaluate.py runs/demo/classification

The decision threshold and the temperature are those chosen on validation in training; nothing is
tuned on the split that is judged. predictions.parquet has a row a sample: id, frame, dates, label,
logit, probability and verdict; training/compare.py sets runs side by side by it.
"""

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

        parser = ArgumentParser(prog="evaluate.py", description=__doc__)
        parser.add_argument("run", type=Path, help="Folder of the run.")
        parser.add_argument("--split", default="test", help="Split to judge the model on.")
        parser.add_argument("--data", help="Where the dataset lies, if moved; or another.")
        parser.add_argument("--name", help="What to call the dataset, if not by its own name.")
        parser.add_argument(
            "--trivial_rules",
            type=bool,
            default=True,
            help="Measure the trivial rules beside the model; they need the training split.",
        )
        parser.add_argument(
            "--masks",
            action="store_true",
            help="Also write the probability of every pixel, about 1 MB a sample of 512 x 512.",
        )
        options = parser.parse_args(None if arguments is None else list(arguments))
        if options.split not in SPLITS:
            raise ConfigError(f"there is no split {options.split}; it is {', '.join(SPLITS)}")
        # After the options: a mistake in them is told before torch is loaded.
        from accelerate import PartialState

        from training.evaluation.evaluating import describe, evaluate
        from training.runs.results import results_folder

        results = evaluate(
            options.run,
            options.split,
            options.data,
            options.name,
            trivial_rules=options.trivial_rules,
            masks=options.masks,
        )
        if not PartialState().is_main_process:
            return
        print(
            f"{options.run}: {results['samples']} samples of {options.split}, "
            f"{results['positives']} with deformation\n{describe(results)}\n"
            f"written: {results_folder(options.run, results['dataset'], options.split)}"
        )


if __name__ == "__main__":
    main()
