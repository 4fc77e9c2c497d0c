"""Writing the checkpoints of a run while it trains, and resuming the run from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from timm.utils import ModelEmaV3
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)

from dataset_script.errors import ConfigError
from training.config.comparison import require_same_settings
from training.config.options import save_config
from training.config.schema import Config
from training.runs import checkpoints
from training.runs.checkpoints import Checkpoint, Progress
from training.runs.files import holds_run
from training.runs.history import truncate_history
from training.runs.random_states import restore_random_states

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def whole_weights(model: nn.Module) -> dict[str, Any]:
    """State dict of a model on the CPU, gathered where it is sharded; every process takes part."""
    return get_model_state_dict(model, options=_WHOLE)


class CheckpointManager:
    """Writes and restores the checkpoints of a run.

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
        found = holds_run(self.run)
        if found and not resume:
            raise ConfigError(
                f"{self.run} holds a run already: --resume continues it; to begin anew, delete it "
                "or set another output"
            )
        progress = self._restore() if found else None
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            checkpoints.delete_partial(self.run)
            truncate_history(self.run, 0 if progress is None else progress.epoch)
            save_config(self.config, self.run / "config.yaml")
        self.accelerator.wait_for_everyone()
        return progress

    def save(self, progress: Progress) -> None:
        """Write a checkpoint; every process takes part.

        Args:
            progress: How far the run has come.
        """
        accelerator, update = self.accelerator, progress.update
        model, optimizer = get_state_dict(self.model, self.optimizer.optimizer, options=_WHOLE)
        folder = checkpoints.partial_folder(self.run, update)
        checkpoints.write_random_states(folder, accelerator.process_index)
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

    def _restore(self) -> Progress | None:
        accelerator = self.accelerator
        require_same_settings(self.run, self.config)
        latest = checkpoints.read_latest(self.run, accelerator.process_index)
        if latest is None:
            return None
        checkpoint, random_states = latest
        if checkpoint.progress.ranks != accelerator.num_processes:
            raise ConfigError(
                f"{self.run} was trained by {checkpoint.progress.ranks} processes, these are "
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
            options=_WHOLE,
        )
        if self.ema is not None and checkpoint.ema is not None:
            self.ema.module.load_state_dict(checkpoint.ema)
        restore_random_states(random_states)
        return checkpoint.progress
