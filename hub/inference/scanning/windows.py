"""Whole frames by overlapping windows, blended without seams in bounded memory.

Windows start at multiples of a stride on the world's grid of training pixels, not the scene's, so
that a pixel more than a window away from the edges gets the same answer however the scene around
it was cut. The first and the last window are moved inward, so that none hangs over an edge.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dataset_script.errors import HephaestusError

OVERLAP = 0.5
"""Share of a window's side over which it fades into its neighbour."""

Answer = TypeVar("Answer")
Corner = tuple[int, int]
"""Row and column of a window's upper left pixel; negative where the scene is smaller."""

Size = tuple[int, int]
"""A number of rows and of columns."""

Part = tuple[slice, slice]
"""Rows and columns of a scene."""

Progress = Callable[[int, int], None]
"""Called with the number of windows done and their total."""


class Cancelled(HephaestusError):
    """The caller gave up on a prediction before it was done."""


def window_starts(size: int, window: int, origin: int = 0) -> list[int]:
    """Where windows start along one axis.

    Args:
        size: Pixels of the scene along the axis.
        window: Pixels of a window.
        origin: Place of the scene's first pixel on the world's grid.

    Returns:
        Ascending starts; a single one, centring the scene, where it fits into a window.
    """
    last = size - window
    if last <= 0:
        return [last // 2]
    stride = window - _fade(window)
    first_multiple = -origin % stride
    return sorted({0, *range(first_multiple, last, stride), last})


def taper(window: int) -> np.ndarray:
    """Weights of a window's pixels along one axis: 1 in the middle, sin^2 to nearly 0 outwards.

    A window's edge always lies where a neighbour weighs far more, so it leaves no step.

    Returns:
        float32 [window], above 0 everywhere.
    """
    fade = _fade(window)
    weights = np.ones(window, np.float32)
    ramp = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade) ** 2
    weights[:fade] = ramp
    weights[window - fade :] = ramp[::-1]
    return weights


def product_corners(
    height: int, width: int, window: int, origin: tuple[int, int] = (0, 0)
) -> list[Corner]:
    """Corners of all windows of a scene, row by row.

    Args:
        height: Rows of the scene.
        width: Columns of the scene.
        window: Side of a window in pixels.
        origin: Row and column of the scene's first pixel on the world's grid.
    """
    rows, columns = (
        window_starts(height, window, origin[0]),
        window_starts(width, window, origin[1]),
    )
    return list(itertools.product(rows, columns))


def overlap_of(corner: Corner, shape: Size, window: Size) -> tuple[slice, ...]:
    """The part of a window that lies in the scene.

    Args:
        corner: Upper left corner of the window.
        shape: Of the scene.
        window: Rows and columns of the window.

    Returns:
        Row and column slices in the scene, then the same in the window.
    """
    inside, within = [], []
    for start, size, length in zip(corner, shape, window, strict=True):
        low = max(start, 0)
        high = max(low, min(start + length, size))  # a window may lie beyond a scene
        inside.append(slice(low, high))
        within.append(slice(low - start, high - start))
    return (*inside, *within)


def cut(raster: np.ndarray, corner: Corner, window: Size, fill: float) -> np.ndarray:
    """A window of a raster, filled where it reaches beyond.

    Args:
        raster: [..., H, W].
        corner: Upper left corner.
        window: Rows and columns of the window.
        fill: Value outside of the raster.

    Returns:
        [..., rows, columns], the raster's type; a view of it where the window lies inside.
    """
    rows, columns, to_rows, to_columns = overlap_of(
        corner, (raster.shape[-2], raster.shape[-1]), window
    )
    inside = raster[..., rows, columns]
    if inside.shape[-2:] == window:
        return inside
    out = np.full((*raster.shape[:-2], *window), fill, raster.dtype)
    out[..., to_rows, to_columns] = inside
    return out


def coarse_corners(corners: Sequence[Corner], window: int) -> list[Corner]:
    """The fewest windows that cover the scene, a product grid of their own: about every fourth.

    Args:
        corners: All windows of `product_corners`.
        window: Side of a window in pixels.
    """
    rows, columns = (_coarse_starts(starts, window) for starts in _starts(corners))
    return [corner for corner in corners if corner[0] in rows and corner[1] in columns]


def _coarse_starts(starts: Sequence[int], window: int) -> set[int]:
    kept = [starts[0]]
    for start, following in itertools.pairwise(starts):
        if following > kept[-1] + window:
            kept.append(start)
    return {*kept, starts[-1]}


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
            for starts, size, wanted in zip(_starts(corners), self._shape, self._part, strict=True)
        )
        total /= rows[:, None]
        total /= columns
        return total


@dataclass(frozen=True)
class Watch:
    """How a caller follows long work, and ends it.

    Attributes:
        progress: Told the number of windows done and their total.
        cancel: Asked before each batch whether to give up.
    """

    progress: Progress | None = None
    cancel: Callable[[], bool] | None = None

    def of(self, done: int, total: int) -> Watch:
        """The same for a part of the work, before which `done` windows of `total` were done."""
        told = self.progress
        if told is None:
            return self
        return Watch(lambda more, _: told(done + more, total), self.cancel)


def in_batches(
    predict: Callable[[Sequence[Corner]], Answer],
    chosen: Sequence[Corner],
    batch_size: int,
    watch: Watch,
) -> Iterator[tuple[Sequence[Corner], Answer]]:
    """Run windows in batches.

    Args:
        predict: Answers for the windows of a batch.
        chosen: Corners of all windows.
        batch_size: Most windows in a batch.
        watch: Told of each batch that is done, and asked before it.

    Yields:
        The corners of a batch and what `predict` says of them.

    Raises:
        Cancelled: If `watch` says so.
    """
    done = 0
    for start in range(0, len(chosen), batch_size):
        if watch.cancel is not None and watch.cancel():
            raise Cancelled("the prediction was cancelled")
        batch = chosen[start : start + batch_size]
        yield batch, predict(batch)
        done += len(batch)
        if watch.progress is not None:
            watch.progress(done, len(chosen))


def _starts(corners: Sequence[Corner]) -> tuple[list[int], list[int]]:
    rows, columns = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    return rows, columns


def _weight_sum(starts: Sequence[int], size: int, window: int, weights: np.ndarray) -> np.ndarray:
    total = np.zeros(size, np.float32)
    for start in starts:
        low, high = max(start, 0), min(start + window, size)
        total[low:high] += weights[low - start : high - start]
    return total


def _fade(window: int) -> int:
    return max(1, round(window * OVERLAP))
