"""The stratified troposphere: the delay that ERA5 fields and elevation imply, and its removal.

Surface pressure ps, vertical integral of temperature and column water vapour W belong to the height
h0 of the weather model's ground.

- The air has one lapse rate G, so that its mass-weighted mean temperature g * integral / ps is
  Ts / (1 + Rd G / g), which gives the temperature Ts at h0.
- Pressure at elevation h: p = ps (1 - G (h - h0) / Ts) ** (g / (Rd G)).
- Hydrostatic zenith delay: 2.2768e-5 m/Pa * p (Saastamoinen 1972; Davis et al. 1985).
- Water vapour above elevation h: W exp(-(h - h0) / 2 km).
- Wet zenith delay: 1e-6 Rv (k2' + k3 / Tm) W, with Tm = 70.2 + 0.72 Ts (Bevis et al. 1992, 1994).

A cube stores neither h0 nor the incidence angle. The height is that at which a standard sea-level
pressure has fallen to ps, mean of both dates; the angle is that of the middle of Sentinel-1's wide
swaths. What is removed is therefore right to about a tenth, and turbulence stays.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dataset_script.channels import ATMOSPHERIC_VARIABLES, WAVELENGTH_M
from dataset_script.wrapping import wrap

GRAVITY = 9.80665
DRY_GAS = 287.05
VAPOUR_GAS = 461.5
LAPSE = 0.0065
VAPOUR_SCALE_M = 2000.0
HYDROSTATIC_M_PER_PA = 2.2768e-5
K2_PRIME = 0.221  # K/Pa
K3 = 3739.0  # K2/Pa
SEA_LEVEL_PA = 101_325.0
MIDDLE_INCIDENCE = np.radians(39.0)

VAPOUR, PRESSURE, TEMPERATURE = ATMOSPHERIC_VARIABLES
Fields = Mapping[str, np.ndarray]
"""`ATMOSPHERIC_VARIABLES` of one date at the pixels, in the channel table's units, (H, W)."""


def stratified_delay(fields: Fields, dem: np.ndarray, orography: np.ndarray) -> np.ndarray:
    """Zenith delay of the stratified air above the ground.

    Args:
        fields: The date's fields.
        dem: Elevation of the ground in metres, (H, W).
        orography: Height that the fields belong to, in metres, (H, W).

    Returns:
        Metres, float64 (H, W).
    """
    pressure = fields[PRESSURE].astype(float)
    rise = dem - orography
    surface_k = _surface_temperature(fields)
    at_ground = pressure * (1 - LAPSE * rise / surface_k) ** (GRAVITY / (DRY_GAS * LAPSE))
    vapour = fields[VAPOUR] * np.exp(-rise / VAPOUR_SCALE_M)
    wet = 1e-6 * VAPOUR_GAS * (K2_PRIME + K3 / (70.2 + 0.72 * surface_k)) * vapour
    return HYDROSTATIC_M_PER_PA * at_ground + wet


def stratified_phase(primary: Fields, secondary: Fields, dem: np.ndarray) -> np.ndarray:
    """Phase that the stratified air adds to an interferogram.

    Args:
        primary: Fields of the primary date.
        secondary: Fields of the secondary date.
        dem: Elevation in metres, (H, W).

    Returns:
        Radians, float64 (H, W), positive where the secondary date's delay is the longer.
    """
    orography = (_orography(primary) + _orography(secondary)) / 2
    longer = stratified_delay(secondary, dem, orography) - stratified_delay(primary, dem, orography)
    return 4 * np.pi / WAVELENGTH_M * longer / np.cos(MIDDLE_INCIDENCE)


def remove_stratified(
    phase: np.ndarray, primary: Fields, secondary: Fields, dem: np.ndarray
) -> np.ndarray:
    """Take the stratified air out of a wrapped phase.

    An interferogram's phase is relative: the mean of what is taken out is zero. Pixels without
    data (phase exactly 0) and those without elevation or fields stay as they are.

    Args:
        phase: Wrapped phase in radians, (H, W).
        primary: Fields of the primary date.
        secondary: Fields of the secondary date.
        dem: Elevation in metres, (H, W).

    Returns:
        float32 (H, W), in (-pi, pi], exactly 0 where the input is.
    """
    added = stratified_phase(primary, secondary, dem)
    known = np.isfinite(added) & (phase != 0)
    if not known.any():
        return phase.astype(np.float32)
    less = wrap(phase - np.where(known, added - added[known].mean(), 0))
    return np.where(known, less, phase).astype(np.float32)


def _surface_temperature(fields: Fields) -> np.ndarray:
    """Temperature of the air at the weather model's ground, K (H, W)."""
    mean_k = GRAVITY * fields[TEMPERATURE] / fields[PRESSURE].astype(float)
    return mean_k * (1 + DRY_GAS * LAPSE / GRAVITY)


def _orography(fields: Fields) -> np.ndarray:
    """Height where a standard sea-level pressure has fallen to the surface pressure, m (H, W)."""
    ratio = (SEA_LEVEL_PA / fields[PRESSURE].astype(float)) ** (DRY_GAS * LAPSE / GRAVITY)
    return _surface_temperature(fields) * (ratio - 1) / LAPSE
