"""Decorrelation, and the phase noise that follows from it.

Coherence is a product (Zebker & Villasenor 1992): of time, of the viewing geometry on slopes, of
the ground's roughness, and of the deformation's own gradient. Phase noise is drawn exactly from
the distribution of the interferometric phase of L looks (Just & Bamler 1994; Tough et al. 1995).
"""

from __future__ import annotations

import numpy as np

from dataset_script.channels import WAVELENGTH_M
from dataset_script.synthetic.ground.terrain import Terrain
from dataset_script.synthetic.radar.geometry import SLANT_RANGE_M, Swath

LOOKS = 64
"""Independent looks a pixel: the noise of a real multilooked, filtered crop matches 55 to 75."""
COHERENCE_STEPS = 255
WATER_COHERENCE = (4, 10)
RANGE_RESOLUTION_M = 2.7
# Days in which coherence decays to 1/e of what can decay, bare and overgrown.
DECAY_DAYS = (600.0, 14.0)
# What never decays: rock and buildings.
LASTING = (0.75, 0.06)
ROUGH_SLOPE = 0.75
GRADIENT_WINDOW_PIXELS = 2.0


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


def temporal_coherence(vegetation: np.ndarray, days: float) -> np.ndarray:
    """Decorrelation with time: what lasts, and what decays the faster the denser the plants.

    Args:
        vegetation: Plant cover 0..1, (H, W).
        days: Temporal baseline.

    Returns:
        Factor 0..1, (H, W).
    """
    rate = (1 - vegetation) / DECAY_DAYS[0] + vegetation / DECAY_DAYS[1]
    lasting = LASTING[0] * (1 - vegetation) + LASTING[1] * vegetation
    return lasting + (1 - lasting) * np.exp(-days * rate)


def gradient_coherence(phase: np.ndarray) -> np.ndarray:
    """Loss where the phase changes within the estimation window, a sinc of its gradient.

    Args:
        phase: Unwrapped phase of moving ground, radians, (H, W).

    Returns:
        Factor 0..1, (H, W).
    """
    down, right = np.gradient(phase)
    window = GRADIENT_WINDOW_PIXELS / (2 * np.pi)
    return np.abs(np.sinc(window * down) * np.sinc(window * right))


def quantise(rng: np.random.Generator, coherence: np.ndarray, water: np.ndarray) -> np.ndarray:
    """Estimate coherence as a processor does and store it in 8 bits.

    Args:
        rng: Source of randomness.
        coherence: True coherence 0..1, (H, W).
        water: Pixels on water, which get `WATER_COHERENCE`, bool (H, W).

    Returns:
        Whole numbers 1..255, float32 (H, W). The estimate's spread is (1 - c^2) / sqrt(2 L)
        (Touzi et al. 1999).
    """
    spread = (1 - coherence**2) / np.sqrt(2 * LOOKS)
    estimate = coherence + spread * rng.standard_normal(coherence.shape, np.float32)
    steps = np.clip(np.rint(estimate * COHERENCE_STEPS), WATER_COHERENCE[0], COHERENCE_STEPS)
    low, high = WATER_COHERENCE
    sea = rng.integers(low, high + 1, coherence.shape)
    return np.where(water, sea, steps).astype(np.float32)


def phase_noise(rng: np.random.Generator, coherence: np.ndarray) -> np.ndarray:
    """Draw the phase noise of a multilooked interferogram.

    The off-diagonal element of a 2 x 2 complex Wishart matrix with L degrees of freedom and unit
    variances has, by its Bartlett decomposition, the phase of c a + sqrt(1 - c^2) z, where a^2 is
    Gamma(L) and z a standard complex normal: an exact draw, not an approximation.

    Args:
        rng: Source of randomness.
        coherence: 0..1, (H, W).

    Returns:
        Radians in (-pi, pi], float32 (H, W).
    """
    coherence = coherence.astype(np.float32)
    amplitude = np.sqrt(rng.standard_gamma(LOOKS, coherence.shape, np.float32))
    scatter = np.sqrt((1 - coherence**2) / 2)
    real, imaginary = scatter * rng.standard_normal((2, *coherence.shape), np.float32)
    return np.arctan2(imaginary, coherence * amplitude + real)
