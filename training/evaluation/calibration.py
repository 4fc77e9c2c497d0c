"""Making probabilities mean what they say: temperature scaling and the calibration error."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

_BINS = 15
_BOUNDS = (np.log(0.05), np.log(20.0))


def fit_temperature(logits: np.ndarray, targets: np.ndarray, multilabel: bool) -> float:
    """The divisor of the logits that minimises the negative log-likelihood (Guo et al., 2017).

    Args:
        logits: `[N, K]`.
        targets: int `[N]` class codes, or `[N, K]` zeros and ones where `multilabel`.
        multilabel: Whether classes are independent.

    Returns:
        The temperature, between 0.05 and 20; 1 where there is nothing to fit.
    """
    if not len(logits):
        return 1.0

    def likelihood(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if multilabel:
            return -np.mean(np.where(targets > 0, log_expit(scaled), log_expit(-scaled)))
        return -np.mean(log_softmax(scaled, 1)[np.arange(len(targets)), targets])

    return float(np.exp(minimize_scalar(likelihood, bounds=_BOUNDS, method="bounded").x))


def fit_temperature_counts(
    margins: np.ndarray, positives: np.ndarray, negatives: np.ndarray
) -> float:
    """`fit_temperature` for a binary task whose margins are known as counts.

    Args:
        margins: Log-odds `[L]`.
        positives: Positives at each `[L]`.
        negatives: Negatives at each `[L]`.

    Returns:
        The temperature; 1 where one kind is absent.
    """
    if not positives.sum() or not negatives.sum():
        return 1.0

    def likelihood(log_temperature: float) -> float:
        scaled = margins / np.exp(log_temperature)
        return -(positives @ log_expit(scaled) + negatives @ log_expit(-scaled))

    return float(np.exp(minimize_scalar(likelihood, bounds=_BOUNDS, method="bounded").x))


def reliability(
    probabilities: np.ndarray, outcomes: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability, observed frequency and weight in equal bins of probability.

    Args:
        probabilities: `[L]`.
        outcomes: Share of positives at each, in 0..1 `[L]`.
        weights: How often each counts `[L]`.

    Returns:
        Three arrays `[15]`; the first two are NaN in empty bins.
    """
    place = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    weight, probability, outcome = (
        np.bincount(place, values, _BINS)
        for values in (weights, weights * probabilities, weights * outcomes)
    )
    with np.errstate(invalid="ignore"):
        return probability / weight, outcome / weight, weight


def calibration_error(mean: np.ndarray, observed: np.ndarray, weight: np.ndarray) -> float:
    """Expected calibration error: the mean gap between probability and frequency.

    Args:
        mean: See `reliability`.
        observed: See `reliability`.
        weight: See `reliability`.

    Returns:
        The error, in 0..1; 0 where nothing counts.
    """
    filled = weight > 0
    gaps = np.abs(mean[filled] - observed[filled])
    return float((gaps * weight[filled]).sum() / max(weight.sum(), 1e-12))
