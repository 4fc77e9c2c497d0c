"""The ground: relief with volcanoes, water, ice, and what covers it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from dataset_script.synthetic.ground.climates import Climate
from dataset_script.synthetic.ground.cover import LandCover, draw_cover
from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field
from dataset_script.synthetic.ground.volcanoes import Volcano, draw_volcanoes

RELIEF_SLOPE = 2.4


@dataclass(frozen=True)
class Terrain:
    """The ground of a frame.

    Attributes:
        dem: Elevation in metres, float32 (H, W).
        water: Sea or lake, bool (H, W).
        cover: What the land is covered with.
        slope_east: Rise per metre eastwards, (H, W).
        slope_north: Rise per metre northwards, (H, W).
        volcanoes: The edifices, highest first.
        ice: Speed profile of the glacier, 0..1, (H, W); all zero where there is none.
        downhill: Horizontal unit vector (east, north) of the glacier's flow.
    """

    dem: np.ndarray
    water: np.ndarray
    cover: LandCover
    slope_east: np.ndarray
    slope_north: np.ndarray
    volcanoes: tuple[Volcano, ...]
    ice: np.ndarray
    downhill: tuple[float, float]


def draw_terrain(rng: np.random.Generator, grid: FrameGrid, climate: Climate) -> Terrain:
    """Make up the ground of a frame.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        climate: What kind of place it is.
    """
    east, north = grid.local()
    north_m, east_m = grid.pixel_m
    volcanoes = draw_volcanoes(rng, grid, climate)
    flooded = rng.uniform(*climate.water)
    relief = climate.relief_m * power_law_field(rng, grid.shape, north_m, [RELIEF_SLOPE])
    tilt = rng.uniform(0, 2 * np.pi)
    # The land falls towards one side, so that water gathers there rather than everywhere.
    fall = 3 * climate.relief_m * flooded**0.5
    relief += fall * (east * np.cos(tilt) + north * np.sin(tilt)) / (grid.extent_m / 2)
    for volcano in volcanoes:
        relief += volcano.relief(east, north)
    level = np.quantile(relief, flooded)
    water = relief <= level
    dem = np.where(water, 0, relief - level) + climate.base_m
    slope_south, slope_east = (np.asarray(part) for part in np.gradient(dem, north_m, east_m))
    ice, downhill = _draw_ice(rng, volcanoes[0], east, north)
    ice = ice * ~water if climate.ice else np.zeros(grid.shape)
    return Terrain(
        dem=dem.astype(np.float32),
        water=water,
        cover=draw_cover(rng, grid, climate, dem, water, ice > 0, volcanoes),
        slope_east=slope_east,
        slope_north=-slope_south,
        volcanoes=volcanoes,
        ice=ice,
        downhill=downhill,
    )


def _draw_ice(
    rng: np.random.Generator, volcano: Volcano, east: np.ndarray, north: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    bearing = rng.uniform(0, 2 * np.pi)
    downhill = (float(np.sin(bearing)), float(np.cos(bearing)))
    along = (east - volcano.east) * downhill[0] + (north - volcano.north) * downhill[1]
    across = (east - volcano.east) * downhill[1] - (north - volcano.north) * downhill[0]
    along = (along - 0.55 * volcano.radius) / (0.45 * volcano.radius)
    across = across / (0.28 * volcano.radius)
    tongue = np.clip(1 - along**2 - across**2, 0, None)
    return gaussian_filter(tongue, 1.0), downhill
