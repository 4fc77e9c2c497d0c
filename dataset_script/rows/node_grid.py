"""ERA5 fields on a coarse corner-aligned node grid, and what that loses.

The reanalysis resolves 0.25 degrees, some 250 pixels, so that a few nodes carry almost all of a
field. Readers restore it by corner-aligned bilinear interpolation.
"""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache(maxsize=8)
def interpolation(size: int, nodes: int) -> np.ndarray:
    """Corner-aligned linear interpolation from nodes to pixels.

    Args:
        size: Pixels along the axis.
        nodes: Nodes along the axis, the first on the first pixel and the last on the last.

    Returns:
        float64 (size, nodes); pixels = matrix @ nodes.
    """
    position = np.linspace(0, nodes - 1, size)
    lower = np.minimum(position.astype(int), nodes - 2)
    matrix = np.zeros((size, nodes))
    rows = np.arange(size)
    matrix[rows, lower] = 1 - (position - lower)
    matrix[rows, lower + 1] = position - lower
    return matrix


@functools.lru_cache(maxsize=8)
def _fit(size: int, nodes: int) -> np.ndarray:
    return np.linalg.pinv(interpolation(size, nodes))


def to_nodes(field: np.ndarray, nodes: int) -> tuple[np.ndarray, float]:
    """Fit a node grid to a field in the least-squares sense.

    Args:
        field: float32 (H, W).
        nodes: Nodes along each axis.

    Returns:
        float32 (nodes, nodes), and the largest absolute error of the field restored from it, in
        the field's unit.
    """
    height, width = field.shape
    exact = field.astype(np.float64)
    grid = (_fit(height, nodes) @ exact @ _fit(width, nodes).T).astype(np.float32)
    return grid, float(np.abs(from_nodes(grid, height, width) - exact).max())


def from_nodes(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """Restore a field from its node grid.

    Args:
        grid: (..., n, m).
        height: Rows of the field.
        width: Columns of the field.

    Returns:
        float64 (..., height, width).
    """
    rows, columns = grid.shape[-2:]
    return interpolation(height, rows) @ grid @ interpolation(width, columns).T
