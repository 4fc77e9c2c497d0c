"""Decorrelation: how much of an interferogram's signal is left.

Coherence is a product (Zebker & Villasenor 1992): of time, of the viewing geometry on slopes, of
the ground's roughness, and of the deformation's own gradient. `radar.processor` makes the noise
that follows from it.
"""

from __future__ import annotations

import numpy as np

from dataset_script.channels import WAVELENGTH_M
from dataset_script.synthetic.ground.cover import LandCover
from dataset_script.synthetic.ground.terrain import Terrain
from dataset_script.synthetic.radar.geometry import SLANT_RANGE_M, Swath

RANGE_RESOLUTION_M = 2.7
ROUGH_SLOPE = 0.75
SYSTEM_COHERENCE = 0.97
"""What thermal noise, coregistration and quantisation leave of a perfect target."""


def critical_baseline(swath: Swath, terrain: Terrain) -> np.ndarray:
    """Perpendicular baseline at which a slope decorrelates altogether.

    lambda R tan(incidence - slope towards the radar) / (2 r) (Hanssen 2001, section 4.4.1).

    Args:
        swath: Viewing geometry.
        terrain: The ground.

    Returns:
        Metres, (H, W).
    """
    # Ground that rises away from the satellite faces it.
    facing = terrain.slope_east * swath.look[0] + terrain.slope_north * swath.look[1]
    local = np.abs(np.tan(swath.incidence - np.arctan(facing)))
    return np.maximum(WAVELENGTH_M * SLANT_RANGE_M * local / (2 * RANGE_RESOLUTION_M), 1.0)


def roughness_coherence(terrain: Terrain) -> np.ndarray:
    """Loss on steep, rough ground, exp(-(slope / `ROUGH_SLOPE`)^2): an empirical factor, (H, W)."""
    steepness = np.hypot(terrain.slope_east, terrain.slope_north)
    return np.exp(-((steepness / ROUGH_SLOPE) ** 2))


def temporal_coherence(cover: LandCover, days: float) -> np.ndarray:
    """Decorrelation with time: what lasts, and what decays by the kind of cover.

    Args:
        cover: What the ground is covered with.
        days: Temporal baseline.

    Returns:
        Factor 0..1, (H, W).
    """
    return cover.lasting + (1 - cover.lasting) * np.exp(-days / cover.decay_days)


def gradient_coherence(phase: np.ndarray) -> np.ndarray:
    """Loss where the phase changes within a multilooked pixel, a sinc of its gradient.

    Args:
        phase: Unwrapped phase of moving ground, radians, (H, W).

    Returns:
        Factor 0..1, (H, W).
    """
    down, right = np.gradient(phase / (2 * np.pi))
    return np.abs(np.sinc(down) * np.sinc(right))
