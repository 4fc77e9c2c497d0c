"""From predictions to the numbers that are reported: metrics, tables and intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dataset_script.labels import ACTIVITY_TYPES, CONFOUNDERS, INTENSITY_LEVELS
from training.data.samples import Samples
from training.evaluation.detection import KEYS, Detection, flat_answers
from training.evaluation.metrics import at_threshold, bootstrap, scores_of
from training.evaluation.predictions import Predictions


def overall_metrics(predictions: Predictions, threshold: float) -> dict[str, float | None]:
    """The metrics of a split: of deformation for the binary task, else means over the classes.

    Args:
        predictions: The predictions.
        threshold: Margin at and above which deformation is predicted.

    Returns:
        Values of `KEYS`, None where undefined; of other tasks also those of deformation as such,
        under names that begin with "detection_".
    """
    ones = np.ones(len(predictions.loss))
    if predictions.task.name == "binary":
        return _plain(Detection(predictions).metrics(ones, threshold))
    rows = list(per_class(predictions).values())
    detection = _plain(Detection(predictions).metrics(ones, threshold))
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
        threshold: Margin at and above which the binary task predicts deformation. Other tasks take
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
    logits, targets, counted = flat_answers(predictions)
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
    """The detection metrics of each frame, volcano, activity type, intensity and confounder.

    A frame with several volcanoes counts for them together. A type's or an intensity's table
    sets the samples that show it against all negatives. A confounder's table takes the samples
    that show it in one strength, by name and strength: "atmospheric_fringes 3".

    Args:
        predictions: The predictions.
        samples: The split that they are of.
        threshold: Margin at and above which a sample is predicted to deform.

    Returns:
        `per_frame`, `per_volcano`, `per_activity_type`, `per_intensity` and `per_confounder`:
        metrics by name, with the number of `samples`.
    """
    facts = [samples.metadata(i) for i in range(len(samples))]
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
    shown = [samples.confounders(i) for i in range(len(samples))]
    confounders = {
        f"{name} {strength}": np.array([strengths[name] == strength for strengths in shown])
        for name in CONFOUNDERS
        for strength in {strengths[name] for strengths in shown}
    }
    return {
        "per_frame": _table(predictions, frames, threshold),
        "per_volcano": _table(predictions, volcanoes, threshold),
        "per_activity_type": _table(predictions, types, threshold, negative),
        "per_intensity": _table(predictions, levels, threshold, negative),
        "per_confounder": _table(predictions, confounders, threshold),
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
    """95 % intervals of the detection metrics by bootstrap over groups (frame and primary).

    Args:
        predictions: The predictions.
        samples: The split that they are of.
        threshold: Margin at and above which a sample is predicted to deform.
        seed: Seed of the resampling.

    Returns:
        Lower and upper end by metric.
    """
    names = [samples.metadata(i).group for i in range(len(samples))]
    groups = np.unique(names, return_inverse=True)[1]
    detection = Detection(predictions)
    return bootstrap(lambda weights: detection.metrics(weights, threshold), groups, seed)


def _plain(values: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers for JSON: NaN, an undefined metric, becomes null."""
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
