"""Trivial rules that write captions, which a trained model must beat."""

from __future__ import annotations

from collections import Counter

from training.data.samples import Samples
from training.evaluation.captions.nearest import nearest_captions


def trivial_captions(train: Samples, test: Samples) -> dict[str, list[str]]:
    """What each rule writes of each sample of a split.

    Args:
        train: The training split, by which the rules are set.
        test: The split.

    Returns:
        Sentences by rule: `commonest caption`, the training split's, for every sample; `nearest
        image`, the caption of the training image that looks most like it.

    Raises:
        DataError: If the samples hold no phase.
    """
    counted = Counter(train.caption(sample) for sample in range(len(train)))
    most = max(counted.values())
    commonest = min(caption for caption, count in counted.items() if count == most)
    return {
        "commonest caption": [commonest] * len(test),
        "nearest image": nearest_captions(train, test),
    }
