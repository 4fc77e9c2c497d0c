"""Turbulent air, made on the device: here and there it looks like a source, and is none."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SLOPE = 11 / 3
"""Fall of the power of turbulent delay with the wavenumber in two dimensions (Hanssen 2001)."""
SMOOTHING = 1.5
"""Standard deviation in pixels of what looks and an adaptive filter leave of the finest detail."""
PATCHES = 3.0
"""A field's strong and calm parts are about a third of a crop wide."""


def turbulence(like: Tensor, outer_scale: float, seed: int) -> Tensor:
    """Draw a turbulent field for each step, strong in parts of a scene and calm in others.

    Its power is flat up to the greatest eddies and falls as k^(-11/3) beyond (Hanssen 2001,
    "Radar Interferometry", 4.7). The strength varies over the scene, as it does over islands and
    at fronts.

    Args:
        like: Any tensor `[T, H, W]`, for shape, type and device.
        outer_scale: The greatest eddies, in pixels.
        seed: Of the draw.

    Returns:
        `[T, H, W]`: each step's mean is zero and its standard deviation one.
    """
    source = torch.Generator(like.device).manual_seed(seed)
    height, width = like.shape[1:]
    rows = torch.fft.fftfreq(height, device=like.device)[:, None]
    columns = torch.fft.rfftfreq(width, device=like.device)[None]
    wavenumber = torch.hypot(rows, columns)
    smooth = torch.exp(-2 * (math.pi * SMOOTHING * wavenumber).square())

    def field(scale: float) -> Tensor:
        weight = (wavenumber.square() + scale**-2) ** (-SLOPE / 4) * smooth
        white = torch.randn(like.shape, generator=source, device=like.device, dtype=like.dtype)
        values = torch.fft.irfft2(torch.fft.rfft2(white) * weight, s=(height, width))
        return _standard(values)

    strength = torch.exp(field(math.hypot(height, width) / PATCHES))
    return _standard(field(outer_scale) * strength)


def _standard(values: Tensor) -> Tensor:
    values = values - values.mean((1, 2), keepdim=True)
    return values / values.std((1, 2), keepdim=True).clamp_min(1e-6)
