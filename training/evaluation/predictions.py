"""A model's predictions on a split, gathered from all processes as numbers for each sample.

Of whole images the logits are kept; of pixels a histogram of margins and a confusion matrix for
each sample, and where they have several classes, the logits of a few: everything that is reported
follows from these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from dataset_script.channels import COHERENCE, PHASE
from training.data.loader import Batch, Loader
from training.data.samples import Samples
from training.data.sampling import share_out
from training.data.tasks import IGNORED, Task
from training.evaluation.metrics import histogram_levels
from training.evaluation.scenes import scene_peak

BINS, SPAN = 1024, 16.0
"""Bins of the margin histogram, and the log-odds beyond which all margins count as equal."""

DRAWN = 256
"""Pixels of each mask, drawn at random, whose logits are kept for the calibration."""

Forward = Callable[[Batch], Tensor]


@dataclass(frozen=True)
class Predictions:
    """A split's predictions; index 0 runs over samples.

    Attributes:
        task: The task.
        temperature: Divisor of the logits at which the margins of several classes are pooled.
        loss: float64 `[N]`, NaN where no loss was asked for.
        logits: float32 `[N, answers, K]` of whole images, `[N, answers * DRAWN, K]` of the drawn
            pixels of a segmentation into several classes, else None.
        targets: int64 `[N, answers]` or float32 `[N, answers, K]` of whole images, int64
            `[N, answers * DRAWN]` of the drawn pixels, else None.
        histogram: int64 `[N, 2, BINS]` pixels by truth (negative, positive) and margin bin
            (ascending) of a segmentation, else None.
        confusion: int64 `[N, K, K]` pixels by true and predicted class of a segmentation, else
            None.
        peak: Probability of each scene of a segmentation at the temperature, float64 `[N]`; see
            `scene_peak`. None where the temperature is not known yet.
    """

    task: Task
    loss: np.ndarray
    logits: np.ndarray | None = None
    targets: np.ndarray | None = None
    histogram: np.ndarray | None = None
    confusion: np.ndarray | None = None
    peak: np.ndarray | None = None
    temperature: float = 1.0

    def select(self, chosen: np.ndarray) -> Predictions:
        """The predictions of some samples, by their numbers, in the order given."""
        arrays = {
            name: value[chosen]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return dataclasses.replace(self, **arrays)


def predict(
    forward: Forward,
    samples: Samples,
    accelerator: Accelerator,
    batch_size: int,
    workers: int,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
    temperature: float | None = None,
) -> Predictions:
    """Run a model over a split, each sample once whatever the number of processes.

    Args:
        forward: From a batch to logits `[B, answers * K, ...]`.
        samples: The split.
        accelerator: Device and processes.
        batch_size: Samples a step on each process.
        workers: Reading threads.
        loss: From logits and target to the loss of each sample.
        progress: Wraps the iteration over batches.
        temperature: See `Predictions`; None where it is not known yet.

    Returns:
        The predictions, the same on every process.
    """
    order = np.arange(len(samples))
    plan = share_out(order, batch_size, accelerator.process_index, accelerator.num_processes)
    results = _SampleResults(samples.task, len(samples), accelerator.device, temperature)
    loader = Loader(samples, accelerator.device, workers, overwrite=True)
    with torch.no_grad():
        for batch in progress(loader.batches(plan)):
            valid = _with_data(batch.rasters)  # `forward` may write over the rasters
            logits = forward(batch).float()
            found = None if loss is None else loss(logits, batch.target)
            results.add(batch, logits, found, valid)
    return results.gather(accelerator)


def _with_data(rasters: Mapping[str, Tensor]) -> Tensor | None:
    """Which pixels have data at any step, bool `[B, H, W]`; None, all of them, without a phase."""
    phase, coherence = (rasters.get(name) for name in (PHASE, COHERENCE))
    if phase is None:
        return None
    given = phase != 0 if coherence is None else (phase != 0) | (coherence != 0)
    return given.any(1)


class _SampleResults:
    """Results on the device: every process fills the rows of its samples, then they are summed."""

    def __init__(
        self, task: Task, count: int, device: torch.device, temperature: float | None
    ) -> None:
        self.task, self.temperature, classes = task, temperature or 1.0, len(task.classes)
        self.values: dict[str, Tensor] = {"loss": torch.zeros(count, dtype=torch.float64)}
        if task.objective == "classification":
            self.values["logits"] = torch.zeros(count, task.answers, classes)
            shape = (count, task.answers, classes) if task.multilabel else (count, task.answers)
            dtype = torch.float32 if task.multilabel else torch.int64
            self.values["targets"] = torch.zeros(shape, dtype=dtype)
        else:
            self.values["histogram"] = torch.zeros(count, 2, BINS, dtype=torch.int32)
            self.values["confusion"] = torch.zeros(count, classes, classes, dtype=torch.int32)
            if temperature is not None:
                self.values["peak"] = torch.zeros(count, dtype=torch.float64)
            if task.name != "binary":
                pixels = task.answers * DRAWN
                self.values["logits"] = torch.zeros(count, pixels, classes)
                self.values["targets"] = torch.zeros(count, pixels, dtype=torch.int64)
        self.values = {name: value.to(device) for name, value in self.values.items()}
        self.has_loss = False

    def add(self, batch: Batch, logits: Tensor, loss: Tensor | None, valid: Tensor | None) -> None:
        share = batch.share
        real = np.flatnonzero(share.real)
        if not len(real):
            return
        rows = torch.from_numpy(share.indices[real]).to(logits.device, non_blocking=True)
        here = torch.from_numpy(real).to(logits.device, non_blocking=True)
        split = self.task.split_answers(logits)
        found: dict[str, Tensor] = {}
        if loss is not None:
            self.has_loss = True
            found["loss"] = loss.double()
        if self.task.objective == "classification":
            shape = (len(logits), self.task.answers, -1)
            found["logits"] = split.reshape(shape)
            target = batch.target
            found["targets"] = target.reshape(shape if self.task.multilabel else shape[:2])
        else:
            margin = self.task.margin(split, self.temperature)
            found["histogram"] = margin_histogram(margin, batch.target, len(logits), BINS, SPAN)
            if "peak" in self.values:
                chance = (margin / self.temperature).sigmoid()
                found["peak"] = _peaks(chance.reshape(len(logits), -1, *chance.shape[1:]), valid)
            found["confusion"] = _confusion(split, batch.target, len(logits))
            if self.task.name != "binary":
                found["logits"], found["targets"] = _draw_pixels(split, batch.target, share.indices)
        for name, value in found.items():
            self.values[name][rows] = value[here].to(self.values[name].dtype)

    def gather(self, accelerator: Accelerator) -> Predictions:
        values: dict[str, Any] = {}
        for name, value in self.values.items():
            total = accelerator.reduce(value, "sum") if accelerator.num_processes > 1 else value
            array = total.cpu().numpy()
            values[name] = array.astype("int64") if array.dtype == np.int32 else array
        if not self.has_loss:
            values["loss"][:] = np.nan
        return Predictions(self.task, temperature=self.temperature, **values)


def _peaks(probability: Tensor, valid: Tensor | None) -> Tensor:
    """`scene_peak` of each sample of `[B, answers, H, W]`: a pixel's largest answer counts."""
    chance = probability.amax(1)
    given = torch.ones_like(chance, dtype=torch.bool) if valid is None else valid
    pairs = zip(chance.cpu().numpy(), given.cpu().numpy(), strict=True)
    peaks = [scene_peak(*pair)[2] for pair in pairs]
    return torch.tensor(peaks, dtype=torch.float64, device=probability.device)


