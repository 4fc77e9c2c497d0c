"""Making probabilities mean what they say: temperature scaling and the calibration error."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

CERTAINTY_BINS = 15
"""Bins of probability in which it is held against what is observed."""

TEMPERATURES = tuple(2 ** (step / 4) for step in range(-8, 9))
"""Temperatures, 0.25 to 4, at which the likelihood of pixels of several classes is known."""

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
    """The same for a binary task whose margins are known as counts.

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


def fit_temperature_grid(losses: np.ndarray) -> float:
    """The same where the negative log-likelihood is known at `TEMPERATURES` alone.

    Args:
        losses: One for each temperature.

    Returns:
        The lowest point of the parabola, over the logarithm of the temperature, through the best
        of them and its two neighbours; 1 where all are equal, as where no pixel counts.
    """
    steps, best = np.log(TEMPERATURES), int(np.argmin(losses))
    if np.ptp(losses) == 0:
        return 1.0
    if best in (0, len(steps) - 1):
        return TEMPERATURES[best]
    before, here, after = losses[best - 1 : best + 2]
    shift = (before - after) / (2 * (before - 2 * here + after))
    return float(np.exp(steps[best] + shift * (steps[1] - steps[0])))


def reliability(
    probabilities: np.ndarray, outcomes: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability, observed frequency and weight in equal bins of probability.

    Args:
        probabilities: `[L]`.
        outcomes: Share of positives at each, in 0..1 `[L]`.
        weights: How often each counts `[L]`.

    Returns:
        Three arrays `[CERTAINTY_BINS]`; the first two are NaN in empty bins.
    """
    place = np.minimum((probabilities * CERTAINTY_BINS).astype(int), CERTAINTY_BINS - 1)
    return reliability_of_sums(
        *(
            np.bincount(place, w, CERTAINTY_BINS)
            for w in (weights, weights * probabilities, weights * outcomes)
        )
    )


def reliability_of_sums(
    weight: np.ndarray, probability: np.ndarray, outcome: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`reliability` where the sums in each bin are known.

    Args:
        weight: Sum of the weights `[CERTAINTY_BINS]`.
        probability: Weighted sum of the probabilities.
        outcome: Weighted sum of the outcomes.

    Returns:
        As `reliability`.
    """
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
