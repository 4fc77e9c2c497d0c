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

import logging  # noqa: E402
from collections.abc import Sequence  # noqa: E402

from accelerate import Accelerator  # noqa: E402
from jsonargparse import ArgumentParser  # noqa: E402
from transformers.utils.logging import disable_progress_bar  # noqa: E402

from dataset_script.errors import readable_errors  # noqa: E402
from training.data import open_data  # noqa: E402
from training.options import add_config_arguments, parse_as  # noqa: E402
from training.pretraining import (  # noqa: E402
    SPLIT,
    Pretrainer,
    PretrainingConfig,
    as_experiment,
    validate_pretraining,
)


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
        print(f"{config.output}/model: mean loss {loss:.4f} in the last epoch")
    return Path(config.output)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and pretrain."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    disable_progress_bar()  # one for every time the weights are written
    with readable_errors():
        parser = ArgumentParser(prog="pretrain.py", description=__doc__, exit_on_error=False)
        add_config_arguments(parser, PretrainingConfig)
        parser.add_argument("--resume", action="store_true", help="Continue an interrupted run.")
        arguments = sys.argv[1:] if arguments is None else arguments
        config, others = parse_as(parser, arguments, PretrainingConfig, validate_pretraining)
        pretrain(config, others["resume"])


if __name__ == "__main__":
    main()
