"""Train a model.

    accelerate launch training/train.py --config configs/demo/classification.yaml

Any key of the configuration can be overridden (`--training.epochs 3`), `--help` explains them all,
and `--resume` continues an interrupted run on the very sample where its last checkpoint stood.
Add `--config_file configs/accelerate/ddp.yaml` before the script for several GPUs.
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
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with readable_errors():
        require_training()
        from training.config.options import read_command_line
        from training.config.schema import Config
        from training.config.validation import validate

        config, resume = read_command_line("train.py", __doc__, arguments, Config, validate)
        # After the configuration: a mistake in it is told before torch is loaded.
        from accelerate import PartialState

        from training.fit.experiment import train

        train(config, resume)
        PartialState().destroy_process_group()


if __name__ == "__main__":
    main()
