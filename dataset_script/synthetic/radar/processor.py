"""What an interferometric processor does to the signal: looks, coherence, an adaptive filter.

The multilooked interferogram and the coherence are those of complex samples with L looks (Just &
Bamler 1994; Tough et al. 1995), drawn exactly. The coherence is estimated in a window, as
processors do, and inherits the window's bias (Touzi et al. 1999): on water it is not zero. The
filter is that of Goldstein & Werner (1998), which leaves correlated noise where there is signal and
white noise where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, uniform_filter

from dataset_script.synthetic.ground.grid import PIXEL_DEGREES, FrameGrid
from dataset_script.synthetic.radar.geometry import Swath

LOOKS = 64
"""Independent looks a pixel; with the window they give the coherence of real water, 6 of 255."""
COHERENCE_WINDOW = 3
"""Side of the mean that is taken twice: a window of 5 x 5 with weights 1, 2, 3, 2, 1."""
COHERENCE_STEPS = 255
SPECTRUM_WINDOW = 3
"""Pixels over which the filter smooths the spectrum before it weighs by it."""
UNFILTERED_ODDS = 0.15


@dataclass(frozen=True)
class Processor:
    """How the interferograms of a frame were processed.

    Attributes:
        exponents: Exponent of the adaptive filter in each of its passes; none is no filter.
        patch: Side of the filter's patches in pixels.
        spread: Standard deviation in pixels by which the looks of neighbours overlap.
        offsets: From each pixel to the radar's own sample nearest to it, in rows and columns,
            (2, H, W).
    """

    exponents: tuple[float, ...]
    patch: int
    spread: float
    offsets: np.ndarray


def draw_processor(rng: np.random.Generator, grid: FrameGrid, swath: Swath) -> Processor:
    """Choose how a frame is processed.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels; those of stripmap frames are finer than the looks.
        swath: The viewing geometry.
    """
    oversampled = grid.pixel_degrees < PIXEL_DEGREES
    spread = rng.uniform(0.6, 0.9) if oversampled else rng.uniform(0.0, 0.35)
    passes = int(rng.choice([1, 2], p=[0.8, 0.2]))
    exponents = tuple(float(value) for value in rng.uniform(0.4, 1.0, passes) / passes**0.5)
    if rng.random() < UNFILTERED_ODDS:
        exponents = ()
    # The radar's samples lie along and across the track, a little closer than the pixels.
    offsets = []
    for position in (swath.azimuth, swath.across):
        samples = position / (grid.pixel_m[0] * rng.uniform(0.75, 1.05))
        offsets.append(np.rint(samples) - samples)
    return Processor(
        exponents, int(rng.choice([16, 32])), float(spread), np.stack(offsets).astype(np.float32)
    )


@dataclass(frozen=True)
class Looks:
    """Sums over the looks of a pixel, in units of one look's power; every one is (H, W).

    Attributes:
        cross: Product of the first image with the conjugate second one, complex.
        first: Power of the first image.
        second: Power of the second image.
    """

    cross: np.ndarray
    first: np.ndarray
    second: np.ndarray


def draw_looks(rng: np.random.Generator, coherence: np.ndarray, looks: int = LOOKS) -> Looks:
    """Draw the sample covariance of L looks: a 2 x 2 complex Wishart matrix.

    By its Bartlett decomposition, with a^2 ~ Gamma(L), b^2 ~ Gamma(L - 1) and z a standard complex
    normal, the second row of the Cholesky factor is (c a + s z, s b) with s^2 = 1 - c^2: an exact
    draw, whose phase is that of the multilooked interferogram at zero phase.

    Args:
        rng: Source of randomness.
        coherence: True coherence 0..1, (H, W).
        looks: Number of looks.
    """
    shape, c = coherence.shape, coherence.astype(np.float32)
    s = np.sqrt(1 - c**2)
    first = rng.standard_gamma(looks, shape, np.float32)
    rest = rng.standard_gamma(looks - 1, shape, np.float32)
    real, imaginary = rng.standard_normal((2, *shape), np.float32) / np.float32(np.sqrt(2))
    factor = c * np.sqrt(first) + s * (real + 1j * imaginary)
    return Looks(np.sqrt(first) * factor, first, np.abs(factor) ** 2 + s**2 * rest)


def process(
    rng: np.random.Generator,
    processor: Processor,
    phase: np.ndarray,
    coherence: np.ndarray,
    inside: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Turn true phase and coherence into what a processor delivers.

    Args:
        rng: Source of randomness.
        processor: How to process.
        phase: Unwrapped phase, radians, (H, W).
        coherence: True coherence 0..1, (H, W).
        inside: Pixels that were imaged, bool (H, W).

    Returns:
        The interferogram, complex64 (H, W), and the coherence in whole numbers 1..255, float32
        (H, W); both 0 where nothing was imaged.
    """
    drawn = draw_looks(rng, coherence)
    turned = drawn.cross * np.exp(1j * phase).astype(np.complex64) * inside
    sums = [_mean(part * inside) for part in (turned.real, turned.imag, drawn.first, drawn.second)]
    estimate = np.hypot(sums[0], sums[1]) / np.sqrt(np.maximum(sums[2] * sums[3], 1e-12))
    estimate = geocode_coherence(estimate, processor.offsets)
    stored = np.clip(np.rint(estimate * COHERENCE_STEPS), 1, COHERENCE_STEPS) * inside
    signal = turned / np.sqrt(drawn.first * drawn.second)
    if processor.spread:
        signal = _complex_filter(signal, processor.spread)
    for exponent in processor.exponents:
        signal = goldstein(signal, exponent, processor.patch)
    return geocode(signal, processor.offsets) * inside, stored.astype(np.float32)


