"""The training loop: epochs, steps, updates and checkpoints, whatever is learnt.

Within a step nothing is read back from the device: losses add up there and are read every
`tracking.log_every` updates. A step's loss is the mean over the samples of its update, over all
processes and accumulated steps, so batch size, accumulation and number of processes do not change
what is minimised.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import DistributedType
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError
from training.config.schema import Config
from training.data.loader import Batch, Loader
from training.data.sampling import Share, epoch_order, share_out
from training.data.sources import OpenedData
from training.fit.optimisation import learning_rate, make_optimizer, update_weights
from training.fit.running_loss import RunningLoss
from training.inputs.augmentation import Augmentation
from training.inputs.preprocessing import Preprocessor
from training.runs.checkpoint_manager import CheckpointManager
from training.runs.checkpoints import Progress


class TrainingLoop(ABC):
    """Trains one model; a subclass defines the loss and what follows an epoch.

    Args:
        config: The validated configuration.
        data: Its data.
        split: The split to train on.
        sampling: How an epoch draws from it; see `TrainingConfig.sampling`.
        accelerator: Device, precision and processes; trackers already started.
        model: The model.

    Attributes:
        epoch_loss: Mean training loss of the last epoch; NaN before there is one.

    Raises:
        ConfigError: If an average is asked for of weights that no process holds whole.
    """

    def __init__(
        self,
        config: Config,
        data: OpenedData,
        split: str,
        sampling: str,
        accelerator: Accelerator,
        model: nn.Module,
    ) -> None:
        sharded = accelerator.distributed_type == DistributedType.FSDP
        if sharded and config.training.ema_decay is not None:
            raise ConfigError("training.ema_decay needs whole weights; FSDP shards them: set null")
        self.config, self.accelerator = config, accelerator
        self.run = Path(config.output)
        self.samples, self.sampling = data.splits[split], sampling
        self.model, self.optimizer = accelerator.prepare(
            model, make_optimizer(model, config.optimizer)
        )
        self.ema = self._make_ema()
        self.checkpoints = CheckpointManager(
            config, accelerator, self.model, self.optimizer, self.ema
        )
        self.preprocess = Preprocessor(
            data.channels,
            data.task.timeseries_length,
            data.image_size,
            overwrite=True,
            phase=config.data.phase,
        ).to(accelerator.device)
        self.augment = Augmentation(config.augmentation, data.channels, config.seed)
        self.loader = Loader(
            self.samples,
            accelerator.device,
            config.data.workers,
            config.loss.confidence,
            overwrite=True,
        )
        self.progress = Progress(ranks=accelerator.num_processes)
        self.running = RunningLoss(accelerator)
        self.epoch_loss = float("nan")
        self.waited = 0.0

    @abstractmethod
    def _losses(self, images: Tensor, batch: Batch, target: Tensor) -> Tensor:
        """Loss of each sample, `[B]`.

        Args:
            images: The batch `[B, T, C, H, W]`, augmented and normalised.
            batch: The batch.
            target: Its target, augmented as the images are.
        """

    @abstractmethod
    def _finish_epoch(self, record: dict[str, Any], seconds: float) -> bool:
        """Measure and record what an epoch has brought.

        Args:
            record: Of metrics.jsonl, as far as the loop knows it.
            seconds: How long the epoch took.

        Returns:
            Whether a checkpoint is to follow.
        """

    def fit(self, resume: bool = False) -> Progress:
        """Train until the last epoch or until early stopping.

        Args:
            resume: Continue from the latest checkpoint, if there is one.

        Returns:
            How far the run came.

        Raises:
            ConfigError: If the folder holds another run, or one of other settings.
        """
        resumed = self.checkpoints.prepare(resume)
        if resumed is not None:
            self.progress = resumed
            self.running.begin(resumed.loss_sum)
        while self.progress.epoch < self.config.training.epochs and not self._stopped():
            begun, self.waited = time.perf_counter(), 0.0
            self._train_epoch()
            seconds = time.perf_counter() - begun
            self.epoch_loss = self.running.mean(self.progress.samples)
            record = {
                "epoch": self.progress.epoch,
                "update": self.progress.update,
                "learning_rate": self._rate(),
                "train": {"loss": self.epoch_loss, "samples": self.progress.samples},
            }
            finished = self._finish_epoch(record, seconds)
            self.progress.end_epoch()
            self.running.begin()
            if finished or self._checkpoint_due():
                self._save()
        return self.progress

    def _stopped(self) -> bool:
        patience = self.config.training.early_stopping
        return patience is not None and self.progress.stale >= patience

    def _checkpoint_due(self) -> bool:
        every = self.config.training.checkpoint_every
        return every is not None and self.progress.update % every == 0

    def _save(self) -> None:
        self.progress.loss_sum = self.running.total()
        self.checkpoints.save(self.progress)

    def _make_ema(self) -> ModelEmaV3 | None:
        decay = self.config.training.ema_decay
        if decay is None:
            return None
        # With a warm-up of the decay, as a short run would otherwise average its first weights in.
        return ModelEmaV3(
            self.accelerator.unwrap_model(self.model), decay=decay, use_warmup=True, foreach=True
        )

    def _plan(self, epoch: int) -> list[Share]:
        accelerator = self.accelerator
        order = epoch_order(self.samples.positive, self.sampling, self.config.seed, epoch)
        size = self.config.training.batch_size
        return share_out(order, size, accelerator.process_index, accelerator.num_processes)

    @property
    def updates_per_epoch(self) -> int:
        """Updates of the weights in an epoch."""
        return -(-len(self._plan(self.progress.epoch)) // self.config.training.accumulation)

    def _train_epoch(self) -> None:
        progress, accumulation = self.progress, self.config.training.accumulation
        plan, updates = self._plan(progress.epoch), self.updates_per_epoch
        self.model.train()
        bar = tqdm(
            total=len(plan),
            initial=progress.step,
            desc=f"epoch {progress.epoch + 1}/{self.config.training.epochs}",
            disable=not self.accelerator.is_main_process,
            leave=False,
        )
        batches = self._timed(self.loader.batches(plan[progress.step :], progress.epoch))
        with bar, contextlib.closing(batches):
            for batch in batches:
                first = progress.step // accumulation * accumulation
                group = plan[first : first + accumulation]
                ends = progress.step + 1 == first + len(group)
                self._step(batch, sum(share.total for share in group), ends)
                progress.step += 1
                progress.samples += batch.share.total
                bar.update()
                if ends:
                    self._update(updates)
                    self._report(bar)
                    if progress.step < len(plan) and self._checkpoint_due():
                        self._save()

    def _timed(self, batches: Iterator[Batch]) -> Generator[Batch]:
        """Pass batches on and add up how long the loop waited for them."""
        while True:
            begun = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.waited += time.perf_counter() - begun
            yield batch

    def _step(self, batch: Batch, samples: int, ends: bool) -> None:
        """Add a batch's gradients to those of its update, which has `samples` in all processes."""
        accelerator = self.accelerator
        images, target = self.augment(
            self.preprocess.assemble(batch.rasters),
            batch.target,
            batch.share.indices.tolist(),
            self.progress.epoch,
        )
        images = self.preprocess.normalise(images)
        with contextlib.nullcontext() if ends else accelerator.no_sync(self.model):
            each = self._losses(images, batch, target) * batch.weight
            # Processes average their gradients; the mean over samples is wanted.
            accelerator.backward(each.sum() * (accelerator.num_processes / samples))
        self.running.add(each)

    def _update(self, updates_per_epoch: int) -> None:
        config, progress = self.config, self.progress
        rate = learning_rate(
            progress.update,
            updates_per_epoch,
            config.training.epochs,
            config.schedule,
            config.optimizer.learning_rate,
        )
        update_weights(self.accelerator, self.model, self.optimizer, rate, config.training.clip)
        progress.update += 1
        if self.ema is not None:
            self.ema.update(self.accelerator.unwrap_model(self.model), progress.update)

    def _report(self, bar: tqdm) -> None:
        if self.progress.update % self.config.tracking.log_every:
            return
        loss = self.running.mean(self.progress.samples)
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        values = {"train/loss": loss, "train/learning_rate": self._rate()}
        self.accelerator.log(values, step=self.progress.update)

    def _rate(self) -> float:
        return self.optimizer.param_groups[0]["lr"]
