"""Random generators that depend on what is drawn for, not on the order of drawing."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for each combination of a seed and names.

    Args:
        seed: The user's seed.
        *names: What the draws are for (frame, date, purpose); their `str` is what counts.

    Returns:
        The same generator in every process, on every platform.
    """
    digest = hashlib.sha256("\x1f".join(map(str, (seed, *names))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