def _draw_pixels(logits: Tensor, target: Tensor, samples: np.ndarray) -> tuple[Tensor, Tensor]:
    """Logits and targets of random pixels; which ones follows from the sample's number alone.

    Args:
        logits: `[B * answers, K, H, W]`.
        target: int64 `[B * answers, H, W]`.
        samples: Number of each sample `[B]`.

    Returns:
        `[B, answers * DRAWN, K]` and int64 `[B, answers * DRAWN]`.
    """
    count, answers, pixels = len(samples), len(logits) // len(samples), target[0].numel()
    draws = [
        np.random.default_rng(int(sample)).integers(pixels, size=(answers, DRAWN))
        for sample in samples
    ]
    places = torch.from_numpy(np.concatenate(draws)).to(logits.device)
    chosen = places[:, None].expand(-1, logits.shape[1], -1)
    drawn = logits.flatten(2).gather(2, chosen).movedim(1, 2)
    return (
        drawn.reshape(count, answers * DRAWN, -1),
        target.flatten(1).gather(1, places).reshape(count, -1),
    )


def margin_histogram(
    margin: Tensor, target: Tensor, samples: int, bins: int, span: float
) -> Tensor:
    """Count pixels by sample, truth and score.

    Args:
        margin: `[samples * answers, H, W]` scores.
        target: int64 of the same shape, class codes; 0 is negative, `IGNORED` is not counted.
        samples: Number of samples B.
        bins: Number of equal bins of [-span, span]; what lies beyond falls into the outer ones.
        span: See `bins`.

    Returns:
        int32 `[B, 2, bins]`, ascending.
    """
    # Scaled before it is moved: a margin just below a bin's edge would be rounded onto it.
    place = (margin * (bins / (2 * span))).floor() + bins / 2
    place = place.clamp(0, bins - 1).nan_to_num().long()
    place = place + bins * (target > 0)
    return _count(place, target != IGNORED, samples, 2 * bins).reshape(samples, 2, bins)


def _confusion(logits: Tensor, target: Tensor, samples: int) -> Tensor:
    classes = logits.shape[1]
    counted = target != IGNORED
    place = target.masked_fill(~counted, 0) * classes + logits.argmax(1)
    return _count(place, counted, samples, classes**2).reshape(samples, classes, classes)


def _count(place: Tensor, counted: Tensor, samples: int, size: int) -> Tensor:
    place, counted = place.reshape(samples, -1), counted.reshape(samples, -1)
    counts = torch.zeros(samples, size, dtype=torch.int32, device=place.device)
    return counts.scatter_add_(1, place, counted.int())


def margin_levels() -> np.ndarray:
    """Centres of the margin bins, in descending order."""
    return histogram_levels(BINS, SPAN)
