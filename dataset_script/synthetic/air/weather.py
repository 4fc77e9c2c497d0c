"""The air that a weather model sees: ERA5-like fields of an acquisition.

The fields lie on nodes 0.25 degrees apart, at the height of a smooth model orography, and are
interpolated bilinearly. `dataset_script.rows.stratification` has the delay that follows from them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from dataset_script.rows.stratification import (
    DRY_GAS,
    GRAVITY,
    LAPSE,
    PRESSURE,
    SEA_LEVEL_PA,
    TEMPERATURE,
    VAPOUR,
    VAPOUR_SCALE_M,
)
from dataset_script.synthetic.ground.climates import Climate
from dataset_script.synthetic.ground.grid import FrameGrid

NODE_DEGREES = 0.25


@dataclass(frozen=True)
class Nodes:
    """The coarse grid of the weather model under a frame.

    Attributes:
        latitude: Node latitudes, descending, (n,).
        longitude: Node longitudes, ascending, (m,).
        to_rows: Bilinear weights from nodes to pixel rows, (H, n).
        to_columns: Bilinear weights from nodes to pixel columns, (W, m).
        orography: Height of the weather model's ground at the nodes, (n, m).
    """

    latitude: np.ndarray
    longitude: np.ndarray
    to_rows: np.ndarray
    to_columns: np.ndarray
    orography: np.ndarray

    @classmethod
    def under(cls, grid: FrameGrid, dem: np.ndarray) -> Nodes:
        """Lay the nodes around a frame; their ground is the frame's own, smoothed."""
        latitude = _node_axis(grid.latitude)[::-1]
        longitude = _node_axis(grid.longitude)
        smooth = gaussian_filter(
            dem.astype(float), NODE_DEGREES / grid.pixel_degrees / 4, mode="nearest"
        )
        rows = np.abs(grid.latitude[:, None] - latitude).argmin(axis=0)
        columns = np.abs(grid.longitude[:, None] - longitude).argmin(axis=0)
        return cls(
            latitude,
            longitude,
            _weights(grid.latitude, latitude),
            _weights(grid.longitude, longitude),
            smooth[np.ix_(rows, columns)],
        )

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Interpolate node values (n, m) bilinearly to the pixels (H, W)."""
        return self.to_rows @ values @ self.to_columns.T


def _node_axis(axis: np.ndarray) -> np.ndarray:
    first = np.floor(axis.min() / NODE_DEGREES)
    last = np.ceil(axis.max() / NODE_DEGREES)
    return NODE_DEGREES * np.arange(first, max(last, first + 1) + 1)


def _weights(axis: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    return np.clip(1 - np.abs(axis[:, None] - nodes) / NODE_DEGREES, 0, 1)


def draw_weather(
    rng: np.random.Generator, nodes: Nodes, climate: Climate, date: datetime.date
) -> dict[str, np.ndarray]:
    """Make up the weather of a date.

    Args:
        rng: Source of randomness, the date's own.
        nodes: The weather model's grid.
        climate: Means and seasons of the place.
        date: The day.

    Returns:
        Node values (n, m) of each of `channels.ATMOSPHERIC_VARIABLES`, in the channel
        table's units.
    """
    shape = nodes.orography.shape
    peak_day = 200 if nodes.latitude.mean() > 0 else 20
    season = np.cos(2 * np.pi * (date.timetuple().tm_yday - peak_day) / 365.25)
    disturbed = np.clip(abs(nodes.latitude.mean()) / 50, 0.25, 1)

    def drift(common: float, local: float) -> np.ndarray:
        return rng.normal(0, common) + local * rng.standard_normal(shape)

    height = nodes.orography
    sea_level_k = climate.temperature_k + climate.season_k * season + drift(1.5, 0.3)
    surface_k = sea_level_k - LAPSE * height
    sea_level_pa = SEA_LEVEL_PA + disturbed * drift(900, 80)
    pressure = sea_level_pa * (surface_k / sea_level_k) ** (GRAVITY / (DRY_GAS * LAPSE))
    mean_k = surface_k / (1 + DRY_GAS * LAPSE / GRAVITY)
    wetness = climate.vapour * np.exp(0.25 * season + drift(0.22, 0.02))
    return {
        VAPOUR: wetness * np.exp(-height / VAPOUR_SCALE_M),
        PRESSURE: pressure,
        TEMPERATURE: mean_k * pressure / GRAVITY,
    }
