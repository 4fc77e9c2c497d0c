"""Answers of overlapping windows, blended without seams in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hub.inference.scanning.windows import Corner, Part, Size, fade, overlap_of, starts_of


def taper(window: int) -> np.ndarray:
    """Weights of a window's pixels along one axis: 1 in the middle, sin^2 to nearly 0 outwards.

    A window's edge always lies where a neighbour weighs far more, so it leaves no step.

    Returns:
        float32 [window], above 0 everywhere.
    """
    width = fade(window)
    weights = np.ones(window, np.float32)
    ramp = np.sin(np.pi / 2 * (np.arange(width) + 0.5) / width) ** 2
    weights[:width] = ramp
    weights[window - width :] = ramp[::-1]
    return weights


class Mosaic:
    """Windows blended into a scene, or into a part of it.

    Beside the result no raster is held: windows form a product grid, so the sum of their weights
    is an outer product.

    Args:
        corners: All windows of the scene, of `product_corners`.
        shape: Rows and columns of the scene.
        window: Side of a window in pixels.
        planes: Planes of each window.
        part: The rows and columns that are wanted; all of them if left out.
    """

    def __init__(
        self,
        corners: Sequence[Corner],
        shape: Size,
        window: int,
        planes: int = 1,
        part: Part = (slice(None), slice(None)),
    ) -> None:
        self._corners = corners
        self._window = window
        self._shape = shape
        self._part = [
            slice(*wanted.indices(size)[:2]) for wanted, size in zip(part, shape, strict=True)
        ]
        # A window alone keeps its values to the last bit, as an evaluation has them.
        self._weights = taper(window) if len(corners) > 1 else np.ones(window, np.float32)
        kept = (wanted.stop - wanted.start for wanted in self._part)
        self._total = np.zeros((planes, *kept), np.float32)

    def add(self, corner: Corner, values: np.ndarray) -> None:
        """Add a window's values, [planes, window, window]; what is never added counts as 0."""
        rows, columns = self._part
        inside = corner[0] - rows.start, corner[1] - columns.start
        _, height, width = self._total.shape
        y, x, to_y, to_x = overlap_of(inside, (height, width), (self._window, self._window))
        weights = self._weights[to_y, None], self._weights[to_x]
        self._total[:, y, x] += values[:, to_y, to_x] * weights[0] * weights[1]

    def blended(self) -> np.ndarray:
        """The part, float32 [planes, rows, columns]; this object's memory, which ends with it."""
        return self._divide(self._total, self._corners)

    def so_far(self, corners: Sequence[Corner]) -> np.ndarray:
        """What `coarse_corners` give, once they and no others are added: float32 [planes, H, W]."""
        return self._divide(self._total.copy(), corners)

    def _divide(self, total: np.ndarray, corners: Sequence[Corner]) -> np.ndarray:
        rows, columns = (
            _weight_sum(starts, size, self._window, self._weights)[wanted]
            for starts, size, wanted in zip(
                starts_of(corners), self._shape, self._part, strict=True
            )
        )
        total /= rows[:, None]
        total /= columns
        return total


def _weight_sum(starts: Sequence[int], size: int, window: int, weights: np.ndarray) -> np.ndarray:
    total = np.zeros(size, np.float32)
    for start in starts:
        low, high = max(start, 0), min(start + window, size)
        total[low:high] += weights[low - start : high - start]
    return total
