"""The training loop.

Within a step nothing is read back from the device: losses add up there and are read every
`tracking.log_every` updates. A step's loss is the mean over the samples of its update, over all
processes and accumulated steps, so batch size, accumulation and number of processes do not change
what is minimised.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from timm.utils import ModelEmaV3
from torch import Tensor
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError
from training.config.schema import Config
from training.data.loader import Batch, Loader
from training.data.sampling import Share, epoch_order, share_out
from training.data.sources import OpenedData
from training.fit.epoch import RunningLoss, progress_bar
from training.fit.losses import Loss
from training.fit.optimisation import learning_rate, make_optimizer, update_weights
from training.fit.validation import Candidate, Judge
from training.inputs.augmentation import Augmentation
from training.inputs.preprocessing import Preprocessor
from training.models.build import build_model
from training.models.weights import require_same_channels
from training.runs.checkpoints import Progress
from training.runs.resuming import Keeper, is_sharded


class Trainer:
    """Trains one model.

    Args:
        config: The validated configuration.
        data: Its data, with train and validation splits.
        accelerator: Device, precision and processes; trackers already started.
    """

    def __init__(self, config: Config, data: OpenedData, accelerator: Accelerator) -> None:
        self.config, self.accelerator = config, accelerator
        self.train = data.splits["train"]
        set_seed(config.seed)
        if config.model.init_from:
            require_same_channels(Path(config.model.init_from), data.channels)
        model = build_model(
            config.model,
            objective=config.objective,
            num_channels=len(data.channels),
            timeseries_length=data.task.timeseries_length,
            num_classes=data.task.outputs,
            image_size=data.image_size,
        )
        if config.training.channels_last:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if config.training.compile:
            model.compile()
        library = model.library
        self.model, self.optimizer = accelerator.prepare(
            model, make_optimizer(model, config.optimizer)
        )
        self.ema = self._make_ema()
        self.keeper = Keeper(config, accelerator, self.model, self.optimizer, self.ema)
        set_seed(config.seed, device_specific=True)  # processes must not drop the same units
        device = accelerator.device
        self.preprocess = Preprocessor(
            data.channels, data.task.timeseries_length, data.image_size, overwrite=True
        )
        self.preprocess.to(device)
        self.augment = Augmentation(config.augmentation, data.channels, config.seed)
        self.loss = Loss(config.loss, data.task).to(device)
        self.loader = Loader(self.train, device, config.data.workers, config.loss.confidence)
        self.judge = Judge(
            config, data, accelerator, self.keeper, library, self._judged_images, self.loss
        )
        self.progress = Progress(ranks=accelerator.num_processes)
        self.running = RunningLoss(accelerator)
        self.waited = 0.0

    def fit(self, resume: bool = False) -> Progress:
        """Train until the last epoch or until early stopping.

        Args:
            resume: Continue from the latest checkpoint, if there is one.

        Returns:
            How far the run came.

        Raises:
            ConfigError: If the folder holds another run, or one of other settings.
        """
        resumed = self.keeper.prepare(resume)
        if resumed is not None:
            self.progress = resumed
            self.running.begin(resumed.loss_sum)
        training = self.config.training
        while self.progress.epoch < training.epochs and not self._stopped():
            begun, self.waited = time.perf_counter(), 0.0
            self._train_epoch()
            trained = time.perf_counter() - begun
            done = self.progress.epoch + 1
            validated = done % training.validate_every == 0 or done == training.epochs
            if validated:
                self._validate(trained)
            self.progress.end_epoch()
            self.running.begin()
            if validated or self._checkpoint_due():
                self._save()
        return self.progress

    def _stopped(self) -> bool:
        patience = self.config.training.early_stopping
        return patience is not None and self.progress.stale >= patience

    def _checkpoint_due(self) -> bool:
        every = self.config.training.checkpoint_every
        return every is not None and self.progress.update % every == 0

    def _make_ema(self) -> ModelEmaV3 | None:
        decay = self.config.training.ema_decay
        if decay is None:
            return None
        if is_sharded(self.accelerator):
            raise ConfigError("training.ema_decay needs whole weights; FSDP shards them: set null")
        # With a warm-up of the decay, as a short run would otherwise average its first weights in.
        return ModelEmaV3(
            self.accelerator.unwrap_model(self.model), decay=decay, use_warmup=True, foreach=True
        )

    def _save(self) -> None:
        self.progress.loss_sum = self.running.total()
        self.keeper.save(self.progress)

    # Training

    def _plan(self, epoch: int) -> list[Share]:
        training, accelerator = self.config.training, self.accelerator
        order = epoch_order(self.train.positive, training.sampling, self.config.seed, epoch)
        return share_out(
            order, training.batch_size, accelerator.process_index, accelerator.num_processes
        )

    def _train_epoch(self) -> None:
        progress, accumulation = self.progress, self.config.training.accumulation
        plan = self._plan(progress.epoch)
        updates = -(-len(plan) // accumulation)
        self.model.train()
        bar = progress_bar(self.accelerator, progress, self.config.training.epochs, len(plan))
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
        """Pass batches on and add up how long each had to be waited for."""
        while True:
            begun = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.waited += time.perf_counter() - begun
            yield batch

    def _step(self, batch: Batch, samples: int, ends: bool) -> None:
        accelerator = self.accelerator
        stack = self.preprocess.assemble(batch.rasters)
        stack, target = self.augment(
            stack, batch.target, batch.share.indices.tolist(), self.progress.epoch
        )
        images = self._in_order(self.preprocess.normalise(stack))
        with contextlib.nullcontext() if ends else accelerator.no_sync(self.model):
            each = self.loss(self.model(images), target) * batch.weight
            # Processes average their gradients; the mean over samples is wanted.
            accelerator.backward(each.sum() * (accelerator.num_processes / samples))
        self.running.add(each)

    def _in_order(self, images: Tensor) -> Tensor:
        """Images in the memory order of the configuration."""
        if not self.config.training.channels_last:
            return images
        planes = images.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        return planes.unflatten(1, images.shape[1:3])

    def _update(self, updates_per_epoch: int) -> None:
        training, progress = self.config.training, self.progress
        rate = learning_rate(
            progress.update,
            updates_per_epoch,
            training.epochs,
            self.config.schedule,
            self.config.optimizer.learning_rate,
        )
        update_weights(self.accelerator, self.model, self.optimizer, rate, training.clip)
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

    def _judged_images(self, batch: Batch) -> Tensor:
        return self._in_order(self.preprocess(batch.rasters))

    def _validate(self, trained: float) -> None:
        progress, bare = self.progress, self.accelerator.unwrap_model(self.model)
        loss = self.running.mean(progress.samples)
        candidates = [Candidate("validation", self.model, bare)]
        if self.ema is not None:
            average = self.ema.module
            candidates.append(Candidate("validation_ema", average, average))
        line = {
            "epoch": progress.epoch,
            "update": progress.update,
            "learning_rate": self._rate(),
            "train": {"loss": loss, "samples": progress.samples},
            "timing": {
                "train_seconds": trained,
                "samples_per_second": progress.samples / trained,
                "waiting_share": self.waited / trained,
            },
        }
        self.judge.measure(candidates, progress, line)
