"""A source's displacement on a frame's grid, evaluated where it bends and interpolated elsewhere.

Away from a source its displacement is analytic, so that on a square of pixels whose distance from
the source is several times its size a polynomial through Chebyshev nodes converges geometrically
(Trefethen, Approximation Theory and Approximation Practice, 2013, chapter 8). Squares that lie too
near are divided; what is left of them is evaluated pixel by pixel. The result is that of evaluating
every pixel to about 1e-10 of the largest displacement, for a small part of the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev

from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.sources.elastic import Source

NODES = 14
"""Of a square, along each of its axes."""

AWAY = 2.5
"""Half diagonals of a square that its middle must lie from the source."""


@dataclass(frozen=True)
class _Square:
    """A rectangle of pixels, and the places where the source is asked for it."""

    rows: slice
    columns: slice
    near: bool

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def places(self, part: slice) -> np.ndarray:
        """Pixels along an axis, whole ones or the nodes between the first and the last."""
        if self.near:
            return np.arange(part.start, part.stop, dtype=float)
        middle, half = (part.start + part.stop - 1) / 2, (part.stop - part.start - 1) / 2
        return middle + half * _nodes()


def displacement_on(source: Source, grid: FrameGrid) -> np.ndarray:
    """Surface displacement at every pixel of a grid.

    Args:
        source: The source.
        grid: H x W pixels.

    Returns:
        East, north, up displacement in metres, (H, W, 3).
    """
    squares = list(_squares(source, grid))
    north_m, east_m = grid.pixel_m
    height, width = grid.shape
    asked = []
    for square in squares:
        row, column = np.meshgrid(
            square.places(square.rows), square.places(square.columns), indexing="ij"
        )
        asked.append(
            [
                (column.ravel() - (width - 1) / 2) * east_m,
                ((height - 1) / 2 - row.ravel()) * north_m,
            ]
        )
    found = source.displacement(*np.concatenate(asked, axis=1))
    moved = np.empty((height, width, 3))
    start = 0
    for square, (east, _) in zip(squares, asked, strict=True):
        values = found[start : start + len(east)]
        start += len(east)
        part = moved[square.rows, square.columns]
        if square.near:
            part[:] = values.reshape(*square.shape, 3)
            continue
        down, across = (_interpolation(count) for count in square.shape)
        nodes = np.moveaxis(values.reshape(NODES, NODES, 3), 2, 0)
        part[:] = np.moveaxis(down @ nodes @ across.T, 0, 2)
    return moved


def _squares(source: Source, grid: FrameGrid) -> Iterator[_Square]:
    """Rectangles that cover the grid once, each as large as the source lets it be."""
    low, high = source.bounds()
    size = np.array([*grid.pixel_m[::-1], 0.0])
    middle = (np.array(grid.shape[::-1]) - 1) / 2
    waiting = [(slice(0, grid.shape[0]), slice(0, grid.shape[1]))]
    while waiting:
        rows, columns = waiting.pop()
        counts = np.array([columns.stop - columns.start, rows.stop - rows.start])
        if counts.prod() <= NODES**2:
            yield _Square(rows, columns, near=True)
            continue
        offset = (np.array([columns.start, rows.start]) + (counts - 1) / 2 - middle) * [1, -1]
        place = np.array([*offset, 0.0]) * size
        distance = np.linalg.norm(place - np.clip(place, low, high))
        if distance >= AWAY * np.linalg.norm((counts - 1) / 2 * size[:2]):
            yield _Square(rows, columns, near=False)
            continue
        # The longer side alone where it is much the longer: squares need the fewest nodes.
        parts = [
            [part] if 2 * own < other else _halves(part)
            for part, own, other in zip((columns, rows), counts, counts[::-1], strict=True)
        ]
        waiting += [(row, column) for row in parts[1] for column in parts[0]]


def _halves(part: slice) -> list[slice]:
    middle = (part.start + part.stop) // 2
    return [slice(part.start, middle), slice(middle, part.stop)]


def _nodes() -> np.ndarray:
    return chebyshev.chebpts1(NODES)


@lru_cache(64)
def _interpolation(count: int) -> np.ndarray:
    """Values at `count` pixels from those at the nodes, (count, NODES)."""
    pixels = np.linspace(-1, 1, count)
    degree = NODES - 1
    to_coefficients = np.linalg.inv(chebyshev.chebvander(_nodes(), degree))
    return chebyshev.chebvander(pixels, degree) @ to_coefficients
