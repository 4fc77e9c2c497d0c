"""Sentinel-1's viewing geometry, and how range becomes phase.

Sign: the interferometric phase is that of a longer path at the secondary date,
`phase = 4 pi / wavelength * (range(secondary) - range(primary))`. Ground that moves towards the
satellite lowers it; delay by the air at the secondary date raises it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset_script.channels import WAVELENGTH_M
from dataset_script.synthetic.ground.grid import FrameGrid

EARTH_RADIUS_M = 6_371_000.0
ALTITUDE_M = 693_000.0
SLANT_RANGE_M = 850_000.0
HEADINGS_DEGREES = {"A": -12.0, "D": -168.0}
NEAR_INCIDENCE_DEGREES = 30.0
FAR_INCIDENCE_DEGREES = 46.0
EDGE_ODDS = (0.15, 0.15, 0.15, 0.15, 0.4)
RADIANS_PER_METRE = 4 * np.pi / WAVELENGTH_M


def ground_range(incidence: float) -> float:
    """Distance along the ground from the satellite's track, in metres, on a spherical Earth.

    Args:
        incidence: Angle between the line of sight and the vertical at the ground, radians.
    """
    look = np.arcsin(EARTH_RADIUS_M / (EARTH_RADIUS_M + ALTITUDE_M) * np.sin(incidence))
    return float(EARTH_RADIUS_M * (incidence - look))


def incidence_at(distance: np.ndarray) -> np.ndarray:
    """Incidence in radians at a ground range in metres; the inverse of `ground_range`."""
    orbit = EARTH_RADIUS_M + ALTITUDE_M
    angle = distance / EARTH_RADIUS_M
    slant = np.sqrt(EARTH_RADIUS_M**2 + orbit**2 - 2 * EARTH_RADIUS_M * orbit * np.cos(angle))
    return np.arccos((orbit * np.cos(angle) - EARTH_RADIUS_M) / slant)


@dataclass(frozen=True)
class Swath:
    """How the satellite sees a frame.

    Attributes:
        incidence: Angle of the line of sight from the vertical, radians, (H, W).
        look: Horizontal unit vector (east, north) in which the right-looking antenna points.
        inside: Pixels that were imaged, bool (H, W).
        azimuth: Metres along the track from the frame's centre, (H, W).
        across: Metres away from the track from the frame's centre, (H, W).
    """

    incidence: np.ndarray
    look: tuple[float, float]
    inside: np.ndarray
    azimuth: np.ndarray
    across: np.ndarray

    def towards_satellite(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """East, north and up components of the unit vector from ground to satellite, (H, W)."""
        sine = np.sin(self.incidence)
        return -self.look[0] * sine, -self.look[1] * sine, np.cos(self.incidence)

    def displacement_phase(self, displacement: np.ndarray) -> np.ndarray:
        """Phase of a displacement of the ground after the primary date.

        Args:
            displacement: East, north, up in metres, (H, W, 3).

        Returns:
            Unwrapped phase in radians, (H, W).
        """
        east, north, up = self.towards_satellite()
        shortening = (
            displacement[..., 0] * east + displacement[..., 1] * north + displacement[..., 2] * up
        )
        return -RADIANS_PER_METRE * shortening

    def zenith_phase(self, delay: np.ndarray) -> np.ndarray:
        """Phase of a zenith delay in metres, mapped to the line of sight by 1 / cos(incidence)."""
        return RADIANS_PER_METRE * delay / np.cos(self.incidence)


def draw_swath(rng: np.random.Generator, grid: FrameGrid, direction: str) -> Swath:
    """Place a frame in an interferometric wide swath, more often than not at an edge of the data.

    The edge is that of near or far range, or the first or last burst; it is slanted by the
    heading and takes up to a sixth of the frame.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        direction: "A" for ascending, "D" for descending.
    """
    heading = np.radians(HEADINGS_DEGREES[direction] + rng.normal(0, 0.8))
    look = (float(np.cos(heading)), float(-np.sin(heading)))
    east, north = grid.local()
    across = east * look[0] + north * look[1]
    azimuth = east * np.sin(heading) + north * np.cos(heading)
    near = ground_range(np.radians(NEAR_INCIDENCE_DEGREES))
    far = ground_range(np.radians(FAR_INCIDENCE_DEGREES))
    cut = rng.uniform(0.01, 1 / 6)
    edge = rng.choice(["near", "far", "first burst", "last burst", "none"], p=EDGE_ODDS)
    half = np.ptp(across) / 2
    centre = rng.uniform(near + half, max(far - half, near + half))
    inside = np.ones(grid.shape, bool)
    if edge == "near":
        centre = near - np.quantile(across, cut)
    elif edge == "far":
        centre = far - np.quantile(across, 1 - cut)
    elif edge == "first burst":
        inside &= azimuth >= np.quantile(azimuth, cut)
    elif edge == "last burst":
        inside &= azimuth <= np.quantile(azimuth, 1 - cut)
    distance = centre + across
    inside &= (distance >= near) & (distance <= far)
    incidence = incidence_at(np.clip(distance, near, far))
    return Swath(incidence, look, inside, azimuth, across)
