"""Isotropic random surfaces with a power-law spectrum, for terrain and for turbulence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import fft

PADDING = 1.4
"""The field is drawn on a larger periodic domain and cut, so that its edges do not match."""


def power_law_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pixel_m: float,
    slopes: Sequence[float],
    breaks_m: Sequence[float] = (),
) -> np.ndarray:
    """Draw a field whose rotationally averaged power spectrum follows power laws.

    With P(k) ~ k^-b along any direction, the two-dimensional amplitude goes as k^-((b + 1) / 2)
    (Hanssen 2001, section 4.7). The regimes meet continuously at the breaks.

    Args:
        rng: Source of randomness.
        shape: Rows and columns.
        pixel_m: Pixel size in metres.
        slopes: Spectral exponents b from the longest wavelengths to the shortest.
        breaks_m: Wavelengths in metres between the regimes, descending, one fewer than slopes.

    Returns:
        float64 field, zero mean and unit standard deviation, of the shape.
    """
    padded = tuple(fft.next_fast_len(int(np.ceil(side * PADDING)), real=True) for side in shape)
    amplitude = _amplitude(padded, pixel_m, tuple(slopes), tuple(breaks_m))
    spectrum = amplitude * fft.rfft2(rng.standard_normal(padded))
    field = fft.irfft2(spectrum, s=padded)[: shape[0], : shape[1]]
    field -= field.mean()
    return field / field.std()


@lru_cache(maxsize=4)  # turbulence asks for the same one at every date, and it takes as long
def _amplitude(
    padded: tuple[int, ...], pixel_m: float, slopes: tuple[float, ...], breaks_m: tuple[float, ...]
) -> np.ndarray:
    frequency = np.hypot(
        np.fft.fftfreq(padded[0], pixel_m)[:, None], np.fft.rfftfreq(padded[1], pixel_m)
    )
    lowest = frequency[frequency > 0].min()
    frequency[0, 0] = lowest
    edges = np.array([lowest, *(1 / wavelength for wavelength in breaks_m), frequency.max()])
    edges = np.log(np.clip(edges, lowest, frequency.max()))
    levels = np.concatenate([[0], -np.cumsum((np.array(slopes) + 1) / 2 * np.diff(edges))])
    amplitude = np.exp(np.interp(np.log(frequency), edges, levels))
    amplitude[0, 0] = 0.0
    amplitude.setflags(write=False)
    return amplitude
