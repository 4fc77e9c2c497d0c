"""A small picture of a scene's phase around its most probable place, for pages that show many.

The interferogram itself may be gone when somebody looks at the record years later.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from dataset_script.pictures.colour_tables import colours_of

SIDE = 256
"""Pixels of the picture's sides."""
REACH = 128
"""Pixels of the scene that are shown on each side of the place, where it has as many."""


def quicklook(
    phase: np.ndarray, absent: np.ndarray, mask: np.ndarray | None, row: float, column: float
) -> Image.Image:
    """Draw wrapped phase in cyclic colours with the mask's outline.

    Args:
        phase: Radians, [H, W].
        absent: Where there is no data, bool [H, W].
        mask: Outlined in white and crimson, bool [H, W]; None for none.
        row: Row of the place in the middle.
        column: Its column.

    Returns:
        A picture of at most `SIDE` pixels on a side.
    """
    rows, columns = (
        _around(middle, size) for middle, size in zip((row, column), phase.shape, strict=True)
    )
    shown, gone = phase[rows, columns], absent[rows, columns]
    colours = colours_of(np.where(gone, 0, shown) / (2 * np.pi) + 0.5, "romaO")
    colours[gone] = 217
    if mask is not None:
        inside = mask[rows, columns]
        for reach, colour in ((2, (255, 255, 255)), (1, (216, 27, 96))):
            colours[_rim(inside, reach)] = colour
    picture = Image.fromarray(colours)
    scale = SIDE / max(picture.size)
    if scale != 1:
        size = [max(1, math.floor(side * scale)) for side in picture.size]
        picture = picture.resize((size[0], size[1]), Image.Resampling.NEAREST)
    return picture


def _around(middle: float, size: int) -> slice:
    start = min(max(round(middle) - REACH, 0), max(size - 2 * REACH, 0))
    return slice(start, start + 2 * REACH)


def _rim(inside: np.ndarray, reach: int) -> np.ndarray:
    """Pixels outside a mask and at most so far from it."""
    grown = np.pad(inside, reach)
    for axis in (0, 1):
        grown = np.logical_or.reduce([np.roll(grown, n, axis) for n in range(-reach, reach + 1)])
    return grown[reach:-reach, reach:-reach] & ~inside
