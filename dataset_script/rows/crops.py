"""Where a sample is cut out of its frame: around the deformation, away from nodata."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from dataset_script.errors import ConfigError

CropMode = Literal["deformation", "random", "center"]
CROP_MODES: tuple[str, ...] = get_args(CropMode)

NODATA_TOLERANCE = 0.02
"""Share of the crop by which its nodata may exceed the least possible: room for chance."""


def summed_area(counts: np.ndarray) -> np.ndarray:
    """Summed-area table, with a leading row and column of zeros.

    Args:
        counts: (H, W), bool or small whole numbers; their sum must fit 32 bits.

    Returns:
        int32 (H + 1, W + 1); `box_sums` reads windows off it.
    """
    height, width = counts.shape
    table = np.zeros((height + 1, width + 1), np.int32)
    np.cumsum(counts, axis=1, dtype=np.int32, out=table[1:, 1:])
    # Row by row: numpy's cumsum down the columns is four times slower.
    for row in range(2, height + 1):
        table[row] += table[row - 1]
    return table


def box_sums(table: np.ndarray, size: int, rows: slice, columns: slice) -> np.ndarray:
    """Sums over every size x size window whose upper left corner lies in a range.

    Args:
        table: From `summed_area`.
        size: Side of the window in pixels.
        rows: Range of the corner's row.
        columns: Range of the corner's column.

    Returns:
        int32, one sum a corner.
    """
    lower = slice(rows.start + size, rows.stop + size)
    right = slice(columns.start + size, columns.stop + size)
    sums = table[lower, right] - table[rows, right]
    sums -= table[lower, columns]
    sums += table[rows, columns]
    return sums


def place_crop(
    deformation: np.ndarray,
    nodata: np.ndarray,
    size: int,
    rng: np.random.Generator,
    mode: CropMode = "deformation",
) -> tuple[int, int]:
    """Choose the upper left corner of a sample's crop.

    In mode "deformation" the crop contains all deformation where it fits, otherwise the most that
    any crop can hold, and only then little nodata; without deformation, and in mode "random", it
    lies anywhere with little nodata. Among the corners that serve equally well one is drawn, so
    that the deformation is not always in the middle. Mode "center" is the middle of the frame.

    Args:
        deformation: bool (H, W), deformation at any of the sample's steps.
        nodata: unsigned (H, W), the number of steps without data at each pixel.
        size: Side of the crop in pixels.
        rng: The sample's own (see `seeding.generator`).
        mode: One of `CROP_MODES`.

    Returns:
        Row and column of the upper left corner.

    Raises:
        ConfigError: If the mode is unknown.
        ValueError: If the frame is smaller than the crop.
    """
    height, width = deformation.shape
    if mode not in CROP_MODES:
        raise ConfigError(f"unknown crop mode {mode!r}; the modes are {', '.join(CROP_MODES)}")
    if size > min(height, width):
        raise ValueError(
            f"the frame has {height} x {width} pixels, fewer than the crop of {size} x {size}; "
            f"set the image size to {min(height, width)} or less"
        )
    if mode == "center":
        return (height - size) // 2, (width - size) // 2
    rows, columns = slice(0, height - size + 1), slice(0, width - size + 1)
    best: np.ndarray | np.bool = np.True_
    if mode == "deformation" and deformation.any():
        rows, columns, best = _holding(deformation, size, rows, columns)
    empty = (
        box_sums(summed_area(nodata), size, rows, columns)
        if nodata.any()
        else np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.int32)
    )
    slack = int(NODATA_TOLERANCE * size * size * max(1, int(nodata.max())))
    least = int(np.where(best, empty, np.iinfo(np.int32).max).min())
    corners = np.flatnonzero(best & (empty <= least + slack))
    row, column = divmod(int(corners[rng.integers(corners.size)]), columns.stop - columns.start)
    return rows.start + row, columns.start + column


def _holding(
    deformation: np.ndarray, size: int, rows: slice, columns: slice
) -> tuple[slice, slice, np.ndarray | np.bool]:
    """The corners whose crop holds the most deformation: a range, and which of it."""
    marked_rows = np.flatnonzero(deformation.any(axis=1))
    marked_columns = np.flatnonzero(deformation.any(axis=0))
    top, bottom = int(marked_rows[0]), int(marked_rows[-1])
    left, right = int(marked_columns[0]), int(marked_columns[-1])
    fits = bottom - top < size and right - left < size
    if fits:
        rows = slice(max(0, bottom - size + 1), min(rows.stop, top + 1))
        columns = slice(max(0, right - size + 1), min(columns.stop, left + 1))
        return rows, columns, np.True_
    held = box_sums(summed_area(deformation), size, rows, columns)
    return rows, columns, held == held.max()
