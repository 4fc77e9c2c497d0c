"""Train a model.

    accelerate launch training/train.py --config configs/demo/classification.yaml

Any key of the configuration can be overridden (`--training.epochs 3`), `--help` explains them all,
and `--resume` continues an interrupted run on the very sample where its last checkpoint stood.
Add `--config_file configs/accelerate/ddp.yaml` before the script for several GPUs.
"""

import sys
from pathlib import Path

# Python puts this script's folder first on the path, where our data.py, config.py and evaluate.py
# would hide libraries of the same names; the project's folder belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import logging
from collections.abc import Sequence

from accelerate import Accelerator, PartialState

from dataset_script.errors import readable_errors
from dataset_script.safe_files import writable
from training.config.options import read_command_line
from training.config.schema import Config
from training.config.validation import validate
from training.data.sources import open_data
from training.fit.loop import Trainer
from training.fit.tracking import check_trackers, start_trackers


def train(config: Config, resume: bool = False) -> Path:
    """Train as configured.

    Args:
        config: The validated configuration.
        resume: Continue the run in `config.output`, if there is one.

    Returns:
        The run's folder.

    Raises:
        HephaestusError: If the configuration, the data or the folder is not right.
    """
    trackers = list(config.tracking.trackers)
    check_trackers(trackers)
    run = Path(config.output)
    with writable(run):
        run.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(log_with=trackers or None, project_dir=str(run))
    with accelerator.main_process_first():  # one process fills the cache, the others find it
        data = open_data(config, ("train", "validation"))
    trainer = Trainer(config, data, accelerator)
    start_trackers(accelerator, config, run)
    progress = trainer.fit(resume)
    for tracker in accelerator.trackers:
        tracker.finish()
    if accelerator.is_main_process:
        best = "no validation score" if progress.best is None else f"{progress.best:.4f}"
        epoch = "-" if progress.best_epoch is None else progress.best_epoch + 1
        print(f"{run}: best validation {config.training.select} {best} in epoch {epoch}")
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train.

    Args:
        arguments: The command line; None takes the process's own.

    Raises:
        SystemExit: With 1 and one line on standard error, if something is wrong with the input.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with readable_errors():
        train(*read_command_line("train.py", __doc__, arguments, Config, validate))
        PartialState().destroy_process_group()


if __name__ == "__main__":
    main()
