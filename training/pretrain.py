"""Pretrain a vision transformer on unlabelled pairs.

    accelerate launch training/pretrain.py --config configs/ours/pretraining.yaml

Any key of the configuration can be overridden (`--training.epochs 3`), `--help` explains them all,
and `--resume` continues an interrupted run. RUN/model is a transformers model; its encoder starts
a classifier or a segmenter by `--model.init_from RUN` of train.py.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this script's folder, whose evaluate.py would hide the library of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import logging
from collections.abc import Sequence

from dataset_script.errors import readable_errors
from dataset_script.extras import require_training


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (None: the process's own); a mistake in it is one line and exit 1."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with readable_errors():
        require_training()
        from training.config.options import read_command_line
        from training.config.pretraining import PretrainingConfig, validate_pretraining

        check = validate_pretraining
        parsed = read_command_line("pretrain.py", __doc__, arguments, PretrainingConfig, check)
        # After the configuration: a mistake in it is told before torch is loaded.
        from transformers.utils.logging import disable_progress_bar

        from training.fit.experiment import pretrain

        disable_progress_bar()  # one for every time the weights are written
        pretrain(*parsed)


if __name__ == "__main__":
    main()
