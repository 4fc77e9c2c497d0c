"""Making probabilities mean what they say: temperature scaling and the calibration error."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logit

_BINS = 15
_BOUNDS = (np.log(0.05), np.log(20.0))


def fit_temperature(logits: np.ndarray, targets: np.ndarray, multilabel: bool) -> float:
    """The divisor of the logits that minimises the negative log-likelihood (Guo et al., 2017).

    The targets are Platt's (1999), which stay short of 0 and 1 as if each class had been seen once
    more: where a model makes no mistake on a few samples, no probability becomes a certainty.

    Args:
        logits: `[N, K]`.
        targets: int `[N]` class codes, or `[N, K]` zeros and ones where `multilabel`.
        multilabel: Whether classes are independent.

    Returns:
        The temperature, between 0.05 and 20; 1 where there is nothing to fit.
    """
    if not len(logits):
        return 1.0

    classes = logits.shape[1]
    if multilabel:
        hot = targets > 0
        held = hot.sum(0)
        soft = np.where(hot, (held + 1) / (held + 2), 1 / (len(hot) - held + 2))
    else:
        seen = np.bincount(targets, minlength=classes)[:, None]
        soft = ((np.eye(classes) * seen + 1) / (seen + classes))[targets]

    def likelihood(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if multilabel:
            return -np.mean(soft * log_expit(scaled) + (1 - soft) * log_expit(-scaled))
        return -np.mean((soft * log_softmax(scaled, 1)).sum(1))

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
    found, others = positives.sum(), negatives.sum()
    if not found or not others:
        return 1.0
    called = positives * (found + 1) / (found + 2) + negatives / (others + 2)
    spared = positives + negatives - called

    def likelihood(log_temperature: float) -> float:
        scaled = margins / np.exp(log_temperature)
        return -(called @ log_expit(scaled) + spared @ log_expit(-scaled))

    return float(np.exp(minimize_scalar(likelihood, bounds=_BOUNDS, method="bounded").x))


def image_margins(
    logits: np.ndarray, multilabel: bool, temperature: float, column: int | None = None
) -> np.ndarray:
    """Log-odds of deformation, or of one class, against the rest: `Task.margin` for whole images.

    One by one in double precision, so that an image's answer does not depend on its batch.

    Args:
        logits: `[N, K]`, as the model gives them.
        multilabel: Whether classes are independent.
        temperature: Divisor of the logits that calibrates them.
        column: The class; None for any but the negative one.

    Returns:
        float64 `[N]`.
    """
    flat = np.asarray(logits, np.float64)
    if multilabel:
        return flat.max(1) if column is None else flat[:, column]

    def pooled(some: np.ndarray) -> np.ndarray:
        if some.shape[1] == 1:
            return some[:, 0]
        return temperature * np.logaddexp.reduce(some / temperature, 1)

    classes = np.arange(flat.shape[1])
    chosen = classes > 0 if column is None else classes == column
    return pooled(flat[:, chosen]) - pooled(flat[:, ~chosen])


def to_probability(margin: np.ndarray | float, temperature: float) -> np.ndarray:
    """Log-odds as calibrated probabilities, in double precision.

    In single precision all margins above 17 are the probability 1, and no threshold lies between.
    """
    return expit(np.asarray(margin, np.float64) / temperature)


def to_margin(probability: float, temperature: float) -> float:
    """The smallest margin whose calibrated probability reaches this one.

    So `margin >= to_margin(p, t)` says exactly what `to_probability(margin, t) >= p` says, however
    both are rounded.
    """
    if probability <= 0:
        return -np.inf
    # Near the answer by the inverse, which is not exact, and finite where it is not.
    low = high = min(float(logit(probability)), 1e3) * temperature
    step = first = max(abs(low), temperature) * 1e-15
    while to_probability(low, temperature) >= probability:
        low, step = low - step, 2 * step
    step = first
    while to_probability(high, temperature) < probability:
        high, step = high + step, 2 * step
    while low < (middle := low + (high - low) / 2) < high:
        if to_probability(middle, temperature) >= probability:
            high = middle
        else:
            low = middle
    return high


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
