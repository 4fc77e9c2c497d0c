"""Whole frames by overlapping windows, blended without seams in bounded memory.

Windows start at multiples of a stride on the world's grid of training pixels, not the scene's, so
that a pixel more than a window away from the edges gets the same answer however the scene around
it was cut. The first and the last window are moved inward, so that none hangs over an edge.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

OVERLAP = 0.5
"""Share of a window's side over which it fades into its neighbour."""

Answer = TypeVar("Answer")
Corner = tuple[int, int]
"""Row and column of a window's upper left pixel; negative where the scene is smaller."""

Progress = Callable[[int, int], None]
"""Called with the number of windows done and their total."""


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


def overlap_of(corner: Corner, shape: tuple[int, int], window: int) -> tuple[slice, ...]:
    """The part of a window that lies in the scene.

    Returns:
        Row and column slices in the scene, then the same in the window.
    """
    inside, within = [], []
    for start, size in zip(corner, shape, strict=True):
        low, high = max(start, 0), min(start + window, size)
        inside.append(slice(low, high))
        within.append(slice(low - start, high - start))
    return (*inside, *within)


def cut(raster: np.ndarray, corner: Corner, window: int, fill: float) -> np.ndarray:
    """A window of a raster, filled where it reaches beyond.

    Args:
        raster: [..., H, W].
        corner: Upper left corner.
        window: Side in pixels.
        fill: Value outside of the raster.

    Returns:
        [..., window, window], the raster's type.
    """
    rows, columns, to_rows, to_columns = overlap_of(
        corner, (raster.shape[-2], raster.shape[-1]), window
    )
    out = np.full((*raster.shape[:-2], window, window), fill, raster.dtype)
    out[..., to_rows, to_columns] = raster[..., rows, columns]
    return out


def blend(
    predict: Callable[[Sequence[Corner]], np.ndarray],
    height: int,
    width: int,
    window: int,
    *,
    planes: int = 1,
    origin: tuple[int, int] = (0, 0),
    wanted: Callable[[Corner], bool] = lambda corner: True,
    batch_size: int = 4,
    progress: Progress | None = None,
) -> np.ndarray:
    """Predict every window and blend the answers.

    Beside the scene itself, memory is the result and one batch: windows form a product grid, so
    the sum of their weights is an outer product and needs no raster.

    Args:
        predict: From corners of a batch to values [B, planes, window, window].
        height: Rows of the scene.
        width: Columns of the scene.
        window: Side of a window in pixels.
        planes: Planes that `predict` gives.
        origin: Row and column of the scene's first pixel on the world's grid.
        wanted: Which windows are worth predicting; the others count as 0.
        batch_size: Windows at once.
        progress: Called after each batch.

    Returns:
        float32 [planes, H, W].
    """
    corners = product_corners(height, width, window, origin)
    rows, columns = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    # A window alone keeps its values to the last bit, as an evaluation has them.
    weights = taper(window) if len(corners) > 1 else np.ones(window, np.float32)
    total = np.zeros((planes, height, width), np.float32)
    chosen = [corner for corner in corners if wanted(corner)]
    for batch, values in in_batches(predict, chosen, batch_size, progress):
        for corner, value in zip(batch, values, strict=True):
            y, x, to_y, to_x = overlap_of(corner, (height, width), window)
            weighted = value * weights[:, None] * weights
            total[:, y, x] += weighted[:, to_y, to_x]
    total /= _weight_sum(rows, height, window, weights)[:, None]
    total /= _weight_sum(columns, width, window, weights)
    return total


def in_batches(
    predict: Callable[[Sequence[Corner]], Answer],
    chosen: Sequence[Corner],
    batch_size: int,
    progress: Progress | None,
) -> Iterator[tuple[Sequence[Corner], Answer]]:
    """Run windows in batches.

    Args:
        predict: Answers for the windows of a batch.
        chosen: Corners of all windows.
        batch_size: Most windows in a batch.
        progress: Told of each batch that is done.

    Yields:
        The corners of a batch and what `predict` says of them.
    """
    done = 0
    for start in range(0, len(chosen), batch_size):
        batch = chosen[start : start + batch_size]
        yield batch, predict(batch)
        done += len(batch)
        if progress:
            progress(done, len(chosen))


def _weight_sum(starts: Sequence[int], size: int, window: int, weights: np.ndarray) -> np.ndarray:
    total = np.zeros(size, np.float32)
    for start in starts:
        low, high = max(start, 0), min(start + window, size)
        total[low:high] += weights[low - start : high - start]
    return total


def _fade(window: int) -> int:
    return max(1, round(window * OVERLAP))
