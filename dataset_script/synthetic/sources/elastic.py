"""Volcanic and tectonic sources in a homogeneous elastic half space with a flat free surface.

The point source is Mogi's (1958) closed form. The others are of rectangular dislocations (Okada
1985), each as two triangular dislocations (Nikkhoo & Walter 2015) evaluated by `cutde`.
Coordinates are east, north, up in metres about the frame's centre; depths are positive downwards,
the surface is at zero.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

POISSON = 0.25


class Source(Protocol):
    """Anything that displaces the surface; it has a centre in metres, its depth downwards."""

    @property
    def east(self) -> float:
        """Position of the centre."""

    @property
    def north(self) -> float:
        """Position of the centre."""

    @property
    def depth(self) -> float:
        """Depth of the centre."""

    def displacement(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """Surface displacement.

        Args:
            east: Metres east, any shape S.
            north: Metres north, shape S.

        Returns:
            East, north, up displacement in metres, shape S + (3,).
        """

    def bounds(self) -> np.ndarray:
        """The least box around the source: its lowest and highest east, north and up, (2, 3)."""


@dataclass(frozen=True)
class Mogi:
    """A small pressurised sphere: u = (1 - nu) dV / pi * (x, y, d) / R^3 (Mogi 1958).

    Attributes:
        east: Position in metres.
        north: Position in metres.
        depth: Depth of the centre in metres.
        volume: Volume change in cubic metres.
    """

    east: float
    north: float
    depth: float
    volume: float = 1e6

    def displacement(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """See `Source.displacement`."""
        vector = np.stack(
            [east - self.east, north - self.north, np.full(np.shape(east), self.depth)], axis=-1
        )
        cubed = np.sum(vector**2, axis=-1, keepdims=True) ** 1.5
        return (1 - POISSON) * self.volume / np.pi * vector / cubed

    def bounds(self) -> np.ndarray:
        """See `Source.bounds`."""
        return np.tile([self.east, self.north, -self.depth], (2, 1))


@dataclass(frozen=True)
class Dislocation:
    """A rectangle across which the displacement jumps.

    Attributes:
        east: Position of the rectangle's centre in metres.
        north: Position of the rectangle's centre in metres.
        depth: Depth of the rectangle's centre in metres.
        length: Side along strike in metres.
        width: Side down dip in metres.
        strike: Clockwise from north, degrees; the rectangle dips to the right of it.
        dip: From the horizontal, degrees.
        slip: Jump along strike (left-lateral positive), up dip (thrust positive) and across
            (opening positive) in metres, as in Okada (1985).
    """

    east: float
    north: float
    depth: float
    length: float
    width: float
    strike: float
    dip: float
    slip: tuple[float, float, float]

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors along strike, up dip and normal to the plane (upwards), each (3,)."""
        strike, dip = np.radians(self.strike), np.radians(self.dip)
        along = np.array([np.sin(strike), np.cos(strike), 0.0])
        left = np.array([-np.cos(strike), np.sin(strike), 0.0])
        up_dip = left * np.cos(dip) + np.array([0.0, 0.0, np.sin(dip)])
        return along, up_dip, np.cross(along, up_dip)

    def displacement(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """See `Source.displacement`.

        Raises:
            ValueError: If the rectangle reaches the surface.
        """
        corners = self.corners()
        if corners[:, 2].max() >= 0:
            raise ValueError(f"the dislocation {self} reaches the surface")
        jump = np.stack(self.axes(), axis=1) @ np.array(self.slip)
        return displace_triangles(corners[[[0, 1, 2], [0, 2, 3]]], jump, east, north)

    def corners(self) -> np.ndarray:
        """The rectangle's corners in turn, (4, 3)."""
        along, up_dip, _ = self.axes()
        centre = np.array([self.east, self.north, -self.depth])
        reach = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        return np.array(
            [centre + a * along * self.length / 2 + b * up_dip * self.width / 2 for a, b in reach]
        )

    def bounds(self) -> np.ndarray:
        """See `Source.bounds`."""
        return bounds_of(self.corners())


def bounds_of(points: np.ndarray) -> np.ndarray:
    """The least box around points (N, 3): its lowest and highest corner, (2, 3)."""
    return np.stack([points.min(axis=0), points.max(axis=0)])


def displace_triangles(
    triangles: np.ndarray, jump: np.ndarray, east: np.ndarray, north: np.ndarray
) -> np.ndarray:
    """Surface displacement of triangles that share one displacement jump.

    Args:
        triangles: Corners, (N, 3, 3).
        jump: Displacement of the side the triangles' normal points to, against the other, (3,).
        east: Metres east, shape S.
        north: Metres north, shape S.

    Returns:
        East, north, up in metres, shape S + (3,).
    """
    # cutde prefers a GPU where it finds one; the same seed must give the same bytes anywhere.
    os.environ.setdefault("CUTDE_USE_BACKEND", "cpp")
    from cutde.halfspace import disp_free

    slips = np.stack([_frame(triangle) @ jump for triangle in triangles])
    points = np.zeros((np.size(east), 3))
    points[:, 0] = np.ravel(east)
    points[:, 1] = np.ravel(north)
    moved = disp_free(points, np.ascontiguousarray(triangles), slips, POISSON)
    return moved.reshape(*np.shape(east), 3)


def _frame(triangle: np.ndarray) -> np.ndarray:
    """Rows along strike, up dip and normal of a triangle, by Nikkhoo & Walter's convention."""
    normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
    normal /= np.linalg.norm(normal)
    strike = np.cross([0.0, 0.0, 1.0], normal)
    length = np.linalg.norm(strike)
    if length < 1e-12:
        strike = np.array([0.0, np.sign(normal[2]), 0.0])
    else:
        strike /= length
    return np.stack([strike, np.cross(normal, strike), normal])
