"""Pretrain a vision transformer on unlabelled pairs.

    accelerate launch training/pretrain.py --config configs/ours/pretraining.yaml

Any key of the configuration can be overridden (`--training.epochs 3`), `--help` explains them all,
and `--resume` continues an interrupted run. RUN/model is a transformers model; its encoder starts
a classifier or a segmenter by `--model.init_from RUN` of train.py.
"""

import sys
from pathlib import Path

# Python puts this script's folder first on the path, where our data.py, config.py and evaluate.py
# would hide libraries of the same names; the project's folder belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import logging
import math
from collections.abc import Sequence

from accelerate import Accelerator
from transformers.utils.logging import disable_progress_bar

from dataset_script.errors import readable_errors
from training.config.options import read_command_line
from training.config.pretraining import (
    PretrainingConfig,
    as_experiment,
    validate_pretraining,
)
from training.data.sources import open_data
from training.fit.pretraining import SPLIT, Pretrainer


def pretrain(config: PretrainingConfig, resume: bool = False) -> Path:
    """Pretrain as configured.

    Args:
        config: The validated configuration.
        resume: Continue the run in `config.output`, if there is one.

    Returns:
        The run's folder.

    Raises:
        HephaestusError: If the configuration, the data or the folder is not right.
    """
    accelerator = Accelerator()
    with accelerator.main_process_first():  # one process fills the cache, the others find it
        data = open_data(as_experiment(config), (SPLIT,))
    loss = Pretrainer(config, data, accelerator).fit(resume)
    accelerator.end_training()
    if accelerator.is_main_process:
        told = "trained before" if math.isnan(loss) else f"mean loss {loss:.4f} in the last epoch"
        print(f"{config.output}/model: {told}")
    return Path(config.output)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and pretrain.

    Args:
        arguments: The command line; None takes the process's own.

    Raises:
        SystemExit: With 1 and one line on standard error, if something is wrong with the input.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    disable_progress_bar()  # one for every time the weights are written
    with readable_errors():
        check = validate_pretraining
        pretrain(*read_command_line("pretrain.py", __doc__, arguments, PretrainingConfig, check))


if __name__ == "__main__":
    main()
