"""Shaded relief."""

from __future__ import annotations

import numpy as np


def hillshade(dem: np.ndarray, pixel_metres: float, exaggeration: float) -> np.ndarray:
    """Shaded relief, lit from the north-west at 45 degrees.

    Args:
        dem: Elevation in metres, [H, W], NaN where unknown.
        pixel_metres: Side of a pixel on the ground.
        exaggeration: How many times steeper than it is the relief is drawn.

    Returns:
        float [H, W] in 0..1, NaN where the elevation is unknown.
    """
    from matplotlib.colors import LightSource

    known = np.isfinite(dem)
    level = np.where(known, dem, dem[known].mean() if known.any() else 0.0)
    light = LightSource(azdeg=315, altdeg=45)
    shade = light.hillshade(level, vert_exag=exaggeration, dx=pixel_metres, dy=pixel_metres)
    return np.where(known, shade, np.nan)
