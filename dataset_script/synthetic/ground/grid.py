"""Where the pixels of a frame lie: its latitudes, longitudes and local metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import Geod

PIXEL_DEGREES = 0.001
STRIPMAP_DEGREES = 0.0003
"""Pixels of the frames that were acquired in stripmap mode, about 33 m."""
ELLIPSOID = Geod(ellps="WGS84")


@dataclass(frozen=True)
class FrameGrid:
    """A regular geographic grid.

    Attributes:
        latitude: Pixel centres, degrees north, descending, (H,).
        longitude: Pixel centres, degrees east, ascending, (W,).
        pixel_degrees: Distance between them.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    pixel_degrees: float = PIXEL_DEGREES

    @classmethod
    def around(
        cls,
        latitude: float,
        longitude: float,
        height: int,
        width: int,
        pixel_degrees: float = PIXEL_DEGREES,
    ) -> FrameGrid:
        """Lay a grid around a centre."""
        north = round(latitude + pixel_degrees * (height - 1) / 2, 7)
        west = round(longitude - pixel_degrees * (width - 1) / 2, 7)
        return cls(
            np.round(north - pixel_degrees * np.arange(height), 7),
            np.round(west + pixel_degrees * np.arange(width), 7),
            pixel_degrees,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.latitude), len(self.longitude)

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Size of the central pixel to the north and to the east, in metres."""
        latitude, longitude = self.latitude.mean(), self.longitude.mean()
        half = self.pixel_degrees / 2
        north = ELLIPSOID.inv(longitude, latitude - half, longitude, latitude + half)[2]
        east = ELLIPSOID.inv(longitude - half, latitude, longitude + half, latitude)[2]
        return north, east

    @property
    def extent_m(self) -> float:
        """The shorter side in metres."""
        north, east = self.pixel_m
        return min(self.shape[0] * north, self.shape[1] * east)

    def local(self) -> tuple[np.ndarray, np.ndarray]:
        """Metres east and north of the grid's centre, both (H, W).

        The plane is tangent at the centre; over a frame its error is far below a source's size.
        """
        height, width = self.shape
        north_m, east_m = self.pixel_m
        east = (np.arange(width) - (width - 1) / 2) * east_m
        north = ((height - 1) / 2 - np.arange(height)) * north_m
        return np.broadcast_to(east, self.shape), np.broadcast_to(north[:, None], self.shape)

    def pixel_at(self, east: float, north: float) -> tuple[float, float]:
        """Row and column, in pixels, of a point in local metres; it may lie outside."""
        (height, width), (north_m, east_m) = self.shape, self.pixel_m
        return (height - 1) / 2 - north / north_m, (width - 1) / 2 + east / east_m
