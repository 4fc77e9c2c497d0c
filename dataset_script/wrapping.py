"""The wrapped phase's own arithmetic."""

from __future__ import annotations

import numpy as np


def wrap(phase: np.ndarray) -> np.ndarray:
    """Wrap radians into (-pi, pi], as float32."""
    wrapped = (np.pi - np.mod(np.pi - phase, 2 * np.pi)).astype(np.float32)
    # Rounding to single precision may land on the wrong side of the cut.
    limit = np.float32(np.pi)
    return np.where(wrapped <= -limit, limit, wrapped)
