"""Wrapped phase for tests."""

import numpy as np


def phase_of(height=20, width=24, steps=None, seed=0):
    shape = (height, width) if steps is None else (steps, height, width)
    values = np.random.default_rng(seed).uniform(-3.1, 3.1, shape)
    return values.astype("float32")
