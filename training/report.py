"""From predictions to the numbers that are reported: metrics, tables, intervals, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy.special import expit, logit, softmax

from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS
from training.calibration import (
    calibrated,
    calibration_error,
    fit_temperature,
    fit_temperature_counts,
    reliability,
)
from training.data import Samples
from training.metrics import (
    at_threshold,
    auroc,
    average_precision,
    best_threshold,
    bootstrap,
    count_levels,
    scores_of,
)
from training.predictions import Predictions, margin_levels
from training.tasks import IGNORED

KEYS = ("precision", "recall", "f1", "auroc", "average_precision", "iou")


class Detection:
    """One yes-or-no question over a split, as weighted counts by score.

    Args:
        predictions: The predictions.
        column: Class that is asked for; None asks for deformation as such (any class but the
            negative one, by its margin).
    """

    def __init__(self, predictions: Predictions, column: int | None = None) -> None:
        self.pixels = predictions.histogram
        if self.pixels is not None:
            return
        assert predictions.logits is not None and predictions.targets is not None
        self.scores, self.truth, counted = _image_scores(predictions, column)
        answers = predictions.logits.shape[1]
        self.owner = np.repeat(np.arange(len(predictions.logits)), answers)[counted]
        self.scores, self.truth = self.scores[counted], self.truth[counted]

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Levels `[L]`, positives and negatives `[..., L]` under sample weights `[..., N]`."""
        if self.pixels is not None:
            flat = self.pixels[:, :, ::-1].reshape(len(self.pixels), -1).astype(float)
            summed = (weights @ flat).reshape(*weights.shape[:-1], 2, -1)
            return margin_levels(), summed[..., 1, :], summed[..., 0, :]
        return count_levels(self.scores, self.truth, weights[..., self.owner])

    def metrics(self, weights: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
        """The metrics under sample weights `[..., N]`, each `[...]`."""
        levels, positives, negatives = self.counts(weights)
        values = scores_of(**at_threshold(levels, positives, negatives, threshold))
        values["auroc"] = auroc(positives, negatives)
        values["average_precision"] = average_precision(positives, negatives)
        keep = KEYS if self.pixels is not None else KEYS[:-1]
        return {key: values[key] for key in keep}


def _image_scores(
    predictions: Predictions, column: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    logits, targets = predictions.logits, predictions.targets
    assert logits is not None and targets is not None
    flat = logits.reshape(-1, logits.shape[-1]).astype(float)
    if predictions.task.multilabel:
        hot = targets.reshape(flat.shape)
        truth = hot.any(1) if column is None else hot[:, column] > 0
        scores = flat.max(1) if column is None else flat[:, column]
        return scores, np.asarray(truth), np.ones(len(flat), bool)
    codes = targets.reshape(-1)
    one = list(range(1, flat.shape[1])) if column is None else [column]
    rest = [k for k in range(flat.shape[1]) if k not in one]
    scores = np.logaddexp.reduce(flat[:, one], 1) - np.logaddexp.reduce(flat[:, rest], 1)
    return scores, np.isin(codes, one), codes != IGNORED


def choose_threshold(predictions: Predictions) -> float:
    """The margin that maximises F1 on a split: validation, never test.

    The binary task has one; the classes of other tasks are told apart by their largest output,
    or, where they are independent, at even odds.
    """
    if predictions.task.name != "binary":
        return 0.0
    detection = Detection(predictions)
    return best_threshold(*detection.counts(np.ones(len(predictions.loss))))


def choose_temperature(predictions: Predictions) -> float:
    """The temperature that calibrates a split; of pixels only the binary task's is known."""
    ones = np.ones(len(predictions.loss))
    if predictions.histogram is not None:
        if predictions.task.name != "binary":
            return 1.0
        return fit_temperature_counts(*Detection(predictions).counts(ones))
    logits, targets, counted = _answers(predictions)
    return fit_temperature(logits[counted], targets[counted], predictions.task.multilabel)


def _answers(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, targets and whether they count, an entry an answer."""
    assert predictions.logits is not None and predictions.targets is not None
    logits = predictions.logits.reshape(-1, predictions.logits.shape[-1]).astype(float)
    if predictions.task.multilabel:
        return logits, predictions.targets.reshape(logits.shape), np.ones(len(logits), bool)
    targets = predictions.targets.reshape(-1)
    return logits, targets, targets != IGNORED


def headline(predictions: Predictions, threshold: float) -> dict[str, float | None]:
    """The metrics of a split: of deformation for the binary task, else means over the classes.

    Args:
        predictions: The predictions.
        threshold: Margin at and above which the binary task says deformation.
    """
    ones = np.ones(len(predictions.loss))
    if predictions.task.name == "binary":
        return _plain(Detection(predictions).metrics(ones, threshold))
    rows = list(per_class(predictions).values())
    detection = _plain(Detection(predictions).metrics(ones, 0.0))
    means = {
        key: float(np.mean(np.array(known, float)))
        for key in KEYS
        if (known := [row[key] for row in rows if row.get(key) is not None])
    }
    return means | {f"detection_{key}": value for key, value in detection.items()}


def per_class(
    predictions: Predictions, threshold: float = 0.0
) -> dict[str, dict[str, float | None]]:
    """Metrics of each class against all others.

    Args:
        predictions: The predictions.
        threshold: Margin at and above which the binary task says deformation. Other tasks take
            the largest output, or even odds where classes are independent.

    Returns:
        Metrics by class that occurs, with its `support` in images or pixels; without the class
        that stands for nothing ("None" among the intensities, no activity among pixels).
    """
    task = predictions.task
    ones = np.ones(len(predictions.loss))
    if task.name == "binary":
        return _binary_classes(predictions, threshold)
    table = {}
    first = 0 if task.multilabel or task.name == "phase" else 1
    for column in range(first, len(task.classes)):
        if predictions.confusion is not None:
            matrix = predictions.confusion.sum(0).astype(float)
            tp = matrix[column, column]
            fp, fn = matrix[:, column].sum() - tp, matrix[column].sum() - tp
            values = scores_of(tp, fp, fn, matrix.sum() - tp - fp - fn)
            support = matrix[column].sum()
        else:
            values, support = _image_class(predictions, column, ones)
        if support:
            row = _plain({key: values[key] for key in KEYS if key in values})
            table[task.classes[column]] = row | {"support": int(support)}
    return table


def _binary_classes(
    predictions: Predictions, threshold: float
) -> dict[str, dict[str, float | None]]:
    levels, positives, negatives = Detection(predictions).counts(np.ones(len(predictions.loss)))
    counts = at_threshold(levels, positives, negatives, threshold)
    mirrored = {"tp": counts["tn"], "fp": counts["fn"], "fn": counts["fp"], "tn": counts["tp"]}
    table = {}
    for name, kind in zip(predictions.task.classes, (mirrored, counts), strict=True):
        row = _plain(scores_of(**kind))
        table[name] = row | {"support": int(kind["tp"] + kind["fn"])}
    return table


def _image_class(
    predictions: Predictions, column: int, ones: np.ndarray
) -> tuple[dict[str, Any], float]:
    logits, targets, counted = _answers(predictions)
    logits, targets = logits[counted], targets[counted]
    values = Detection(predictions, column).metrics(ones, 0.0)
    if predictions.task.multilabel:
        return values, targets[:, column].sum()
    called, truth = logits.argmax(1) == column, targets == column
    tp = (called & truth).sum()
    tn = (~called & ~truth).sum()
    values |= scores_of(tp, called.sum() - tp, truth.sum() - tp, tn)
    return values, truth.sum()


def tables(
    predictions: Predictions, samples: Samples, threshold: float
) -> dict[str, dict[str, Any]]:
    """The detection metrics of each frame, volcano, activity type and intensity.

    A frame with several volcanoes counts for them together. A type's or an intensity's table
    sets the samples that show it against all negatives.
    """
    facts = [samples.facts(i) for i in range(len(samples))]
    labels = [samples.labels(i) for i in range(len(samples))]
    negative = ~samples.positive
    frames = {
        fact.frame_id: np.array([f.frame_id == fact.frame_id for f in facts]) for fact in facts
    }

    volcanoes = {
        ", ".join(names): np.array([fact.volcanoes == names for fact in facts])
        for names in (fact.volcanoes for fact in facts)
        if names
    }

    def shows(codes: Iterable[Iterable[int]], code: int) -> bool:
        return any(code in step for step in codes)

    types = {
        name: np.array([shows(steps.activity_types, code) for steps in labels], bool)
        for code, name in enumerate(ACTIVITY_TYPES)
    }
    levels = {
        name: np.array([shows(steps.intensity_levels, code) for steps in labels], bool)
        for code, name in enumerate(INTENSITY_LEVELS)
        if code
    }
    return {
        "per_frame": _table(predictions, frames, threshold),
        "per_volcano": _table(predictions, volcanoes, threshold),
        "per_activity_type": _table(predictions, types, threshold, negative),
        "per_intensity": _table(predictions, levels, threshold, negative),
    }


def _table(
    predictions: Predictions,
    members: Mapping[str, np.ndarray],
    threshold: float,
    others: np.ndarray | None = None,
) -> dict[str, Any]:
    detection = Detection(predictions)
    table = {}
    for name in sorted(members):
        held = members[name]
        if held.any():
            weights = (held if others is None else held | others).astype(float)
            row = _plain(detection.metrics(weights, threshold))
            table[name] = row | {"samples": int(held.sum())}
    return table


def confidence_intervals(
    predictions: Predictions, samples: Samples, threshold: float, seed: int
) -> dict[str, list[float]]:
    """95 % intervals of the detection metrics by bootstrap over groups (frame and primary)."""
    names = [samples.facts(i).group for i in range(len(samples))]
    groups = np.unique(names, return_inverse=True)[1]
    detection = Detection(predictions)
    return bootstrap(lambda weights: detection.metrics(weights, threshold), groups, seed)


def calibration(predictions: Predictions, temperature: float) -> dict[str, Any]:
    """Calibration errors before and after temperature scaling, and the reliability curve.

    Binary tasks are judged by the probability of deformation, exclusive classes by that of the
    largest, independent ones by all. Of pixels only the binary task's are known.
    """
    if predictions.histogram is not None and predictions.task.name != "binary":
        return {}
    before = _probabilities(predictions, 1.0)
    after = _probabilities(predictions, temperature)
    curve = reliability(*after)
    return {
        "ece_before": calibration_error(*before),
        "ece_after": calibration_error(*after),
        "curve": {
            name: [None if math.isnan(value) else float(value) for value in values]
            for name, values in zip(("probability", "frequency", "weight"), curve, strict=True)
        },
    }


def _probabilities(
    predictions: Predictions, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if predictions.task.name == "binary":
        levels, positives, negatives = Detection(predictions).counts(np.ones(len(predictions.loss)))
        weights = positives + negatives
        outcomes = positives / np.where(weights > 0, weights, 1)
        return expit(levels / temperature), outcomes, weights
    logits, targets, counted = _answers(predictions)
    logits, targets = logits[counted] / temperature, targets[counted]
    if predictions.task.multilabel:
        return expit(logits).ravel(), targets.ravel(), np.ones(targets.size)
    right = logits.argmax(1) == targets
    return softmax(logits, 1).max(1), right.astype(float), np.ones(len(targets))


def to_probability(threshold: float, temperature: float) -> float:
    """A margin as the calibrated probability that model facts and users speak of."""
    return calibrated(threshold, temperature)


def to_margin(probability: float, temperature: float) -> float:
    """The margin whose calibrated probability this is."""
    return float(logit(probability) * temperature)


def _plain(values: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers for JSON: NaN, an undefined metric, becomes null."""
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
