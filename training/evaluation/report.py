"""From predictions to the numbers that are reported: metrics, tables and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS
from training.data.samples import Samples
from training.evaluation.detection import KEYS, Detection, flat_answers
from training.evaluation.metrics import at_threshold, auroc, average_precision, bootstrap, scores_of
from training.evaluation.predictions import Predictions

TABLES = ("per_frame", "per_volcano", "per_activity_type", "per_intensity", "per_confounder")
"""What the samples are gathered by, a table each."""


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
    ones = np.ones(len(predictions.loss))
    table = {}
    for name, counts in class_counts(predictions, threshold).items():
        values = scores_of(**counts)
        if predictions.task.name == "binary":
            _, *kinds = Detection(predictions).counts(ones)
            if name == predictions.task.classes[0]:
                kinds = [kind[::-1] for kind in kinds[::-1]]
            values |= {"auroc": auroc(*kinds), "average_precision": average_precision(*kinds)}
        else:
            values = {key: value for key, value in values.items() if key in KEYS}
            if predictions.confusion is None:
                column = predictions.task.classes.index(name)
                ranks = Detection(predictions, column).metrics(ones, 0.0)
                values |= {key: ranks[key] for key in ("auroc", "average_precision")}
        table[name] = _plain(values) | {"support": int(counts["tp"] + counts["fn"])}
    return table


def averages(predictions: Predictions, threshold: float) -> dict[str, dict[str, float | None]]:
    """Averages over the classes of `per_class`, each class against all others.

    Args:
        predictions: The predictions.
        threshold: See `per_class`.

    Returns:
        `macro`, the mean over the classes of each metric that they have; and `micro`, the metrics
        of their counts added up.
    """
    rows = per_class(predictions, threshold).values()
    counts = list(class_counts(predictions, threshold).values())
    summed = {kind: sum(each[kind] for each in counts) for kind in ("tp", "fp", "fn", "tn")}
    micro = scores_of(**{kind: np.asarray(number) for kind, number in summed.items()})
    known = {key: [row[key] for row in rows if row.get(key) is not None] for key in KEYS}
    return {
        "macro": {key: float(np.mean(np.array(v, float))) for key, v in known.items() if v},
        "micro": _plain({key: micro[key] for key in KEYS if key in micro}),
    }


def class_counts(predictions: Predictions, threshold: float = 0.0) -> dict[str, dict[str, Any]]:
    """Confusion counts of each class that occurs, against all others; see `per_class`.

    Args:
        predictions: The predictions.
        threshold: See `per_class`.

    Returns:
        `tp`, `fp`, `fn` and `tn` by class.
    """
    task, ones = predictions.task, np.ones(len(predictions.loss))
    if task.name == "binary":
        counts = at_threshold(*Detection(predictions).counts(ones), threshold)
        mirror = {"tp": "tn", "fp": "fn", "fn": "fp", "tn": "tp"}
        mirrored = {kind: counts[other] for kind, other in mirror.items()}
        return dict(zip(task.classes, (mirrored, counts), strict=True))
    first = 0 if task.multilabel or task.name == "phase" else 1
    table = {}
    for column in range(first, len(task.classes)):
        if task.multilabel and predictions.confusion is None:
            counts = at_threshold(*Detection(predictions, column).counts(ones), 0.0)
        else:
            matrix = _confusion(predictions)
            tp = matrix[column, column]
            fp, fn = matrix[:, column].sum() - tp, matrix[column].sum() - tp
            counts = {"tp": tp, "fp": fp, "fn": fn, "tn": matrix.sum() - tp - fp - fn}
        if counts["tp"] + counts["fn"]:
            table[task.classes[column]] = counts
    return table


def _confusion(predictions: Predictions) -> np.ndarray:
    """True classes by predicted ones, of exclusive classes."""
    if predictions.confusion is not None:
        return predictions.confusion.sum(0).astype(float)
    logits, targets, counted = flat_answers(predictions)
    matrix = np.zeros((logits.shape[1],) * 2)
    np.add.at(matrix, (targets[counted], logits[counted].argmax(1)), 1)
    return matrix


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
    members: dict[str, dict[str, list[int]]] = {name: {} for name in TABLES}

    def enter(table: str, name: str, sample: int) -> None:
        members[table].setdefault(name, []).append(sample)

    # Once over the samples, each told to the rows that it belongs to: no fact meets all others.
    for sample in range(len(samples)):
        facts, steps = samples.metadata(sample), samples.labels(sample)
        enter("per_frame", facts.frame_id, sample)
        if facts.volcanoes:
            enter("per_volcano", ", ".join(facts.volcanoes), sample)
        for code in {code for codes in steps.activity_types for code in codes}:
            enter("per_activity_type", ACTIVITY_TYPES[code], sample)
        for code in {code for codes in steps.intensity_levels for code in codes} - {0}:
            enter("per_intensity", INTENSITY_LEVELS[code], sample)
        for name, strength in samples.confounders(sample).items():
            enter("per_confounder", f"{name} {strength}", sample)
    negatives = np.flatnonzero(~samples.positive)
    against = {"per_activity_type": negatives, "per_intensity": negatives}
    return {
        name: _table(predictions, rows, threshold, against.get(name))
        for name, rows in members.items()
    }


def _table(
    predictions: Predictions,
    members: Mapping[str, list[int]],
    threshold: float,
    others: np.ndarray | None,
) -> dict[str, Any]:
    table = {}
    for name in sorted(members):
        held = np.array(members[name])
        chosen = held if others is None else np.union1d(held, others)
        detection = Detection(predictions.select(chosen))
        row = _plain(detection.metrics(np.ones(len(chosen)), threshold))
        table[name] = row | {"samples": len(held)}
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
