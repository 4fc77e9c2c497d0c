"""Sources made of several rectangles: a caldera with its ring fault, a spheroid.

The spheroid is a compound dislocation model (Nikkhoo et al. 2017), the caldera a sill with a ring
of vertical faults. Coordinates are those of `sources.elastic`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset_script.synthetic.sources.elastic import Dislocation, bounds_of, displace_triangles

RING_SIDES = 12


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

    def bounds(self) -> np.ndarray:
        """See `Source.bounds`."""
        return bounds_of(np.concatenate([part.bounds() for part in (self.sill, *self.ring())]))


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
        axes = self.axes()
        total = np.zeros((*np.shape(east), 3))
        for normal, corners in enumerate(self.rectangles()):
            if corners[:, 2].max() >= 0:
                raise ValueError(f"the spheroid {self} reaches the surface")
            triangles = corners[[[0, 1, 2], [0, 2, 3]]]
            # The side that opens is the one that the triangles' own normal points to.
            facing = np.cross(triangles[0, 1] - triangles[0, 0], triangles[0, 2] - triangles[0, 0])
            jump = self.opening * axes[normal] * np.sign(facing @ axes[normal])
            total += displace_triangles(triangles, jump, east, north)
        return total

    def rectangles(self) -> np.ndarray:
        """Corners of the rectangle across each axis, (3, 4, 3)."""
        found = []
        for normal in range(3):
            first, second = (self.axes()[k] * self.semi_axes[k] for k in range(3) if k != normal)
            found.append([-first - second, first - second, first + second, second - first])
        return np.array([self.east, self.north, -self.depth]) + np.array(found)

    def bounds(self) -> np.ndarray:
        """See `Source.bounds`."""
        return bounds_of(self.rectangles().reshape(-1, 3))
