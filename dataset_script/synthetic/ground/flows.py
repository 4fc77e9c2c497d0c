"""Where lava runs: steepest descent from a vent over ground that is not known exactly."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

PATHS = 24
"""Paths that make up one flow."""
MOMENTUM = 0.6
WOBBLE = 0.35


def draw_flow(
    rng: np.random.Generator,
    dem: np.ndarray,
    water: np.ndarray,
    vent: tuple[float, float],
    length: int,
    width: int,
) -> np.ndarray:
    """Let lava run downhill from a vent, as a bundle of paths with chance and momentum.

    The paths are those of probabilistic flow models (Favalli et al. 2005: steepest descent over a
    perturbed elevation); they end in the water or at the frame's edge.

    Args:
        rng: Source of randomness.
        dem: Elevation in metres, (H, W).
        water: Sea or lake, bool (H, W).
        vent: Row and column where the lava leaves the ground.
        length: Length of the longest path in pixels.
        width: Pixels by which the bundle is widened to both sides.

    Returns:
        Ground under lava, bool (H, W).
    """
    rough = gaussian_filter(dem + rng.normal(0, 15, dem.shape), 1.5)
    down, right = (-part for part in np.gradient(rough))
    edge = np.array(dem.shape) - 1.0
    place = np.array(vent) + rng.normal(0, 1.5, (PATHS, 2))
    heading = np.zeros((PATHS, 2))
    left = rng.integers(length // 3, length + 1, PATHS)
    covered = np.zeros(dem.shape, bool)
    for step in range(length):
        running = (left > step) & np.all((place >= 0) & (place <= edge), axis=1)
        rows, columns = np.clip(np.rint(place), 0, edge).astype(int).T
        running &= ~water[rows, columns]
        if not running.any():
            break
        covered[rows[running], columns[running]] = True
        fall = np.stack([down[rows, columns], right[rows, columns]], axis=1)
        fall /= np.linalg.norm(fall, axis=1, keepdims=True) + 1e-9
        heading = MOMENTUM * heading + fall + WOBBLE * rng.standard_normal((PATHS, 2))
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9
        place[running] += heading[running]
    widened: np.ndarray = binary_dilation(covered, iterations=width) if width else covered
    return widened & ~water
