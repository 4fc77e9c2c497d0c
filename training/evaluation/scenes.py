"""One number for a whole scene, the same in training and in use; and when it is sure enough."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SUPPORT = 9
"""Side in training pixels, about a kilometre, over which a probability must hold to count."""

FALSE_ALARMS = 0.02
"""Share of quiet validation scenes that may be called deforming."""

MISSES = 0.05
"""Share of deforming validation scenes that may be called quiet."""


def held(probability: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The mean probability over the `SUPPORT` x `SUPPORT` pixels with data around each pixel.

    Args:
        probability: `[H, W]`.
        valid: Whether a pixel has data, bool `[H, W]`.

    Returns:
        `[H, W]`, -1 where there is no data, or too little around.
    """
    share = ndimage.uniform_filter(valid.astype(np.float32), SUPPORT, mode="constant")
    total = ndimage.uniform_filter(
        np.where(valid, probability, np.float32(0)), SUPPORT, mode="constant"
    )
    # Half a box of data at least: a lone pixel at the swath's edge is no square kilometre.
    enough = min(0.5, float(share.max()) - 1e-3)
    return np.where(valid & (share >= enough), total / np.maximum(share, 1e-6), -1)


def scene_peak(probability: np.ndarray, valid: np.ndarray) -> tuple[int, int, float]:
    """Where the mean probability over `SUPPORT` x `SUPPORT` pixels with data is largest.

    Args:
        probability: `[H, W]`.
        valid: Whether a pixel has data, bool `[H, W]`.

    Returns:
        Row, column and the mean there, 0..1.
    """
    mean = held(probability, valid)
    row, column = np.unravel_index(int(mean.argmax()), mean.shape)
    return int(row), int(column), float(np.clip(mean[row, column], 0, 1))


def evidence(probability: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The largest mean of `held` among the squares that a pixel lies in.

    Args:
        probability: `[H, W]`.
        valid: Whether a pixel has data, bool `[H, W]`.

    Returns:
        `[H, W]`; its maximum is the probability of the scene.
    """
    return ndimage.maximum_filter(held(probability, valid), SUPPORT)


def choose_limits(scores: np.ndarray, deforming: np.ndarray) -> tuple[float, float] | None:
    """The probabilities between which a scene's verdict is "unsure": validation, never test.

    From the upper one on at most `FALSE_ALARMS` of the quiet scenes are called deforming, and
    below the lower one at most `MISSES` of the deforming are called quiet. Each lies half-way
    between two scores. A model good enough for both at once has one threshold, in the middle of
    those that keep both promises, and is never unsure.

    Args:
        scores: Probability of each scene `[N]`, 0..1.
        deforming: Whether it deforms, bool `[N]`.

    Returns:
        Lower and upper limit; None where one kind is absent.
    """
    quiet, moving = np.sort(scores[~deforming])[::-1], np.sort(scores[deforming])
    if not len(quiet) or not len(moving):
        return None
    alarm = quiet[int(FALSE_ALARMS * len(quiet))]  # the first that may not be called
    missed = moving[int(MISSES * len(moving))]  # the first that must not be passed over
    if alarm < missed:
        middle = float(alarm + (missed - alarm) / 2)
        return middle, middle
    above, below = scores[scores > alarm], scores[scores < missed]
    high = alarm + (above.min(initial=1.0) - alarm) / 2
    low = missed - (missed - below.max(initial=0.0)) / 2
    return float(low), float(high)
