"""Overlapping windows over a scene of any size, and how they are gone through.

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


def fade(window: int) -> int:
    """Pixels over which a window fades into its neighbour."""
    return max(1, round(window * OVERLAP))


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
    stride = window - fade(window)
    first_multiple = -origin % stride
    return sorted({0, *range(first_multiple, last, stride), last})


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


def starts_of(corners: Sequence[Corner]) -> tuple[list[int], list[int]]:
    """Ascending starts of windows along rows and along columns."""
    rows, columns = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    return rows, columns


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
    rows, columns = (_coarse_starts(starts, window) for starts in starts_of(corners))
    return [corner for corner in corners if corner[0] in rows and corner[1] in columns]


def _coarse_starts(starts: Sequence[int], window: int) -> set[int]:
    kept = [starts[0]]
    for start, following in itertools.pairwise(starts):
        if following > kept[-1] + window:
            kept.append(start)
    return {*kept, starts[-1]}


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
