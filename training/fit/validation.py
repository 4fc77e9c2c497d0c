"""What follows an epoch: the model is measured on validation, the best is kept, all is told."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm.auto import tqdm

from dataset_script.channels import select
from dataset_script.errors import ConfigError
from training.config.schema import Config
from training.data.loader import Batch
from training.data.sources import OpenedData
from training.evaluation.examples import examples_figure
from training.evaluation.figures import to_image
from training.evaluation.operating_point import choose_temperature, choose_threshold, to_probability
from training.evaluation.predictions import Forward, Predictions, predict
from training.evaluation.report import headline
from training.facts import ModelFacts
from training.fit.epoch import append_history
from training.fit.losses import Loss
from training.fit.tracking import log_images
from training.models.model import OURS
from training.runs import checkpoints
from training.runs.checkpoints import Progress
from training.runs.resuming import Keeper, is_sharded


@dataclasses.dataclass(frozen=True)
class Candidate:
    """Weights that may be the best so far.

    Attributes:
        name: Part of the record that its metrics go to.
        model: What answers: the prepared model, or a moving average of it.
        bare: The module whose weights are kept.
    """

    name: str
    model: nn.Module
    bare: nn.Module


class Judge:
    """Measures candidates on the validation split and keeps the best.

    Args:
        config: The validated configuration.
        data: Its data.
        accelerator: Device and processes, with trackers started.
        keeper: Gathers the weights of a sharded model.
        library: `Model.library` of the model.
        inputs: From a compact batch to the model's input.
        loss: The loss.
    """

    def __init__(
        self,
        config: Config,
        data: OpenedData,
        accelerator: Accelerator,
        keeper: Keeper,
        library: str,
        inputs: Callable[[Batch], Tensor],
        loss: Loss,
    ) -> None:
        self.config, self.data, self.accelerator, self.keeper = config, data, accelerator, keeper
        self.library, self.inputs, self.loss = library, inputs, loss
        self.run, self.samples = Path(config.output), data.splits["validation"]

    def measure(
        self, candidates: Sequence[Candidate], progress: Progress, line: dict[str, Any]
    ) -> None:
        """Measure, keep the best, and record.

        Args:
            candidates: The model in training, and its moving average where there is one.
            progress: How far the run has come; its best score and `stale` are brought up to date.
            line: What the epoch's record holds so far; `timing` lacks the validation.

        Raises:
            ConfigError: If the model answers with something that is no number.
        """
        begun, improved = time.perf_counter(), False
        if self.accelerator.num_processes > 1:
            self._share_statistics(candidates)
        for candidate in candidates:
            predictions = self._predict(candidate.model)
            loss = float(predictions.loss.mean())
            if not math.isfinite(loss):
                raise ConfigError(
                    f"{self.run}: the training has diverged, the validation loss of epoch "
                    f"{progress.epoch + 1} is {loss}; set a lower optimizer.learning_rate, or "
                    "training.clip, and begin anew"
                )
            threshold = choose_threshold(predictions)
            metrics = headline(predictions, threshold)
            line[candidate.name] = {"loss": loss, **metrics}
            score = metrics.get(self.config.training.select)
            if score is not None and (progress.best is None or score > progress.best):
                progress.best, progress.best_epoch, improved = score, progress.epoch, True
                self._keep(candidate.bare, predictions, threshold)
            elif progress.best is None:  # undefined on this split: the latest weights are kept
                self._keep(candidate.bare, predictions, threshold)
        progress.stale = 0 if improved else progress.stale + 1
        line["timing"]["validation_seconds"] = time.perf_counter() - begun
        self._record(line, progress)
        tracking = self.config.tracking
        if tracking.images and tracking.trackers:
            self._draw(self._forward(candidates[0].model), progress.update)

    def _share_statistics(self, candidates: Sequence[Candidate]) -> None:
        """Give all processes the first's statistics of batches, which are those that are kept.

        DDP does so before each step, but neither after the last one nor for an average; FSDP never.
        """
        for candidate in candidates:
            for buffer in candidate.bare.buffers():
                torch.distributed.broadcast(buffer, 0)

    def _forward(self, model: nn.Module) -> Forward:
        model.eval()
        return lambda batch: model(self.inputs(batch))

    def _predict(self, model: nn.Module) -> Predictions:
        return predict(
            self._forward(model),
            self.samples,
            self.accelerator,
            self.config.training.batch_size,
            self.config.data.workers,
            self.loss,
        )

    def _keep(self, bare: nn.Module, predictions: Predictions, threshold: float) -> None:
        state = self.keeper.states()[0] if is_sharded(self.accelerator) else bare.state_dict()
        if not self.accelerator.is_main_process:
            return
        temperature = choose_temperature(predictions)
        facts = dataclasses.replace(
            facts_of(self.config, self.data, self.library),
            threshold=to_probability(threshold, temperature),
            temperature=temperature,
        )
        checkpoints.write_weights(state, self.run / checkpoints.BEST)
        checkpoints.write_json(facts.to_dict(), self.run / "model.json")

    def _record(self, line: dict[str, Any], progress: Progress) -> None:
        if self.accelerator.is_main_process:
            append_history(self.run, line)
            scores = " ".join(
                f"{key} {value:.3f}"
                for key, value in line["validation"].items()
                if key in ("loss", "f1", "auroc", "iou") and value is not None
            )
            kept = " *" if progress.stale == 0 else ""
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
        self.accelerator.log(values, step=progress.update)

    def _draw(self, forward: Forward, update: int) -> None:
        figure = examples_figure(
            forward, self.samples, self.accelerator.device, self.config.tracking.images
        )
        if self.accelerator.is_main_process:
            log_images(self.accelerator, {"predictions": to_image(figure)}, update)


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
        split=data.scheme,
        dataset=data.name,
        correct_stratified=data.correct_stratified,
    )
