"""The ground: relief, volcanoes, water, plant cover and ice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field

RELIEF_SLOPE = 2.4
REFERENCE_EXTENT_M = 28_000.0
AREA_PER_VOLCANO_M2 = 4e8
MAX_VOLCANOES = 8


@dataclass(frozen=True)
class Climate:
    """What kind of place a frame is.

    Attributes:
        name: Its name, for descriptions.
        latitude: Range of its latitudes, degrees.
        water: Fraction of the frame under water.
        base_m: Elevation of the water, or of the lowest ground.
        relief_m: Standard deviation of the relief apart from volcanoes.
        volcano_m: Range of the volcanoes' heights above it.
        vegetation: Typical plant cover, 0..1.
        temperature_k: Mean air temperature at sea level.
        season_k: Amplitude of its yearly course.
        vapour: Mean column water vapour at sea level, kg m-2.
        ice: Whether the highest volcano bears a glacier.
    """

    name: str
    latitude: tuple[float, float]
    water: float
    base_m: float
    relief_m: float
    volcano_m: tuple[float, float]
    vegetation: float
    temperature_k: float
    season_k: float
    vapour: float
    ice: bool


CLIMATES = (
    Climate("tropical island", (-10, 18), 0.28, 0, 90, (900, 1600), 0.5, 299.5, 1.5, 34, False),
    Climate("arid rift", (-4, 14), 0.03, 250, 110, (500, 1100), 0.15, 300, 2.5, 26, False),
    Climate("cool highland", (38, 60), 0.05, 300, 200, (1300, 2300), 0.55, 284, 8, 15, True),
)


@dataclass(frozen=True)
class Volcano:
    """An edifice.

    Attributes:
        east: Position of the summit in local metres.
        north: Position of the summit in local metres.
        height: Metres above its foot.
        radius: Metres in which its flanks fall off to 1/e.
        rift: Strike of its rift zone, degrees from north.
    """

    east: float
    north: float
    height: float
    radius: float
    rift: float


@dataclass(frozen=True)
class Terrain:
    """The ground of a frame.

    Attributes:
        dem: Elevation in metres, float32 (H, W).
        water: Sea or lake, bool (H, W).
        vegetation: Plant cover 0..1, (H, W).
        slope_east: Rise per metre eastwards, (H, W).
        slope_north: Rise per metre northwards, (H, W).
        volcanoes: The edifices, highest first.
        ice: Speed profile of the glacier, 0..1, (H, W); all zero where there is none.
        downhill: Horizontal unit vector (east, north) of the glacier's flow.
    """

    dem: np.ndarray
    water: np.ndarray
    vegetation: np.ndarray
    slope_east: np.ndarray
    slope_north: np.ndarray
    volcanoes: tuple[Volcano, ...]
    ice: np.ndarray
    downhill: tuple[float, float]


def length_scale(grid: FrameGrid) -> float:
    """Factor for lengths of volcanoes and sources, so that they fit into small frames."""
    return min(1.0, grid.extent_m / REFERENCE_EXTENT_M)


def volcano_count(grid: FrameGrid) -> int:
    """How many volcanoes a frame has, by its area."""
    (height, width), (north_m, east_m) = grid.shape, grid.pixel_m
    area = height * north_m * width * east_m
    return int(np.clip(round(area / AREA_PER_VOLCANO_M2), 1, MAX_VOLCANOES))


def draw_terrain(rng: np.random.Generator, grid: FrameGrid, climate: Climate) -> Terrain:
    """Make up the ground of a frame.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        climate: What kind of place it is.
    """
    east, north = grid.local()
    north_m, east_m = grid.pixel_m
    volcanoes = _draw_volcanoes(rng, grid, climate)
    relief = climate.relief_m * power_law_field(rng, grid.shape, north_m, [RELIEF_SLOPE])
    tilt = rng.uniform(0, 2 * np.pi)
    # The land falls towards one side, so that water gathers there rather than everywhere.
    fall = 3 * climate.relief_m * climate.water**0.5
    relief += fall * (east * np.cos(tilt) + north * np.sin(tilt)) / (grid.extent_m / 2)
    for volcano in volcanoes:
        relief += _edifice(rng, volcano, east, north)
    level = np.quantile(relief, climate.water)
    water = relief <= level
    dem = np.where(water, 0, relief - level) + climate.base_m
    slope_south, slope_east = (np.asarray(part) for part in np.gradient(dem, north_m, east_m))
    cover = power_law_field(rng, grid.shape, north_m, [2.0])
    odds = np.log(climate.vegetation / (1 - climate.vegetation))
    vegetation = expit(odds + 1.3 * cover) * expit((2300 - dem) / 250)
    for volcano in volcanoes:
        distance = np.hypot(east - volcano.east, north - volcano.north)
        vegetation *= 1 - 0.8 * np.exp(-((distance / (0.8 * volcano.radius)) ** 2))
    ice, downhill = _draw_ice(rng, volcanoes[0], east, north)
    ice = ice * ~water if climate.ice else np.zeros(grid.shape)
    vegetation *= ice == 0
    return Terrain(
        dem=dem.astype(np.float32),
        water=water,
        vegetation=vegetation,
        slope_east=slope_east,
        slope_north=-slope_south,
        volcanoes=volcanoes,
        ice=ice,
        downhill=downhill,
    )


def _draw_volcanoes(
    rng: np.random.Generator, grid: FrameGrid, climate: Climate
) -> tuple[Volcano, ...]:
    height, width = grid.shape
    north_m, east_m = grid.pixel_m
    scale = length_scale(grid)
    # Spots far apart from each other and from the frame's edges.
    spots: list[np.ndarray] = []
    reach = 0.27 * np.array([width * east_m, height * north_m])
    for _ in range(volcano_count(grid)):
        offered = rng.uniform(-reach, reach, (12, 2))
        apart = [min((float(np.linalg.norm(o - s)) for s in spots), default=0.0) for o in offered]
        spots.append(offered[int(np.argmax(apart))])
    volcanoes = [
        Volcano(
            float(spot[0]),
            float(spot[1]),
            float(rng.uniform(*climate.volcano_m) * scale**0.5),
            float(rng.uniform(3000, 5000) * scale),
            float(rng.uniform(0, 180)),
        )
        for spot in spots
    ]
    return tuple(sorted(volcanoes, key=lambda volcano: -volcano.height))


def _edifice(
    rng: np.random.Generator, volcano: Volcano, east: np.ndarray, north: np.ndarray
) -> np.ndarray:
    distance = np.hypot(east - volcano.east, north - volcano.north)
    caldera = volcano.radius * rng.uniform(0.12, 0.4)
    # Flanks fall off exponentially; the summit is blunt and holds a crater or a caldera.
    flank = volcano.height * np.exp(-np.hypot(distance, caldera) / volcano.radius)
    floor = volcano.height * rng.uniform(0.1, 0.25)
    return flank - floor * np.exp(-((distance / caldera) ** 4))


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
