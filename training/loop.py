"""The training loop.

Within a step nothing is read back from the device: losses add up there and are read every
`tracking.log_every` updates. A step's loss is the mean over the samples of its update, over all
processes and accumulated steps, so batch size, accumulation and number of processes do not change
what is minimised.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from tqdm.auto import tqdm

from dataset_script.channels import select
from dataset_script.errors import ConfigError
from training import checkpoints
from training.augmentation import Augmentation
from training.checkpoints import Progress
from training.config import Config
from training.data import OpenedData
from training.examples import examples_figure
from training.facts import ModelFacts
from training.figures import to_image
from training.initialise import require_same_channels
from training.loader import Batch, Loader
from training.losses import Loss
from training.models import OURS, build_model
from training.operating_point import choose_temperature, choose_threshold, to_probability
from training.optimisation import learning_rate, make_optimizer
from training.predictions import Predictions, predict
from training.preprocessing import Preprocessor
from training.report import headline
from training.resuming import Keeper, is_sharded
from training.sampling import Share, epoch_order, share_out
from training.tracking import log_images


class Trainer:
    """Trains one model.

    Args:
        config: The validated configuration.
        data: Its data, with train and validation splits.
        accelerator: Device, precision and processes; trackers already started.
    """

    def __init__(self, config: Config, data: OpenedData, accelerator: Accelerator) -> None:
        self.config, self.data, self.accelerator = config, data, accelerator
        self.run = Path(config.output)
        self.train, self.validation = data.splits["train"], data.splits["validation"]
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
        self.library = model.library
        self.model, self.optimizer = accelerator.prepare(
            model, make_optimizer(model, config.optimizer)
        )
        self.ema = self._make_ema()
        self.keeper = Keeper(config, accelerator, self.model, self.optimizer, self.ema)
        set_seed(config.seed, device_specific=True)  # processes must not drop the same units
        device = accelerator.device
        self.preprocess = Preprocessor(data.channels, data.task.timeseries_length, data.image_size)
        self.preprocess.to(device)
        self.augment = Augmentation(config.augmentation, data.channels, config.seed)
        self.loss = Loss(config.loss, data.task).to(device)
        self.loader = Loader(self.train, device, config.data.workers, config.loss.confidence)
        self.progress = Progress(ranks=accelerator.num_processes)
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
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
            # The sum is of all processes: one of them carries it on.
            self.loss_sum.fill_(resumed.loss_sum if self.accelerator.is_main_process else 0.0)
        training = self.config.training
        while self.progress.epoch < training.epochs and not self._stopped():
            begun, self.waited = time.perf_counter(), 0.0
            self._train_epoch()
            trained = time.perf_counter() - begun
            done = self.progress.epoch + 1
            validated = done % training.validate_every == 0 or done == training.epochs
            if validated:
                self._validate(trained)
            self.progress.epoch, self.progress.step, self.progress.samples = done, 0, 0
            self.loss_sum.zero_()
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
        self.progress.loss_sum = float(self.accelerator.reduce(self.loss_sum, "sum"))
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
        with contextlib.nullcontext() if ends else accelerator.no_sync(self.model):
            each = self.loss(self.model(self._images(stack)), target) * batch.weight
            # Processes average their gradients; the mean over samples is wanted.
            accelerator.backward(each.sum() * (accelerator.num_processes / samples))
        self.loss_sum += each.detach().sum()

    def _images(self, stack: Tensor) -> Tensor:
        images = self.preprocess.normalise(stack)
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
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if training.clip is not None:
            self.accelerator.clip_grad_norm_(self.model.parameters(), training.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress.update += 1
        if self.ema is not None:
            self.ema.update(self.accelerator.unwrap_model(self.model), progress.update)

    def _report(self, bar: tqdm) -> None:
        if self.progress.update % self.config.tracking.log_every:
            return
        loss = self._epoch_loss()
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        rate = self.optimizer.param_groups[0]["lr"]
        self.accelerator.log(
            {"train/loss": loss, "train/learning_rate": rate}, step=self.progress.update
        )

    def _epoch_loss(self) -> float:
        total = self.accelerator.reduce(self.loss_sum, "sum")
        return float(total) / max(1, self.progress.samples)

    # Validation

    def forward(self, batch: Batch) -> Tensor:
        """Logits of a batch, with the model as it stands."""
        return self.model(self._images(self.preprocess.assemble(batch.rasters)))

    def predict(self, model: nn.Module | None = None) -> Predictions:
        """Predictions of the validation split.

        Args:
            model: Another model than the one in training: its moving average.
        """
        used = self.model if model is None else model
        used.eval()
        return predict(
            lambda batch: used(self._images(self.preprocess.assemble(batch.rasters))),
            self.validation,
            self.accelerator,
            self.config.training.batch_size,
            self.config.data.workers,
            self.loss,
        )

    def _validate(self, trained: float) -> None:
        progress, select_by = self.progress, self.config.training.select
        line: dict[str, Any] = {
            "epoch": progress.epoch,
            "update": progress.update,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "train": {"loss": self._epoch_loss(), "samples": progress.samples},
        }
        begun = time.perf_counter()
        candidates = [("validation", self.accelerator.unwrap_model(self.model), self.predict())]
        if self.ema is not None:
            average = self.ema.module
            candidates.append(("validation_ema", average, self.predict(average)))
        improved = False
        for name, model, predictions in candidates:
            threshold = choose_threshold(predictions)
            metrics = headline(predictions, threshold)
            line[name] = {"loss": float(predictions.loss.mean()), **metrics}
            score = metrics.get(select_by)
            if score is not None and (progress.best is None or score > progress.best):
                progress.best, progress.best_epoch, improved = score, progress.epoch, True
                self._keep_best(model, predictions, threshold)
        progress.stale = 0 if improved else progress.stale + 1
        line["timing"] = {
            "train_seconds": trained,
            "validation_seconds": time.perf_counter() - begun,
            "samples_per_second": progress.samples / trained,
            "waiting_share": self.waited / trained,
        }
        self._record(line)

    def _keep_best(self, model: nn.Module, predictions: Predictions, threshold: float) -> None:
        state = self.keeper.states()[0] if is_sharded(self.accelerator) else model.state_dict()
        if not self.accelerator.is_main_process:
            return
        temperature = choose_temperature(predictions)
        facts = dataclasses.replace(
            self.facts(),
            threshold=to_probability(threshold, temperature),
            temperature=temperature,
        )
        checkpoints.write_weights(state, self.run / checkpoints.BEST)
        checkpoints.write_json(facts.to_dict(), self.run / "model.json")

    def facts(self) -> ModelFacts:
        """What inference with this model depends on, threshold and temperature not yet chosen."""
        config, data = self.config, self.data
        channels = select(data.channels)
        return ModelFacts(
            objective=config.objective,
            task=config.task,
            classes=data.task.classes,
            multilabel=data.task.multilabel,
            library=self.library,
            architecture=config.model.name,
            encoder=config.model.encoder or (config.model.name if self.library == OURS else ""),
            options=config.model.options,
            temporal=config.model.temporal,
            channels=data.channels,
            mean=tuple(channel.mean for channel in channels),
            std=tuple(channel.std for channel in channels),
            timeseries_length=data.task.timeseries_length,
            image_size=data.image_size,
            pixel_size=data.pixel_size,
            mask_target=config.data.mask_target,
            split=data.scheme,
            dataset=data.name,
        )

    def _record(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            with (self.run / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            scores = " ".join(
                f"{key} {value:.3f}"
                for key, value in line["validation"].items()
                if key in ("loss", "f1", "auroc", "iou") and value is not None
            )
            kept = " *" if self.progress.stale == 0 else ""
            tqdm.write(
                f"epoch {line['epoch'] + 1}/{self.config.training.epochs}: "
                f"train loss {line['train']['loss']:.3f}, validation {scores}{kept}"
            )
        values = {
            f"{part}/{key}": value
            for part in ("train", "validation", "validation_ema", "timing")
            for key, value in line.get(part, {}).items()
            if value is not None
        }
        self.accelerator.log(values, step=self.progress.update)
        if self.config.tracking.images and self.config.tracking.trackers:
            figure = examples_figure(
                self.forward, self.validation, self.accelerator.device, self.config.tracking.images
            )
            if self.accelerator.is_main_process:
                log_images(
                    self.accelerator, {"predictions": to_image(figure)}, self.progress.update
                )
