"""Trivial rules that a trained model must beat, measured as the model is.

`majority` always predicts the commonest class of the training split, `all_positive` always
predicts deformation, and `phase_gradient` predicts it where the mean absolute phase gradient lies
on the better side of a threshold, side and threshold chosen on the training split. They depend on
the data and the task alone, so what they score is kept beside the cache of `datasets` for the next
model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor

from dataset_script.channels import PHASE
from dataset_script.errors import DataError
from dataset_script.safe_files import write_json
from training.config.schema import AugmentationConfig, Config
from training.data.loader import Batch
from training.data.samples import Samples
from training.data.sources import open_data
from training.data.tasks import IGNORED, Task
from training.evaluation.operating_point import choose_threshold
from training.evaluation.predictions import SPAN, Forward, Predictions, predict
from training.evaluation.report import overall_metrics
from training.inputs.augmentation import wrap

_WINDOW = 9  # pixels over which a pixel's gradient is averaged, as a single one is mostly noise

_VERSION = 1  # of the rules: what another version measured is measured again


class Baselines:
    """The trivial rules of an experiment's data, measured once for all models.

    Args:
        config: The experiment.
        split: Split to measure them on.

    Raises:
        DataError: If the data has no training split or no phase.
    """

    def __init__(self, config: Config, split: str) -> None:
        data = dataclasses.replace(config.data, channels=[PHASE])
        plain = dataclasses.replace(config, data=data, augmentation=AugmentationConfig())
        try:
            opened = open_data(plain, ("train", split))
        except DataError as error:
            raise DataError(
                f"{error}; the trivial rules are set on the training split's phases: "
                "--trivial_rules false leaves them out"
            ) from None
        self.train, self.test = opened.splits["train"], opened.splits[split]
        self.batch_size, self.workers = config.training.batch_size, config.data.workers

    @property
    def file(self) -> Path:
        """Where their scores are kept: a name for each task and state of the data."""
        about = [_VERSION, dataclasses.asdict(self.train.task)]
        for samples in (self.train, self.test):
            lengths = {len(known.confidence) for known in samples.rows.metadata}
            drawn = lengths != {samples.task.timeseries_length}
            about += [samples.rows.fingerprint, samples.seed if drawn else None]
        name = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24]
        folder = Path(datasets.config.HF_DATASETS_CACHE) / "hephaestus-baselines"
        return folder / f"{name}.json"

    def measure(self, accelerator: Accelerator) -> dict[str, Any]:
        """Scores of each rule, of `measure_baselines`; those kept from before, if there are any."""
        kept = [_read(self.file)]
        if accelerator.num_processes > 1:  # all must go the same way
            broadcast_object_list(kept)
        if kept[0] is not None:
            return kept[0]
        found = measure_baselines(self.train, self.test, accelerator, self.batch_size, self.workers)
        if accelerator.is_main_process:
            write_json(self.file, found)
        return found


def _read(file: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        return None  # none, or one that was damaged: measured again
    return record if isinstance(record, dict) else None


def phase_gradient(phase: Tensor) -> Tensor:
    """Mean over the steps of the absolute gradient of wrapped phase.

    Args:
        phase: `[B, T, H, W]` in rad; exactly 0 where there is no data.

    Returns:
        `[B, H, W]` in rad a pixel; differences across the edge of the data count as 0.
    """
    total = torch.zeros_like(phase)
    for axis in (2, 3):
        ahead = phase.narrow(axis, 1, phase.shape[axis] - 1)
        here = phase.narrow(axis, 0, phase.shape[axis] - 1)
        step = wrap(ahead - here).abs() * ((ahead != 0) & (here != 0))
        total += F.pad(step, (0, 1, 0, 0) if axis == 3 else (0, 0, 0, 1))
    return total.mean(1)


def measure_baselines(
    train: Samples, test: Samples, accelerator: Accelerator, batch_size: int, workers: int
) -> dict[str, dict[str, float | None]]:
    """Test metrics of the trivial rules.

    Args:
        train: Training samples, by which the rules are set; their rows must hold the phase.
        test: Samples to measure them on.
        accelerator: Device and processes.
        batch_size: Samples a step.
        workers: Reading threads.

    Returns:
        Metrics by rule; the binary task alone has more than `majority`.
    """

    def run(samples: Samples, rule: Forward) -> Predictions:
        return predict(rule, samples, accelerator, batch_size, workers)

    binary = train.task.name == "binary"
    seen = run(train, _gradient_margin if binary else _Constant(train.task, [0]))
    majority = run(test, _Constant(train.task, _commonest(seen)))
    results = {"majority": overall_metrics(majority, 0.0)}
    if not binary:
        return results
    results["all_positive"] = overall_metrics(run(test, _Constant(train.task, [1])), 0.0)
    candidates = []
    for sign in (1, -1):
        threshold = choose_threshold(_signed(seen, sign))
        score = overall_metrics(_signed(seen, sign), threshold)["f1"] or 0.0
        candidates.append((score, sign, threshold))
    _, sign, threshold = max(candidates)
    gradients = _signed(run(test, _gradient_margin), sign)
    results["phase_gradient"] = overall_metrics(gradients, threshold)
    return results


class _Constant:
    """Predicts the same classes everywhere."""

    def __init__(self, task: Task, classes: list[int]) -> None:
        self.logits = torch.full((len(task.classes),), -1.0)
        self.logits[classes] = 1.0
        self.answers = task.answers

    def __call__(self, batch: Batch) -> Tensor:
        sides = batch.target.shape[1:] if batch.target.ndim == 3 else ()
        logits = self.logits.to(batch.target.device).repeat(self.answers)
        shape = (len(batch.share.indices), len(logits), *sides)
        return logits.reshape(1, -1, *[1] * len(sides)).expand(shape)


def _commonest(seen: Predictions) -> list[int]:
    """The commonest class of a split, or each that most samples hold where several may."""
    if seen.confusion is not None:
        return [int(seen.confusion.sum((0, 2)).argmax())]
    assert seen.targets is not None
    if seen.task.multilabel:
        return [int(k) for k in np.flatnonzero(seen.targets.mean((0, 1)) > 0.5)]
    counted = seen.targets[seen.targets != IGNORED]
    return [int(np.bincount(counted, minlength=1).argmax())]


def _signed(predictions: Predictions, sign: int) -> Predictions:
    """The same scores, or their opposites."""
    if sign == 1:
        return predictions
    if predictions.histogram is not None:
        return dataclasses.replace(predictions, histogram=predictions.histogram[:, :, ::-1])
    assert predictions.logits is not None
    return dataclasses.replace(predictions, logits=-predictions.logits)


def _gradient_margin(batch: Batch) -> Tensor:
    """The gradient as a margin: logits of two classes, a pixel or an image each."""
    gradient = phase_gradient(batch.rasters[PHASE])
    answers = len(batch.target) // len(gradient)
    if batch.target.ndim == 1:
        valid = (batch.rasters[PHASE] != 0).any(1).sum((1, 2)).clamp_min(1)
        margin = gradient.sum((1, 2)) / valid
    else:
        smooth = F.avg_pool2d(gradient[:, None], _WINDOW, 1, _WINDOW // 2)[:, 0]
        margin = (smooth - np.pi / 2) * (SPAN / (np.pi / 2))  # [0, pi] over all histogram bins
    margin = margin.repeat_interleave(answers, 0)
    pair = torch.stack([torch.zeros_like(margin), margin], 1)
    return pair.reshape(len(gradient), -1, *margin.shape[1:])
