"""Self-supervised pretraining on unlabelled pairs: its configuration and its loop.

Every pair of the training and validation splits is used, whatever its label; the test split is
not opened. From series, each step is a pair of its own.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from tqdm.auto import tqdm

from training.augmentation import Augmentation
from training.checkpoints import Progress
from training.config import (
    AugmentationConfig,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrackingConfig,
    TrainingConfig,
    validate,
)
from training.data import OpenedData
from training.loader import Batch, Loader
from training.masked_autoencoder import MaskedAutoencoder
from training.optimisation import learning_rate, make_optimizer
from training.preprocessing import Preprocessor
from training.resuming import Keeper
from training.sampling import MASKING, Share, epoch_order, share_out, stream

SPLIT = "train+validation"


@dataclass
class AutoencoderConfig:
    """The masked autoencoder.

    Attributes:
        options: Fields of transformers' ViTMAEConfig: hidden_size, num_hidden_layers, patch_size,
            mask_ratio, decoder_hidden_size, ...; the defaults are ViT-B/16.
    """

    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class PretrainingLoopConfig:
    """The loop. Mixed precision and the number of processes come from accelerate.

    Attributes:
        epochs: Passes over all rows.
        batch_size: Rows a step, on each process; each has as many pairs as the series has steps.
        clip: Greatest gradient norm; null leaves gradients as they are.
        checkpoint_every: Updates between two checkpoints; null writes one each epoch.
        keep_checkpoints: Latest checkpoints kept.
        log_every: Updates between two reports of the loss.
    """

    epochs: int = 100
    batch_size: int = 16
    clip: float | None = 1.0
    checkpoint_every: int | None = None
    keep_checkpoints: int = 2
    log_every: int = 10


@dataclass
class PretrainingConfig:
    """One pretraining.

    Attributes:
        name: Name of the run.
        output: Folder of the run; empty stands for runs/<name>.
        seed: Seed of weights, order, masks and augmentation.
        data: The samples; their labels are not read.
        model: The model.
        optimizer: The optimiser.
        schedule: The learning-rate schedule.
        training: The loop.
        augmentation: The augmentations.
    """

    name: str = "pretraining"
    output: str = ""
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(learning_rate=1.5e-4, weight_decay=0.05)
    )
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: PretrainingLoopConfig = field(default_factory=PretrainingLoopConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


def as_experiment(config: PretrainingConfig) -> Config:
    """The parts that a pretraining shares with an experiment, as one.

    Args:
        config: The pretraining.

    Returns:
        An experiment with the same data, model, optimiser, schedule and augmentation.
    """
    loop = config.training
    return Config(
        name=config.name,
        output=config.output,
        seed=config.seed,
        data=config.data,
        model=ModelConfig("transformers", "vit_mae", options=config.model.options),
        optimizer=config.optimizer,
        schedule=config.schedule,
        training=TrainingConfig(
            epochs=loop.epochs,
            batch_size=loop.batch_size,
            clip=loop.clip,
            checkpoint_every=loop.checkpoint_every,
            keep_checkpoints=loop.keep_checkpoints,
        ),
        augmentation=config.augmentation,
        tracking=TrackingConfig(log_every=loop.log_every),
    )


def validate_pretraining(config: PretrainingConfig) -> PretrainingConfig:
    """Check everything that can be checked without the data and the model.

    Raises:
        ConfigError: See `config.validate`.
    """
    config.output = validate(as_experiment(config)).output
    return config


class Pretrainer:
    """Pretrains one masked autoencoder.

    Masks depend on (seed, epoch, row) alone and nothing else is random, so a resumed run goes on
    bit by bit as the uninterrupted one would have.

    Args:
        config: The validated configuration.
        data: Its data, with the split `SPLIT`.
        accelerator: Device, precision and processes.
    """

    def __init__(self, config: PretrainingConfig, data: OpenedData, accelerator: Accelerator):
        self.config, self.data, self.accelerator = config, data, accelerator
        self.run = Path(config.output)
        self.samples = data.splits[SPLIT]
        self.steps = data.task.timeseries_length
        set_seed(config.seed)
        model = MaskedAutoencoder(data.channels, data.image_size, config.model.options)
        self.patches = model.patches
        self.model, self.optimizer = accelerator.prepare(
            model, make_optimizer(model, config.optimizer)
        )
        self.keeper = Keeper(as_experiment(config), accelerator, self.model, self.optimizer, None)
        device = accelerator.device
        self.preprocess = Preprocessor(data.channels, self.steps, data.image_size).to(device)
        self.augment = Augmentation(config.augmentation, data.channels, config.seed)
        self.loader = Loader(self.samples, device, config.data.workers)
        self.progress = Progress(ranks=accelerator.num_processes)
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)

    def fit(self, resume: bool = False) -> float:
        """Train to the last epoch.

        Args:
            resume: Continue from the latest checkpoint, if there is one.

        Returns:
            Mean loss of the last epoch.

        Raises:
            ConfigError: If the folder holds another run, or one of other settings.
        """
        before = self.keeper.prepare(resume)
        if before is not None:
            self.progress = before
            # The sum is of all processes: one of them carries it on.
            self.loss_sum.fill_(before.loss_sum if self.accelerator.is_main_process else 0.0)
        loss = float("nan")
        while self.progress.epoch < self.config.training.epochs:
            self._train_epoch()
            loss = self._end_epoch()
            self._save()
        return loss

    def _train_epoch(self) -> None:
        progress, accelerator = self.progress, self.accelerator
        order = epoch_order(self.samples.positive, "all", self.config.seed, progress.epoch)
        plan = share_out(
            order,
            self.config.training.batch_size,
            accelerator.process_index,
            accelerator.num_processes,
        )
        self.model.train()
        bar = tqdm(
            total=len(plan),
            initial=progress.step,
            desc=f"epoch {progress.epoch + 1}/{self.config.training.epochs}",
            disable=not accelerator.is_main_process,
            leave=False,
        )
        with bar:
            for batch in self.loader.batches(plan[progress.step :], progress.epoch):
                self._step(batch, len(plan))
                progress.step += 1
                progress.samples += batch.share.total
                bar.update()
                if progress.update % self.config.training.log_every == 0:
                    bar.set_postfix(loss=f"{self._mean_loss():.4f}", refresh=False)
                every = self.config.training.checkpoint_every
                if every and progress.step < len(plan) and progress.update % every == 0:
                    self._save()

    def _step(self, batch: Batch, updates_per_epoch: int) -> None:
        config, accelerator, progress = self.config, self.accelerator, self.progress
        stack = self.preprocess.assemble(batch.rasters)
        stack, _ = self.augment(stack, batch.target, batch.share.indices.tolist(), progress.epoch)
        images = self.preprocess.normalise(stack).flatten(0, 1)
        each = self.model(images, self._noise(batch.share)).unflatten(0, (-1, self.steps)).mean(1)
        each = each * batch.weight
        # Processes average their gradients; the mean over rows is wanted.
        accelerator.backward(each.sum() * (accelerator.num_processes / batch.share.total))
        rate = learning_rate(
            progress.update,
            updates_per_epoch,
            config.training.epochs,
            config.schedule,
            config.optimizer.learning_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if config.training.clip is not None:
            accelerator.clip_grad_norm_(self.model.parameters(), config.training.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.loss_sum += each.detach().sum()
        progress.update += 1

    def _noise(self, share: Share) -> Tensor:
        """Uniform noise of each pair's patches, [rows * T, patches]."""
        seed, epoch = self.config.seed, self.progress.epoch
        draws = [
            stream(seed, MASKING, epoch, int(row)).random((self.steps, self.patches), "float32")
            for row in share.indices
        ]
        noise = torch.from_numpy(np.concatenate(draws))
        return noise.to(self.accelerator.device, non_blocking=True)

    def _mean_loss(self) -> float:
        total = self.accelerator.reduce(self.loss_sum, "sum")
        return float(total) / max(1, self.progress.samples)

    def _end_epoch(self) -> float:
        """Record the epoch and publish the weights in transformers' own format."""
        progress, accelerator = self.progress, self.accelerator
        loss = self._mean_loss()
        if accelerator.is_main_process:
            line = {
                "epoch": progress.epoch,
                "update": progress.update,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "train": {"loss": loss, "samples": progress.samples},
            }
            with (self.run / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            tqdm.write(f"epoch {progress.epoch + 1}/{self.config.training.epochs}: loss {loss:.4f}")
            partial = self.run / ".model.partial"
            shutil.rmtree(partial, ignore_errors=True)
            accelerator.unwrap_model(self.model).autoencoder.save_pretrained(partial)
            shutil.rmtree(self.run / "model", ignore_errors=True)
            partial.rename(self.run / "model")
        progress.epoch, progress.step, progress.samples = progress.epoch + 1, 0, 0
        self.loss_sum.zero_()
        return loss

    def _save(self) -> None:
        self.progress.loss_sum = float(self.accelerator.reduce(self.loss_sum, "sum"))
        self.keeper.save(self.progress)
