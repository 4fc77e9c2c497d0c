"""What follows an epoch of training: the model is measured on validation and the best is saved."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm.auto import tqdm

from dataset_script.channels import select
from dataset_script.errors import ConfigError
from dataset_script.safe_files import write_json
from training.config.schema import Config
from training.data.loader import Batch
from training.data.sources import OpenedData
from training.evaluation.calibration import to_probability
from training.evaluation.operating_point import choose_temperature, choose_threshold, scene_scores
from training.evaluation.plots.curves import to_image
from training.evaluation.plots.examples import draw_examples, make_examples
from training.evaluation.predictions import Forward, Predictions, predict
from training.evaluation.report import overall_metrics
from training.evaluation.scenes import choose_limits
from training.facts import ModelFacts
from training.fit.losses import Loss
from training.fit.tracking import log_images
from training.inputs.augmentation import dispensable
from training.models.model import OURS
from training.runs.checkpoint_manager import whole_weights
from training.runs.checkpoints import Progress
from training.runs.files import BEST, write_weights
from training.runs.history import append_history


class Validator:
    """Measures models on the validation split, saves the best and records the epoch.

    Args:
        config: The validated configuration.
        data: Its data.
        accelerator: Device and processes, with trackers started.
        library: `Model.library` of the model.
        inputs: From a compact batch to the model's input.
        loss: The loss; None where a subclass has its own.
    """

    def __init__(
        self,
        config: Config,
        data: OpenedData,
        accelerator: Accelerator,
        library: str,
        inputs: Callable[[Batch], Tensor],
        loss: Loss | None = None,
    ) -> None:
        self.config, self.data, self.accelerator = config, data, accelerator
        self.library, self.inputs, self.loss = library, inputs, loss
        self.run, self.samples = Path(config.output), data.splits["validation"]

    def validate(
        self, models: Mapping[str, nn.Module], progress: Progress, record: dict[str, Any]
    ) -> None:
        """Measure, save the best, and record.

        Args:
            models: The prepared model, and the moving average of its weights where there is one,
                by the part of the record that its metrics go to.
            progress: How far the run has come; its best score and `stale` are brought up to date.
            record: What the epoch's record holds so far; `timing` lacks the validation.

        Raises:
            ConfigError: If a loss is not a finite number.
        """
        begun, improved = time.perf_counter(), False
        if self.accelerator.num_processes > 1:
            self._share_statistics(models.values())
        for name, model in models.items():
            loss, metrics, found = self._measure(model)
            if not math.isfinite(loss):
                raise ConfigError(
                    f"{self.run}: the training has diverged, the validation loss of epoch "
                    f"{progress.epoch + 1} is {loss}; set a lower optimizer.learning_rate, or "
                    "training.clip, and begin anew"
                )
            record[name] = {"loss": loss, **metrics}
            score = metrics.get(self.config.training.select)
            if score is not None and (progress.best is None or score > progress.best):
                progress.best, progress.best_epoch, improved = score, progress.epoch, True
                self._save_best(model, found)
            elif progress.best is None:  # undefined on this split: the latest weights are saved
                self._save_best(model, found)
        progress.stale = 0 if improved else progress.stale + 1
        record["timing"]["validation_seconds"] = time.perf_counter() - begun
        self._record(record, progress)
        tracking = self.config.tracking
        if tracking.images and tracking.trackers:
            self._draw(self._forward(models["validation"]), progress.update)

    def _share_statistics(self, models: Iterable[nn.Module]) -> None:
        """Give all processes the first's statistics of batches, which are those that are saved.

        DDP does so before each step, but neither after the last one nor for an average; FSDP never.
        """
        for model in models:
            for buffer in model.buffers():
                torch.distributed.broadcast(buffer, 0)

    def _forward(self, model: nn.Module) -> Forward:
        model.eval()
        return lambda batch: model(self.inputs(batch))

    def _predict(self, model: nn.Module, temperature: float | None = None) -> Predictions:
        return predict(
            self._forward(model),
            self.samples,
            self.accelerator,
            self.config.training.batch_size,
            self.config.data.workers,
            self.loss,
            temperature=temperature,
        )

    def _measure(self, model: nn.Module) -> tuple[float, dict[str, float | None], Any]:
        """Loss and metrics of a model, and what `_save_best` needs of them."""
        predictions = self._predict(model)
        threshold = choose_threshold(predictions)
        metrics = overall_metrics(predictions, threshold)
        return float(predictions.loss.mean()), metrics, (predictions, threshold)

    def _save_best(self, model: nn.Module, found: Any) -> None:
        state = whole_weights(model)
        predictions, threshold = found
        temperature = choose_temperature(predictions, threshold)
        if predictions.histogram is not None:  # a scene's probability depends on the temperature
            predictions = self._predict(model, temperature)
        if not self.accelerator.is_main_process:
            return
        scenes = scene_scores(predictions, temperature)
        facts = dataclasses.replace(
            facts_of(self.config, self.data, self.library),
            threshold=float(to_probability(threshold, temperature)),
            unsure=None if scenes is None else choose_limits(*scenes),
            temperature=temperature,
        )
        write_weights(state, self.run / BEST)
        write_json(self.run / "model.json", facts.to_dict())

    def _record(self, record: dict[str, Any], progress: Progress) -> None:
        if self.accelerator.is_main_process:
            append_history(self.run, record)
            scores = " ".join(
                f"{key} {value:.3f}"
                for key, value in record["validation"].items()
                if key in ("loss", "f1", "auroc", "iou") and value is not None
            )
            best = " *" if progress.stale == 0 else ""
            tqdm.write(
                f"epoch {record['epoch'] + 1}/{self.config.training.epochs}: "
                f"train loss {record['train']['loss']:.3f}, validation {scores}{best}"
            )
        values = {
            f"{part}/{key}": value
            for part in ("train", "validation", "validation_ema", "timing")
            for key, value in record.get(part, {}).items()
            if value is not None
        }
        self.accelerator.log(values, step=progress.update)

    def _draw(self, forward: Forward, update: int) -> None:
        examples = make_examples(
            forward, self.samples, self.accelerator.device, self.config.tracking.images
        )
        if self.accelerator.is_main_process:
            picture = to_image(draw_examples(examples, threshold=0.5))
            log_images(self.accelerator, {"predictions": picture}, update)


def facts_of(config: Config, data: OpenedData, library: str) -> ModelFacts:
    """What inference with a model depends on, threshold and temperature not yet chosen.

    Args:
        config: The experiment.
        data: Its data.
        library: `Model.library` of the model.

    Returns:
        The facts.
    """
    channels = select(data.channels)
    return ModelFacts(
        objective=config.objective,
        task=config.task,
        classes=data.task.classes,
        multilabel=data.task.multilabel,
        library=library,
        architecture=config.model.name,
        encoder=config.model.encoder or (config.model.name if library == OURS else ""),
        options=config.model.options,
        temporal=config.model.temporal,
        channels=data.channels,
        mean=tuple(channel.mean for channel in channels),
        std=tuple(channel.std for channel in channels),
        timeseries_length=data.task.timeseries_length,
        image_size=data.image_size,
        pixel_size=data.pixel_size,
        mask_target=config.data.mask_target,
        phase=config.data.phase,
        optional=tuple(
            name
            for names in dispensable(config.augmentation, data.channels).values()
            for name in names
        ),
        split=data.scheme,
        dataset=data.name,
        correct_stratified=data.correct_stratified,
    )