def _mean(values: np.ndarray) -> np.ndarray:
    once = uniform_filter(values, COHERENCE_WINDOW, mode="nearest")
    return uniform_filter(once, COHERENCE_WINDOW, mode="nearest")


def _complex_filter(signal: np.ndarray, sigma: float) -> np.ndarray:
    real, imaginary = (gaussian_filter(part, sigma) for part in (signal.real, signal.imag))
    return real + 1j * imaginary


def geocode(signal: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Take each pixel from the radar's nearest sample, as processors do, by the local gradient.

    Args:
        signal: Complex interferogram, (H, W).
        offsets: Rows and columns to the nearest sample, (2, H, W).

    Returns:
        Complex interferogram with the steps of nearest neighbours where the phase has a slope.
    """
    shift = np.zeros(signal.shape, np.float32)
    for axis, offset in enumerate(offsets):
        shift += offset * np.angle(np.roll(signal, -1, axis) * np.roll(signal, 1, axis).conj()) / 2
    return signal * np.exp(1j * shift)


def geocode_coherence(coherence: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Take each pixel from the radar's nearest sample: borders become jagged by half a pixel.

    Args:
        coherence: 0..1, (H, W).
        offsets: Rows and columns to the nearest sample, (2, H, W).

    Returns:
        0..1, (H, W).
    """
    slopes = np.gradient(coherence)
    return np.clip(coherence + offsets[0] * slopes[0] + offsets[1] * slopes[1], 0, 1)


def goldstein(signal: np.ndarray, exponent: float, patch: int = 32) -> np.ndarray:
    """Filter an interferogram adaptively (Goldstein & Werner 1998).

    The spectrum of each patch is weighed by its own smoothed magnitude to a power; patches overlap
    by half and are joined with weights that add up to one.

    Args:
        signal: Complex interferogram, (H, W).
        exponent: 0 for no filtering to 1.
        patch: Side of the patches in pixels, even.

    Returns:
        complex64 (H, W).
    """
    step = patch // 2
    height, width = signal.shape
    rows, columns = -(-height // step) + 1, -(-width // step) + 1
    padded = np.zeros(((rows + 1) * step, (columns + 1) * step), np.complex64)
    padded[step : step + height, step : step + width] = signal
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (patch, patch))[::step, ::step]
    spectrum = fft.fft2(tiles, workers=1)
    size = (1, 1, SPECTRUM_WINDOW, SPECTRUM_WINDOW)
    weight = uniform_filter(np.abs(spectrum), size, mode="wrap")
    peak = weight.max(axis=(2, 3), keepdims=True)
    spectrum *= (weight / np.maximum(peak, 1e-12)) ** np.float32(exponent)
    tiles = fft.ifft2(spectrum, workers=1)
    # sin^2 windows half a patch apart add up to one.
    ramp = np.sin(np.pi * (np.arange(patch) + 0.5) / patch).astype(np.float32) ** 2
    tiles *= np.outer(ramp, ramp)
    joined = np.zeros_like(padded)
    for down in (0, 1):
        for right in (0, 1):
            part = tiles[down::2, right::2]
            block = part.swapaxes(1, 2).reshape(part.shape[0] * patch, part.shape[1] * patch)
            top, left = down * step, right * step
            joined[top : top + block.shape[0], left : left + block.shape[1]] += block
    return joined[step : step + height, step : step + width]
