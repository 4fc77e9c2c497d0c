"""One number for a whole scene, the same in training and in use; and when it is sure enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

SUPPORT = 9
"""Side in training pixels, about a kilometre, over which a probability must hold to count."""

FALSE_ALARMS = 0.02
"""Share of quiet validation scenes that may be called deforming."""

MISSES = 0.05
"""Share of deforming validation scenes that may be called quiet."""


class Support:
    """The mean probability over the `SUPPORT` x `SUPPORT` pixels with data around each pixel.

    It is kept as pixels change, since a pass over a frame's memory costs as much as many windows.

    Args:
        probability: float32 `[H, W]`; whoever changes it calls `update`.
        valid: Whether a pixel has data, bool `[H, W]`.

    Attributes:
        mean: `[H, W]`, -1 where there is no data, or too little around.
    """

    def __init__(self, probability: np.ndarray, valid: np.ndarray) -> None:
        self._probability = probability
        self._valid = valid
        self._share = _box_mean(valid)
        # Half a box of data at least: a lone pixel at the swath's edge is no square kilometre.
        self._enough = max(1e-6, min(0.5, float(self._share.max()) - 1e-3))
        self.mean = np.empty(probability.shape, np.float32)
        self._fill((slice(None), slice(None)))

    def update(self, box: tuple[slice, slice]) -> None:
        """Take in that the probability changed within some rows and columns."""
        reach = SUPPORT // 2
        self._fill(tuple(slice(max(0, part.start - reach), part.stop + reach) for part in box))

    def peak(self) -> tuple[int, int, float]:
        """Row and column where the mean is largest, and the mean there, 0..1."""
        row, column = np.unravel_index(int(self.mean.argmax()), self.mean.shape)
        return int(row), int(column), float(np.clip(self.mean[row, column], 0, 1))

    def evidence(self) -> np.ndarray:
        """The largest mean among the squares that a pixel lies in, `[H, W]`.

        Its maximum is the probability of the scene.
        """
        return ndimage.maximum_filter(self.mean, SUPPORT)

    def _fill(self, part: tuple[slice, ...]) -> None:
        # What lies around the part counts in it, so the sums go over a margin that is cut off.
        reach = SUPPORT // 2
        wide, inner = [], []
        for axis, kept in enumerate(part):
            start, stop, _ = kept.indices(self.mean.shape[axis])
            low = max(0, start - reach)
            wide.append(slice(low, stop + reach))
            inner.append(slice(start - low, stop - low))
        probability, valid = self._probability[*wide], self._valid[*wide]
        known = np.where(valid, probability, np.float32(0))
        total = _box_mean(known, output=known)[*inner]  # fresh memory would take as long again
        share = self._share[*part]
        self.mean[*part] = -1
        counts = self._valid[*part] & (share >= self._enough)
        np.divide(total, share, out=self.mean[*part], where=counts)


def scene_peak(probability: np.ndarray, valid: np.ndarray) -> tuple[int, int, float]:
    """Where the mean probability over `SUPPORT` x `SUPPORT` pixels with data is largest.

    Args:
        probability: `[H, W]`.
        valid: Whether a pixel has data, bool `[H, W]`.

    Returns:
        Row, column and the mean there, 0..1.
    """
    return Support(probability, valid).peak()


def _box_mean(values: np.ndarray, output: Any = np.float32) -> np.ndarray:
    return ndimage.uniform_filter(values, SUPPORT, output=output, mode="constant")


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
