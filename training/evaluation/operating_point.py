"""Decision threshold and temperature, chosen on validation, and the calibration of any split."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from training.data.tasks import IGNORED
from training.evaluation.calibration import (
    calibration_error,
    fit_temperature,
    fit_temperature_counts,
    image_margins,
    reliability,
    to_probability,
)
from training.evaluation.detection import Detection, flat_answers
from training.evaluation.metrics import auroc, best_threshold, count_levels
from training.evaluation.predictions import Predictions

FURTHEST = 12.0
"""Calibrated log-odds beyond which no threshold lies; single precision tells 1 - 6e-6 from 1."""


def choose_threshold(predictions: Predictions) -> float:
    """The margin that maximises F1 on a split: validation, never test.

    The binary task has one; other tasks take the largest output, or, where classes are
    independent, even odds.
    """
    if predictions.task.name != "binary":
        return 0.0
    detection = Detection(predictions)
    return best_threshold(*detection.counts(np.ones(len(predictions.loss))))


def choose_temperature(predictions: Predictions, threshold: float = 0.0) -> float:
    """The temperature that calibrates a split: validation, never test.

    Args:
        predictions: The predictions.
        threshold: The margin of `choose_threshold`. As a probability it stays away from 0 and 1,
            so that a margin on either side of it can still be told from it.
    """
    if predictions.logits is None:
        ones = np.ones(len(predictions.loss))
        temperature = fit_temperature_counts(*Detection(predictions).counts(ones))
    else:
        logits, targets, counted = flat_answers(predictions)
        multilabel = predictions.task.multilabel
        temperature = fit_temperature(logits[counted], targets[counted], multilabel)
    return max(temperature, abs(threshold) / FURTHEST)


def scene_scores(
    predictions: Predictions, temperature: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Each sample as a scene of its own: its probability, as the detector gives it, and its truth.

    Args:
        predictions: Of a segmentation, at this temperature.
        temperature: Divisor of the logits.

    Returns:
        Probability float64 `[N]` and whether the sample deforms, bool `[N]`; None where the
        probabilities were not asked for.
    """
    if predictions.histogram is not None:
        if predictions.peak is None:
            return None
        return predictions.peak, predictions.histogram[:, 1].sum(1) > 0
    assert predictions.targets is not None
    scores = to_probability(scene_margins(predictions, temperature), temperature)
    targets = predictions.targets.reshape(len(scores), -1)
    return scores, ((targets > 0) & (targets != IGNORED)).any(1)


def scene_margins(predictions: Predictions, temperature: float) -> np.ndarray:
    """Log-odds that a whole image deforms at any of its steps, float64 `[N]`, as the model has it.

    Args:
        predictions: Of a classification.
        temperature: Divisor of the logits that calibrates them.
    """
    assert predictions.logits is not None
    count, answers, classes = predictions.logits.shape
    flat = predictions.logits.reshape(-1, classes)
    margins = image_margins(flat, predictions.task.multilabel, temperature)
    return margins.reshape(count, answers).max(1)


def scene_auroc(predictions: Predictions, temperature: float) -> dict[str, float | None]:
    """How well scenes that deform are told from quiet ones by the probability of the scene.

    Args:
        predictions: See `scene_scores`.
        temperature: Divisor of the logits.

    Returns:
        `scene_auroc`, None where one kind is absent; nothing in classification, whose AUROC is
        that of scenes.
    """
    found = scene_scores(predictions, temperature) if predictions.histogram is not None else None
    if found is None:
        return {}
    value = float(auroc(*count_levels(*found)[1:]))
    return {"scene_auroc": None if math.isnan(value) else value}


def verdicts(
    predictions: Predictions, temperature: float, limits: tuple[float, float]
) -> dict[str, dict[str, int]]:
    """How many scenes of each kind are called what between the two limits.

    Args:
        predictions: See `scene_scores`.
        temperature: Divisor of the logits.
        limits: `ModelFacts.limits`.
    """
    found = scene_scores(predictions, temperature)
    if found is None:
        return {}
    scores, truth = found
    called, spared = scores >= limits[1], scores < limits[0]
    return {
        name: {
            "deformation": int((kind & called).sum()),
            "unsure": int((kind & ~called & ~spared).sum()),
            "no deformation": int((kind & spared & ~called).sum()),
        }
        for name, kind in (("deforms", truth), ("quiet", ~truth))
    }


def calibration(predictions: Predictions, temperature: float) -> dict[str, Any]:
    """Calibration errors before and after temperature scaling, and the reliability curve.

    Binary tasks are measured by the probability of deformation, exclusive classes by that of the
    largest, independent ones by all.

    Args:
        predictions: The predictions.
        temperature: Divisor of the logits.

    Returns:
        `ece_before`, `ece_after`, and `curve`: lists of `probability`, `frequency` and `weight`
        by bin after scaling, null in empty bins.
    """
    before, after = (reliability(*_probabilities(predictions, t)) for t in (1.0, temperature))
    return {
        "ece_before": calibration_error(*before),
        "ece_after": calibration_error(*after),
        "curve": {
            name: [None if math.isnan(value) else float(value) for value in values]
            for name, values in zip(("probability", "frequency", "weight"), after, strict=True)
        },
    }


def _probabilities(
    predictions: Predictions, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if predictions.task.name == "binary":
        levels, positives, negatives = Detection(predictions).counts(np.ones(len(predictions.loss)))
        weights = positives + negatives
        outcomes = positives / np.where(weights > 0, weights, 1)
        return to_probability(levels, temperature), outcomes, weights
    logits, targets, counted = flat_answers(predictions)
    logits, targets = logits[counted] / temperature, targets[counted]
    if predictions.task.multilabel:
        return expit(logits).ravel(), targets.ravel(), np.ones(targets.size)
    right = logits.argmax(1) == targets
    return softmax(logits, 1).max(1), right.astype(float), np.ones(len(targets))
