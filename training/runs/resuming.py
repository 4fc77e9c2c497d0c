"""Writing checkpoints of a run while it trains, and taking the run up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import DistributedType
from timm.utils import ModelEmaV3
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_state_dict,
)

from dataset_script.errors import ConfigError
from training.config.comparison import require_same_settings
from training.config.options import save_config
from training.config.schema import Config
from training.runs import checkpoints
from training.runs.checkpoints import Checkpoint, Progress

_FULL = StateDictOptions(full_state_dict=True, cpu_offload=True)


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether no process holds the whole model."""
    return accelerator.distributed_type == DistributedType.FSDP


class Keeper:
    """Keeps the state of a run on disk.

    Args:
        config: The run's configuration.
        accelerator: Device and processes.
        model: The prepared model.
        optimizer: The prepared optimiser.
        ema: The moving average of the weights, if one is kept.
    """

    def __init__(
        self,
        config: Config,
        accelerator: Accelerator,
        model: nn.Module,
        optimizer: AcceleratedOptimizer,
        ema: ModelEmaV3 | None,
    ) -> None:
        self.config, self.accelerator, self.run = config, accelerator, Path(config.output)
        self.model, self.optimizer, self.ema = model, optimizer, ema

    def prepare(self, resume: bool) -> Progress | None:
        """Make the run's folder ready; on resumption load its latest checkpoint.

        Args:
            resume: Continue the run that the folder holds, if it holds one.

        Returns:
            How far the run had come; None where it starts anew.

        Raises:
            ConfigError: If the folder holds a run and `resume` is not set, or the run was of other
                settings or another number of processes.
        """
        found = (self.run / "checkpoints").exists() or (self.run / "metrics.jsonl").exists()
        if found and not resume:
            raise ConfigError(
                f"{self.run} holds a run already: --resume continues it; to begin anew, delete it "
                "or set another output"
            )
        progress = self._restore() if found else None
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            checkpoints.discard_partial(self.run)
            checkpoints.keep_epochs(self.run, 0 if progress is None else progress.epoch)
            save_config(self.config, self.run / "config.yaml")
        self.accelerator.wait_for_everyone()
        return progress

    def save(self, progress: Progress) -> None:
        """Write a checkpoint; every process takes part.

        Args:
            progress: How far the run has come.
        """
        accelerator, update = self.accelerator, progress.update
        model, optimizer = self.states()
        folder = checkpoints.partial_folder(self.run, update)
        checkpoints.write_rng(folder, accelerator.process_index)
        if accelerator.is_main_process:
            if accelerator.scaler is not None:
                optimizer["scaler"] = accelerator.scaler.state_dict()
            average = None if self.ema is None else self.ema.module.state_dict()
            checkpoints.write_checkpoint(folder, Checkpoint(progress, model, optimizer, average))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            keep = self.config.training.keep_checkpoints
            checkpoints.finish_checkpoint(self.run, update, keep)
        accelerator.wait_for_everyone()

    def states(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Whole state dicts of model and optimiser, gathered where they are sharded."""
        return get_state_dict(self.model, self.optimizer.optimizer, options=_FULL)

    def _restore(self) -> Progress | None:
        require_same_settings(self.run, self.config)
        latest = checkpoints.read_latest(self.run, self.accelerator.process_index)
        return None if latest is None else self._load(*latest)

    def _load(self, checkpoint: Checkpoint, states: dict[str, Any]) -> Progress:
        accelerator, progress = self.accelerator, checkpoint.progress
        if progress.ranks != accelerator.num_processes:
            raise ConfigError(
                f"{self.run} was trained by {progress.ranks} processes, these are "
                f"{accelerator.num_processes}; resume with as many"
            )
        scaler = checkpoint.optimizer.pop("scaler", None)
        if scaler is not None and accelerator.scaler is not None:
            accelerator.scaler.load_state_dict(scaler)
        set_state_dict(
            self.model,
            self.optimizer.optimizer,
            model_state_dict=dict(checkpoint.model),
            optim_state_dict=checkpoint.optimizer,
            options=_FULL,
        )
        if self.ema is not None and checkpoint.ema is not None:
            self.ema.module.load_state_dict(checkpoint.ema)
        checkpoints.restore_rng(states)
        return progress
