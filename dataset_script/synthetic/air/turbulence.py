"""What a weather model does not see: turbulence, waves, shallow layers, and the ionosphere.

Turbulence is Hanssen's (2001): an isotropic surface a date whose spectrum falls as k^-5/3 at
wavelengths beyond the thickness of the wet layer, and as k^-8/3 below it. Its strength changes over
a scene by a factor that is a smooth field itself.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field

SPECTRUM_SLOPES = (5 / 3, 8 / 3)
SPECTRUM_BREAK_M = 10_000.0
"""With it the structure function follows that of a real crop from 0.9 to 7 km within a tenth."""
TURBULENCE_M = 0.0013
"""Median root mean square difference of the turbulent zenith delay between points 2 km apart."""
TURBULENCE_LAG_M = 2000.0
PATCHINESS = 0.45
"""Standard deviation of the logarithm of the local strength."""
WAVE_ODDS, WAVE_M, WAVELENGTHS_M = 0.15, (0.002, 0.006), (3000.0, 9000.0)
LAYER_ODDS, LAYER_M = 0.3, 0.006
IONOSPHERE_M = 0.003


def draw_turbulence(rng: np.random.Generator, grid: FrameGrid) -> np.ndarray:
    """Draw the turbulent zenith delay of a date.

    Args:
        rng: Source of randomness, the date's own.
        grid: The frame's pixels.

    Returns:
        Metres, (H, W).
    """
    strength = TURBULENCE_M * np.exp(rng.normal(0, 0.45))
    pixel_m = grid.pixel_m[0]
    field = power_law_field(rng, grid.shape, pixel_m, SPECTRUM_SLOPES, [SPECTRUM_BREAK_M])
    # A frame that is too small for the lag is scaled by the law between shorter lags.
    lag = min(round(TURBULENCE_LAG_M / pixel_m), grid.shape[0] // 2)
    strength *= (lag * pixel_m / TURBULENCE_LAG_M) ** ((SPECTRUM_SLOPES[1] - 1) / 2)
    field *= strength / np.sqrt(np.mean((field[lag:] - field[:-lag]) ** 2))
    patches = power_law_field(rng, grid.shape, pixel_m, [3.0])
    return field * np.exp(PATCHINESS * patches - PATCHINESS**2)


def draw_disturbances(rng: np.random.Generator, grid: FrameGrid, dem: np.ndarray) -> np.ndarray:
    """Draw what organised air does to a date: lee waves, shallow wet layers, the ionosphere.

    Waves come in packets; a layer that fills the valleys or caps the summits makes rings around
    them which follow the relief and which no weather model resolves; the ionosphere is a smooth
    gradient.

    Args:
        rng: Source of randomness, the date's own.
        grid: The frame's pixels.
        dem: Elevation in metres, (H, W).

    Returns:
        Zenith delay in metres, (H, W).
    """
    east, north = grid.local()
    half = grid.extent_m / 2
    bearing, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 1, 2)
    along = (east * np.cos(bearing) + north * np.sin(bearing)) / half
    delay = IONOSPHERE_M * (bend[0] * along + 0.3 * bend[1] * along**2)
    waves, layer = rng.random(2) < (WAVE_ODDS, LAYER_ODDS)
    if waves:
        heading = rng.uniform(0, 2 * np.pi)
        across = east * np.cos(heading) + north * np.sin(heading)
        crest = east * np.sin(heading) - north * np.cos(heading)
        middle = rng.uniform(-half, half, 2)
        length = rng.uniform(*WAVELENGTHS_M)
        size = np.exp(
            -(((across - middle[0]) / (1.5 * length)) ** 2)
            - ((crest - middle[1]) / (0.7 * half)) ** 2
        )
        phase = 2 * np.pi * (across - middle[0]) / length + rng.uniform(0, 2 * np.pi)
        delay = delay + rng.uniform(*WAVE_M) * size * np.sin(phase)
    if layer:
        low, high = dem.min(), dem.max()
        top = rng.uniform(low, high)
        thickness = max(0.08 * (high - low), 10.0)
        cap = expit((dem - top) / thickness)
        strength = rng.normal(0, LAYER_M) * (1 + 0.3 * power_law_field(rng, grid.shape, 1.0, [3.0]))
        delay = delay + strength * cap
    return delay
