"""Supervised training: the loss of the task, and a validation after each epoch."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from training.config.schema import Config
from training.data.loader import Batch
from training.data.sources import OpenedData
from training.facts import count_planes
from training.fit.loop import TrainingLoop
from training.fit.losses import Loss
from training.fit.validation import Validator
from training.models.build import build_model
from training.models.freezing import freeze_encoder
from training.models.locating import locate_weights
from training.models.model import Model
from training.models.weights import require_same_channels


class Trainer(TrainingLoop):
    """Trains a classifier or a segmenter.

    Args:
        config: The validated configuration.
        data: Its data, with train and validation splits.
        accelerator: Device, precision and processes; trackers already started.
    """

    def __init__(self, config: Config, data: OpenedData, accelerator: Accelerator) -> None:
        set_seed(config.seed)
        if config.model.init_from:
            start = locate_weights(config.model.init_from)
            require_same_channels(start, data.channels, config.data.phase)
        model = self._build(config, data)
        if config.training.channels_last:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if config.training.compile:
            model.compile()
        super().__init__(config, data, "train", config.training.sampling, accelerator, model)
        set_seed(config.seed, device_specific=True)  # processes must not drop the same units
        self.validator = self._make_validator(data, model.library)

    def _build(self, config: Config, data: OpenedData) -> Model:
        model = build_model(
            config.model,
            objective=config.objective,
            num_channels=count_planes(data.channels, config.data.phase),
            timeseries_length=data.task.timeseries_length,
            num_classes=data.task.outputs,
            image_size=data.image_size,
        )
        if config.model.freeze_encoder:
            freeze_encoder(model)
        return model

    def _make_validator(self, data: OpenedData, library: str) -> Validator:
        accelerator = self.accelerator
        self.criterion = Loss(self.config.loss, data.task).to(accelerator.device)
        return Validator(self.config, data, accelerator, library, self._inputs, self.criterion)

    def _losses(self, images: Tensor, batch: Batch, target: Tensor) -> Tensor:
        return self.criterion(self.model(self._in_memory_order(images)), target)

    def _inputs(self, batch: Batch) -> Tensor:
        """What the model sees of a batch when it is validated."""
        return self._in_memory_order(self.preprocess(batch.rasters))

    def _in_memory_order(self, images: Tensor) -> Tensor:
        if not self.config.training.channels_last:
            return images
        planes = images.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        return planes.unflatten(1, images.shape[1:3])

    def _finish_epoch(self, record: dict[str, Any], seconds: float) -> bool:
        training, done = self.config.training, self.progress.epoch + 1
        if done % training.validate_every and done != training.epochs:
            return False
        record["timing"] = {
            "train_seconds": seconds,
            "samples_per_second": self.progress.samples / seconds,
            "waiting_share": self.waited / seconds,
        }
        models = {"validation": self.model}
        if self.ema is not None:
            models["validation_ema"] = self.ema.module
        self.validator.validate(models, self.progress, record)
        return True
