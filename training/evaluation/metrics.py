"""Detection metrics from counts.

Every metric here is a function of how many positives and negatives have each score, so that
processes, batches and bootstrap replicates add up, and no pixel has to be kept. With each distinct
score its own level (`count_levels`) AUROC and average precision are exact and equal
scikit-learn's; for pixels the levels are the bins of a fine histogram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

Counts = np.ndarray


def count_levels(
    scores: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, Counts, Counts]:
    """Count positives and negatives at each distinct score.

    Args:
        scores: `[N]`, larger is more likely positive.
        targets: bool `[N]`.
        weights: `[..., N]`, how often each sample counts; None counts each once.

    Returns:
        Distinct scores in descending order `[L]`, positives `[..., L]` and negatives `[..., L]`.
    """
    order = np.argsort(-scores, kind="stable")
    scores, targets = scores[order], targets[order].astype(bool)
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]][: len(scores)])
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, float)[..., order]
    if not len(scores):
        return scores, weights, weights
    positives = np.add.reduceat(weights * targets, starts, axis=-1)
    negatives = np.add.reduceat(weights * ~targets, starts, axis=-1)
    return scores[starts], positives, negatives


def auroc(positives: Counts, negatives: Counts) -> np.ndarray:
    """Area under the ROC curve: how often a positive outscores a negative, ties counting half.

    Args:
        positives: `[..., L]` counts by descending score.
        negatives: The same of negatives.

    Returns:
        `[...]`; NaN where one kind is absent.
    """
    above = np.cumsum(positives, -1) - positives / 2
    pairs = positives.sum(-1) * negatives.sum(-1)
    return _divide((above * negatives).sum(-1), pairs)


def average_precision(positives: Counts, negatives: Counts) -> np.ndarray:
    """Precision averaged over the steps of recall, without interpolation.

    Args:
        positives: `[..., L]` counts by descending score.
        negatives: The same of negatives.

    Returns:
        `[...]`; NaN where there is no positive.
    """
    found = np.cumsum(positives, -1)
    precision = _divide(found, found + np.cumsum(negatives, -1), 0.0)
    return _divide((precision * positives).sum(-1), positives.sum(-1))


def at_threshold(
    levels: np.ndarray, positives: Counts, negatives: Counts, threshold: float
) -> dict[str, np.ndarray]:
    """Confusion counts of calling everything at or above a threshold positive.

    Args:
        levels: Scores in descending order `[L]`.
        positives: `[..., L]`.
        negatives: `[..., L]`.
        threshold: Score.

    Returns:
        `tp`, `fp`, `fn`, `tn`, each `[...]`.
    """
    called = levels >= threshold
    tp, fp = (positives * called).sum(-1), (negatives * called).sum(-1)
    return {"tp": tp, "fp": fp, "fn": positives.sum(-1) - tp, "tn": negatives.sum(-1) - fp}


def scores_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> dict:
    """Precision, recall, F1, IoU and accuracy from confusion counts.

    Precision is 0 where nothing was called positive, as scikit-learn has it; recall, F1 and IoU
    are NaN where there is nothing to find and nothing was found.

    Args:
        tp: True positives `[...]`.
        fp: False positives.
        fn: False negatives.
        tn: True negatives.

    Returns:
        Each metric `[...]` by name.
    """
    wrong = fp + fn
    return {
        "precision": _divide(tp, tp + fp, 0.0),
        "recall": _divide(tp, tp + fn),
        "f1": _divide(2 * tp, 2 * tp + wrong),
        "iou": _divide(tp, tp + wrong),
        "accuracy": _divide(tp + tn, tp + tn + wrong),
    }


def best_threshold(levels: np.ndarray, positives: Counts, negatives: Counts) -> float:
    """The score that maximises F1, half-way to the next lower one and strictly above it.

    Args:
        levels: Scores in descending order `[L]`.
        positives: `[L]`.
        negatives: `[L]`.

    Returns:
        The threshold; 0 where there is no positive to choose by. Of equal F1 the one with the
        fewest calls.
    """
    if not positives.sum():
        return 0.0
    found, called = np.cumsum(positives), np.cumsum(positives + negatives)
    best = int(np.argmax(2 * found / (called + positives.sum())))
    if best + 1 == len(levels):
        return float(levels[best])
    lower = levels[best + 1]
    return float(max(lower + (levels[best] - lower) / 2, np.nextafter(lower, np.inf)))


def histogram_levels(bins: int, span: float) -> np.ndarray:
    """Centres of equal bins of [-span, span], in descending order."""
    width = 2 * span / bins
    return span - width * (np.arange(bins) + 0.5)


def bootstrap(
    statistic: Callable[[np.ndarray], dict[str, np.ndarray]],
    groups: np.ndarray,
    seed: int,
    replicates: int = 1000,
    level: float = 0.95,
) -> dict[str, list[float]]:
    """Percentile intervals from resampling whole groups with replacement.

    Samples of one frame and primary date share an acquisition and are not independent, so groups
    are drawn and not samples.

    Args:
        statistic: From weights `[R, N]` of the samples to metrics `[R]`.
        groups: Group of each sample `[N]`, as codes from 0.
        seed: Seed of the resampling.
        replicates: Number of replicates R.
        level: Coverage.

    Returns:
        Lower and upper end by metric; a metric that is undefined in every replicate is left out.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    parts: dict[str, list[np.ndarray]] = {}
    for drawn in draws(count, [seed, len(groups)], replicates):
        for name, values in statistic(drawn[:, groups]).items():
            parts.setdefault(name, []).append(np.asarray(values, float))
    found = {name: interval(np.concatenate(values), level) for name, values in parts.items()}
    return {name: ends for name, ends in found.items() if ends}


def draws(count: int, seed: Sequence[int], replicates: int = 1000) -> Iterator[np.ndarray]:
    """How often each group is drawn in each replicate of a bootstrap, a bounded piece at a time.

    Args:
        count: Number of groups G; of none there is nothing to draw.
        seed: Seed of the resampling.
        replicates: Number of replicates.

    Yields:
        int64 `[R, G]`, R at most 50.
    """
    rng = np.random.default_rng(list(seed))
    for start in range(0, replicates if count else 0, 50):
        yield rng.multinomial(count, np.full(count, 1 / count), min(50, replicates - start))


def interval(values: np.ndarray, level: float = 0.95) -> list[float]:
    """Percentile interval of a bootstrap's replicates.

    Args:
        values: `[R]`, NaN where undefined.
        level: Coverage.

    Returns:
        Lower and upper end; empty where every replicate is undefined.
    """
    if not np.isfinite(values).any():
        return []
    tails = [50 * (1 - level), 100 - 50 * (1 - level)]
    return [float(end) for end in np.nanpercentile(values, tails)]


def _divide(part: np.ndarray, whole: np.ndarray, empty: float = np.nan) -> np.ndarray:
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), empty)
