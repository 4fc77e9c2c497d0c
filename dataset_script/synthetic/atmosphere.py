"""Tropospheric delay of an acquisition: stratified after ERA5-like fields, and turbulent.

The stratified part is a function of the fields that the cube stores and of the elevation:
surface pressure ps, vertical integral of temperature and column water vapour W, all at the height
h0 of a smooth model orography, on nodes 0.25 degrees apart, interpolated bilinearly.

- The air has one lapse rate G, so that its mass-weighted mean temperature g * integral / ps is
  Ts / (1 + Rd G / g), which gives the temperature Ts at h0.
- Pressure at elevation h: p = ps (1 - G (h - h0) / Ts) ** (g / (Rd G)).
- Hydrostatic zenith delay: 2.2768e-5 m/Pa * p (Saastamoinen 1972; Davis et al. 1985).
- Water vapour above elevation h: W exp(-(h - h0) / 2 km).
- Wet zenith delay: 1e-6 Rv (k2' + k3 / Tm) W, with Tm = 70.2 + 0.72 Ts (Bevis et al. 1992, 1994).

Turbulence is Hanssen's (2001): an isotropic surface a date whose spectrum falls as k^-5/3 at
wavelengths beyond the thickness of the wet layer, and as k^-8/3 below it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from dataset_script.channels import ATMOSPHERIC_VARIABLES
from dataset_script.synthetic.grid import Grid
from dataset_script.synthetic.powerlaw import power_law_field
from dataset_script.synthetic.terrain import Climate

NODE_DEGREES = 0.25
GRAVITY = 9.80665
DRY_GAS = 287.05
VAPOUR_GAS = 461.5
LAPSE = 0.0065
VAPOUR_SCALE_M = 2000.0
HYDROSTATIC_M_PER_PA = 2.2768e-5
K2_PRIME = 0.221  # K/Pa
K3 = 3739.0  # K2/Pa
SEA_LEVEL_PA = 101_325.0

SPECTRUM_SLOPES = (5 / 3, 8 / 3)
SPECTRUM_BREAK_M = 10_000.0
"""With it the structure function follows that of a real crop from 0.9 to 7 km within a tenth."""
TURBULENCE_M = 0.0013
"""Median root mean square difference of the turbulent zenith delay between points 2 km apart."""
TURBULENCE_LAG_M = 2000.0

VAPOUR, PRESSURE, TEMPERATURE = ATMOSPHERIC_VARIABLES


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
    def under(cls, grid: Grid, dem: np.ndarray) -> Nodes:
        """Lay the nodes around a frame; their ground is the frame's own, smoothed."""
        latitude = _node_axis(grid.latitude)[::-1]
        longitude = _node_axis(grid.longitude)
        smooth = gaussian_filter(dem.astype(float), NODE_DEGREES / 0.001 / 4, mode="nearest")
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
        Node values (n, m) of each of `ATMOSPHERIC_VARIABLES`, in the channel table's units.
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


def stratified_delay(
    fields: Mapping[str, np.ndarray], dem: np.ndarray, orography: np.ndarray
) -> np.ndarray:
    """Zenith delay of the stratified air above the ground.

    Args:
        fields: `ATMOSPHERIC_VARIABLES` at the pixels, in the channel table's units, (H, W).
        dem: Elevation of the ground in metres, (H, W).
        orography: Height that the fields belong to, in metres, (H, W).

    Returns:
        Metres, float64 (H, W).
    """
    pressure = fields[PRESSURE].astype(float)
    rise = dem - orography
    mean_k = GRAVITY * fields[TEMPERATURE] / pressure
    surface_k = mean_k * (1 + DRY_GAS * LAPSE / GRAVITY)
    at_ground = pressure * (1 - LAPSE * rise / surface_k) ** (GRAVITY / (DRY_GAS * LAPSE))
    vapour = fields[VAPOUR] * np.exp(-rise / VAPOUR_SCALE_M)
    wet = 1e-6 * VAPOUR_GAS * (K2_PRIME + K3 / (70.2 + 0.72 * surface_k)) * vapour
    return HYDROSTATIC_M_PER_PA * at_ground + wet


def draw_turbulence(rng: np.random.Generator, grid: Grid) -> np.ndarray:
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
    lag = round(TURBULENCE_LAG_M / pixel_m)
    return field * (strength / np.sqrt(np.mean((field[lag:] - field[:-lag]) ** 2)))
