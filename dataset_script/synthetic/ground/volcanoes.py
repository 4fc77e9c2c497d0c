"""Volcanoes: where they stand, how high they are, and where they open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset_script.synthetic.ground.climates import Climate
from dataset_script.synthetic.ground.grid import FrameGrid

REFERENCE_EXTENT_M = 28_000.0
AREA_PER_VOLCANO_M2 = 4e8
MAX_VOLCANOES = 8
WALL_STEEPNESS = 8
"""Exponent of a caldera's rim: its floor ends at a wall."""


@dataclass(frozen=True)
class Volcano:
    """An edifice.

    Attributes:
        east: Position of the summit in local metres.
        north: Position of the summit in local metres.
        height: Metres above its foot.
        radius: Metres in which its flanks fall off to 1/e.
        rift: Strike of its rift zone, degrees from north.
        caldera: Radius of its crater or caldera in metres.
        floor: Depth of the caldera's floor below the summit, as a share of the height.
    """

    east: float
    north: float
    height: float
    radius: float
    rift: float
    caldera: float
    floor: float

    def relief(self, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """Metres that it adds to the ground: exponential flanks, a blunt summit, a caldera."""
        distance = np.hypot(east - self.east, north - self.north)
        flank = self.height * np.exp(-np.hypot(distance, self.caldera) / self.radius)
        return flank - self.floor * self.height * np.exp(
            -((distance / self.caldera) ** WALL_STEEPNESS)
        )

    def vent(self, rng: np.random.Generator, grid: FrameGrid) -> tuple[float, float]:
        """Draw a vent, as row and column: at the caldera's rim or along the rift."""
        if rng.random() < 0.5:
            bearing, away = rng.uniform(0, 2 * np.pi), self.caldera * rng.uniform(0.8, 1.3)
        else:
            bearing = np.radians(self.rift) + rng.choice([0, np.pi]) + rng.normal(0, 0.15)
            away = self.radius * rng.uniform(0.2, 1.5)
        return grid.pixel_at(
            self.east + away * np.sin(bearing), self.north + away * np.cos(bearing)
        )


def length_scale(grid: FrameGrid) -> float:
    """Factor for lengths of volcanoes and sources, so that they fit into small frames."""
    return min(1.0, grid.extent_m / REFERENCE_EXTENT_M)


def volcano_count(grid: FrameGrid) -> int:
    """How many volcanoes a frame has, by its area."""
    (height, width), (north_m, east_m) = grid.shape, grid.pixel_m
    area = height * north_m * width * east_m
    return int(np.clip(round(area / AREA_PER_VOLCANO_M2), 1, MAX_VOLCANOES))


def draw_volcanoes(
    rng: np.random.Generator, grid: FrameGrid, climate: Climate
) -> tuple[Volcano, ...]:
    """Place the volcanoes of a frame, far apart from each other and from its edges.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        climate: What kind of place it is.

    Returns:
        The volcanoes, highest first.
    """
    height, width = grid.shape
    north_m, east_m = grid.pixel_m
    scale = length_scale(grid)
    spots: list[np.ndarray] = []
    reach = 0.27 * np.array([width * east_m, height * north_m])
    for _ in range(volcano_count(grid)):
        offered = rng.uniform(-reach, reach, (12, 2))
        apart = [min((float(np.linalg.norm(o - s)) for s in spots), default=0.0) for o in offered]
        spots.append(offered[int(np.argmax(apart))])
    volcanoes = []
    for spot in spots:
        radius = float(rng.uniform(3000, 5000) * scale)
        volcanoes.append(
            Volcano(
                east=float(spot[0]),
                north=float(spot[1]),
                height=float(rng.uniform(*climate.volcano_m) * scale**0.5),
                radius=radius,
                rift=float(rng.uniform(0, 180)),
                caldera=float(radius * rng.uniform(0.12, 0.6)),
                floor=float(rng.uniform(0.1, 0.25)),
            )
        )
    return tuple(sorted(volcanoes, key=lambda volcano: -volcano.height))
