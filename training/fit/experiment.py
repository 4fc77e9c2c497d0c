"""An experiment, or a pretraining, from its configuration to a finished run."""

from __future__ import annotations

import math
from pathlib import Path

from dataset_script.safe_files import writable
from training.config.pretraining import PretrainingConfig, as_experiment
from training.config.schema import Config
from training.data.sources import open_data
from training.fit.banner import banner
from training.fit.objectives.captions import CaptionTrainer
from training.fit.objectives.pretrainer import SPLIT, Pretrainer
from training.fit.objectives.retrieval import RetrievalTrainer
from training.fit.objectives.trainer import Trainer
from training.fit.tracking import check_trackers, start_trackers
from training.runs.data import require_same_data
from training.runs.processes import make_accelerator


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
    run = _make_folder(config)
    accelerator = make_accelerator(log_with=trackers or None, project_dir=str(run))
    with accelerator.main_process_first():  # one process fills the cache, the others find it
        data = open_data(config, ("train", "validation"))
    if accelerator.is_main_process:
        require_same_data(run, config, data, resume)
    kinds = {"caption": CaptionTrainer, "retrieval": RetrievalTrainer}
    trainer = kinds.get(config.objective, Trainer)(config, data, accelerator)
    start_trackers(accelerator, config, run, resume)
    kind = f"{config.model.library} {config.model.name} {config.model.encoder}".strip()
    fusion = "" if config.model.temporal == "stack" else f", steps fused by {config.model.temporal}"
    if accelerator.is_main_process:
        print(banner(trainer, data, f"{config.objective}, {config.task}: {kind}{fusion}"))
    progress = trainer.fit(resume)
    for tracker in accelerator.trackers:
        tracker.finish()
    if accelerator.is_main_process:
        best = "no validation score" if progress.best is None else f"{progress.best:.4f}"
        epoch = "-" if progress.best_epoch is None else progress.best_epoch + 1
        print(f"{run}: best validation {config.training.select} {best} in epoch {epoch}")
    return run


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
    run, shared = _make_folder(config), as_experiment(config)
    accelerator = make_accelerator()
    with accelerator.main_process_first():  # one process fills the cache, the others find it
        data = open_data(shared, (SPLIT,))
    if accelerator.is_main_process:
        require_same_data(run, shared, data, resume)
    trainer = Pretrainer(config, data, accelerator)
    if accelerator.is_main_process:
        print(banner(trainer, data, "masked autoencoder: transformers vit_mae"))
    trainer.fit(resume)
    accelerator.end_training()
    if accelerator.is_main_process:
        loss = trainer.epoch_loss
        text = "trained before" if math.isnan(loss) else f"mean loss {loss:.4f} in the last epoch"
        print(f"{run}/model: {text}")
    return run


def _make_folder(config: Config | PretrainingConfig) -> Path:
    run = Path(config.output)
    with writable(run):
        run.mkdir(parents=True, exist_ok=True)
    return run
