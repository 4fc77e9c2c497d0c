"""Volcanic and tectonic sources in a homogeneous elastic half space with a flat free surface.

The point source is Mogi's (1958) closed form. The others are rectangular dislocations (Okada
1985), each as two triangular dislocations (Nikkhoo & Walter 2015) evaluated by `cutde`; the
spheroid is a compound dislocation model (Nikkhoo et al. 2017), the caldera a sill with a ring of
vertical faults. Coordinates are east, north, up in
metres about the frame's centre; depths are positive downwards, the surface is at zero.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

POISSON = 0.25
RING_SIDES = 12


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
        along, up_dip, normal = self.axes()
        centre = np.array([self.east, self.north, -self.depth])
        reach = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        corners = np.array(
            [centre + a * along * self.length / 2 + b * up_dip * self.width / 2 for a, b in reach]
        )
        if corners[:, 2].max() >= 0:
            raise ValueError(f"the dislocation {self} reaches the surface")
        jump = np.stack([along, up_dip, normal], axis=1) @ np.array(self.slip)
        return _triangles(corners[[[0, 1, 2], [0, 2, 3]]], jump, east, north)


@dataclass(frozen=True)
class Caldera:
    """A sill under a caldera whose floor moves along the ring fault that bounds it.

    The ring is a polygon of vertical rectangles that slip along their dip. Their slip varies around
    the ring from nothing to its most, as that of a trapdoor does (Amelung et al. 2000), or is the
    same all around.

    Attributes:
        sill: What opens below; its centre is the ring's.
        radius: Radius of the ring in metres.
        top: Depth of the ring fault's upper edge in metres.
        bottom: Depth of its lower edge in metres.
        slip: Most slip against the sill's opening; positive lifts the floor.
        hinge: Azimuth of the side that does not slip, degrees; None for the same slip all around.
    """

    sill: Dislocation
    radius: float
    top: float
    bottom: float
    slip: float
    hinge: float | None = None

    @property
    def east(self) -> float:
        """Position of the sill's centre."""
        return self.sill.east

    @property
    def north(self) -> float:
        """Position of the sill's centre."""
        return self.sill.north

    @property
    def depth(self) -> float:
        """Depth of the sill."""
        return self.sill.depth

    def ring(self) -> list[Dislocation]:
        """The rectangles of the ring fault, clockwise from north."""
        azimuths = 360 / RING_SIDES * (np.arange(RING_SIDES) + 0.5)
        side = 2 * self.radius * np.tan(np.pi / RING_SIDES)
        parts = []
        for azimuth in azimuths:
            angle = np.radians(azimuth)
            share = 1.0
            if self.hinge is not None:
                share = (1 - np.cos(angle - np.radians(self.hinge))) / 2
            parts.append(
                Dislocation(
                    self.east + self.radius * np.sin(angle),
                    self.north + self.radius * np.cos(angle),
                    (self.top + self.bottom) / 2,
                    side,
                    self.bottom - self.top,
                    # Clockwise around the ring, so that its inside is the hanging wall.
                    float(azimuth + 90),
                    90.0,
                    (0.0, float(self.slip * share), 0.0),
                )
            )
        return parts

    def displacement(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """See `Source.displacement`."""
        moved = [part.displacement(east, north) for part in (self.sill, *self.ring())]
        return np.sum(moved, axis=0)


@dataclass(frozen=True)
class Spheroid:
    """A compound dislocation: three orthogonal rectangles that open alike (Nikkhoo et al. 2017).

    Attributes:
        east: Position of the centre in metres.
        north: Position of the centre in metres.
        depth: Depth of the centre in metres.
        semi_axes: Half sides of the compound along its three axes, the third near vertical.
        plunge: Tilt of the third axis from the vertical, degrees.
        trend: Azimuth of that tilt, degrees clockwise from north.
        opening: Opening of every rectangle in metres.
    """

    east: float
    north: float
    depth: float
    semi_axes: tuple[float, float, float]
    plunge: float = 0.0
    trend: float = 0.0
    opening: float = 1.0

    def axes(self) -> np.ndarray:
        """Unit vectors of the three axes, rows of a (3, 3)."""
        trend, plunge = np.radians(self.trend), np.radians(self.plunge)
        first = np.array([np.cos(trend), -np.sin(trend), 0.0])
        third = np.array(
            [np.sin(trend) * np.sin(plunge), np.cos(trend) * np.sin(plunge), np.cos(plunge)]
        )
        return np.stack([first, np.cross(third, first), third])

    def displacement(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """See `Source.displacement`.

        Raises:
            ValueError: If the compound reaches the surface.
        """
        centre = np.array([self.east, self.north, -self.depth])
        axes = self.axes()
        total = np.zeros((*np.shape(east), 3))
        for normal in range(3):
            first, second = (axes[k] * self.semi_axes[k] for k in range(3) if k != normal)
            corners = centre + np.array(
                [-first - second, first - second, first + second, second - first]
            )
            if corners[:, 2].max() >= 0:
                raise ValueError(f"the spheroid {self} reaches the surface")
            triangles = corners[[[0, 1, 2], [0, 2, 3]]]
            # The side that opens is the one that the triangles' own normal points to.
            facing = np.cross(triangles[0, 1] - triangles[0, 0], triangles[0, 2] - triangles[0, 0])
            jump = self.opening * axes[normal] * np.sign(facing @ axes[normal])
            total += _triangles(triangles, jump, east, north)
        return total


def _triangles(
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
