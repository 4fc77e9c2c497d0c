"""Crameri's colour maps as plain tables.

Importing `cmcrameri` imports pyplot, which takes longer than a shard, or than all else of a command
that has only to say what is wrong with its options.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np


@functools.cache
def colour_table(name: str) -> np.ndarray:
    """The colours of a map, from its first to its last.

    Args:
        name: A name of `cmcrameri.cm`.

    Returns:
        float64 (256, 3), red, green and blue, 0..1.

    Raises:
        ModuleNotFoundError: If the package is not installed.
    """
    package = importlib.util.find_spec("cmcrameri")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package cmcrameri is not installed")
    return np.loadtxt(Path(package.origin).parent / "cmaps" / f"{name}.txt")


def colours_of(values: np.ndarray, name: str) -> np.ndarray:
    """The colours of values 0..1, as matplotlib chooses them.

    Args:
        values: 0..1, any shape S; what lies beyond takes the nearest colour.
        name: A name of `cmcrameri.cm`.

    Returns:
        uint8 S + (3,).
    """
    table = (colour_table(name) * 255).astype(np.uint8)
    places = np.clip(values * len(table), 0, len(table) - 1)
    return table[places.astype(np.intp)]
