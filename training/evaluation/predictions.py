"""What a model says about a split, gathered from all processes as numbers a sample.

Of whole images the logits are kept, of pixels a histogram of margins and a confusion matrix for
each sample, and where they have several classes, how sure they are (`training.certainty`): from
these everything that is reported follows, and no pixel travels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from training.data.loader import Batch, Loader
from training.data.sampling import share_out
from training.data.sources import Samples
from training.data.tasks import IGNORED, Task
from training.evaluation.calibration import CERTAINTY_BINS, TEMPERATURES
from training.evaluation.certainty import certainties, likelihoods
from training.evaluation.metrics import histogram_levels

BINS, SPAN = 1024, 16.0
"""Bins of the margin histogram, and the log-odds beyond which margins are not told apart."""

Forward = Callable[[Batch], Tensor]


@dataclass(frozen=True)
class Predictions:
    """A split's predictions; index 0 runs over samples.

    Attributes:
        task: The task.
        loss: float64 `[N]`, NaN where no loss was asked for.
        logits: float32 `[N, answers, K]` of whole images, else None.
        targets: int64 `[N, answers]` or float32 `[N, answers, K]` of whole images, else None.
        histogram: int64 `[N, 2, BINS]` pixels by truth (negative, positive) and margin bin
            (ascending) of a segmentation, else None.
        confusion: int64 `[N, K, K]` pixels by true and predicted class of a segmentation, else
            None.
        likelihoods: float64 `[N, temperatures]` of a segmentation into several classes, else None.
        certainties: float64 `[N, 2, 3, bins]` of a segmentation into several classes, before and
            after scaling by the temperature that was asked for, else None.
    """

    task: Task
    loss: np.ndarray
    logits: np.ndarray | None = None
    targets: np.ndarray | None = None
    histogram: np.ndarray | None = None
    confusion: np.ndarray | None = None
    likelihoods: np.ndarray | None = None
    certainties: np.ndarray | None = None


def predict(
    forward: Forward,
    samples: Samples,
    accelerator: Accelerator,
    batch_size: int,
    workers: int,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
    temperature: float = 1.0,
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
        temperature: Divisor of the logits whose effect on pixels of several classes is measured;
            the predictions themselves are not scaled.

    Returns:
        The predictions, the same on every process.
    """
    order = np.arange(len(samples))
    plan = share_out(order, batch_size, accelerator.process_index, accelerator.num_processes)
    kept = _Kept(samples.task, len(samples), accelerator.device, temperature)
    loader = Loader(samples, accelerator.device, workers)
    with torch.no_grad():
        for batch in progress(loader.batches(plan)):
            logits = forward(batch).float()
            kept.add(batch, logits, None if loss is None else loss(logits, batch.target))
    return kept.gather(accelerator)


class _Kept:
    """Per-sample results on the device: every process fills its own rows, then they are summed."""

    def __init__(self, task: Task, count: int, device: torch.device, temperature: float) -> None:
        self.task, self.temperature, classes = task, temperature, len(task.classes)
        self.values: dict[str, Tensor] = {"loss": torch.zeros(count, dtype=torch.float64)}
        if task.objective == "classification":
            self.values["logits"] = torch.zeros(count, task.answers, classes)
            shape = (count, task.answers, classes) if task.multilabel else (count, task.answers)
            dtype = torch.float32 if task.multilabel else torch.int64
            self.values["targets"] = torch.zeros(shape, dtype=dtype)
        else:
            self.values["histogram"] = torch.zeros(count, 2, BINS, dtype=torch.int32)
            self.values["confusion"] = torch.zeros(count, classes, classes, dtype=torch.int32)
            if task.name != "binary":
                sizes = {"likelihoods": (len(TEMPERATURES),), "certainties": (2, 3, CERTAINTY_BINS)}
                for name, size in sizes.items():
                    self.values[name] = torch.zeros(count, *size, dtype=torch.float64)
        self.values = {name: value.to(device) for name, value in self.values.items()}
        self.has_loss = False

    def add(self, batch: Batch, logits: Tensor, loss: Tensor | None) -> None:
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
            found["histogram"] = margin_histogram(
                self.task.margin(split), batch.target, len(logits), BINS, SPAN
            )
            found["confusion"] = _confusion(split, batch.target, len(logits))
            if self.task.name != "binary":
                found["likelihoods"] = likelihoods(split, batch.target, len(logits))
                found["certainties"] = torch.stack(
                    [
                        certainties(split / temperature, batch.target, len(logits))
                        for temperature in (1.0, self.temperature)
                    ],
                    1,
                )
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
        return Predictions(self.task, **values)


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
    place = ((margin + span) * (bins / (2 * span))).floor().clamp(0, bins - 1).nan_to_num().long()
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
