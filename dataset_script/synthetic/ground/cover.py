"""Land cover: what the ground is covered with, and how long a radar recognises it.

Covers meet at sharp borders: lava in sectors, tongues and caldera floors, forest on the windward
side, farmland in parcels, towns, ash, snow and ice. Each has a share of coherence that lasts and a
time in which the rest decays (the exponential model of Rocca 2007, with a lasting part).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from dataset_script.synthetic.ground.climates import Climate
from dataset_script.synthetic.ground.flows import draw_flow
from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field
from dataset_script.synthetic.ground.volcanoes import Volcano

COVERS = {
    "rock": (0.94, 2000.0),
    "scrub": (0.30, 70.0),
    "fields": (0.12, 20.0),
    "town": (0.75, 2000.0),
    "ash": (0.30, 40.0),
    "snow": (0.02, 6.0),
    "ice": (0.30, 14.0),
    "forest": (0.02, 5.0),
}
"""Share of coherence that lasts, and the days in which the rest decays to 1/e."""
NAMES = tuple(COVERS)
PARCEL_PIXELS = 3.0
TREELINE_K = 280.0
SNOWLINE_K = 273.5
LAPSE_K_PER_M = 0.0065


@dataclass(frozen=True)
class LandCover:
    """How the ground decorrelates.

    Attributes:
        kinds: Place in `NAMES` of each pixel's cover, int8 (H, W).
        lasting: Share of the coherence that never decays, 0..1, (H, W).
        decay_days: Days in which the rest decays to 1/e, (H, W).
    """

    kinds: np.ndarray
    lasting: np.ndarray
    decay_days: np.ndarray


def draw_cover(
    rng: np.random.Generator,
    grid: FrameGrid,
    climate: Climate,
    dem: np.ndarray,
    water: np.ndarray,
    ice: np.ndarray,
    volcanoes: Sequence[Volcano],
) -> LandCover:
    """Cover the ground of a frame.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        climate: What kind of place it is.
        dem: Elevation in metres, (H, W).
        water: Sea or lake, bool (H, W).
        ice: Ground under a glacier, bool (H, W).
        volcanoes: Its volcanoes.
    """
    east, north = grid.local()
    pixel_m = grid.pixel_m[0]
    land = ~water
    mean_k = climate.temperature_k - LAPSE_K_PER_M * dem
    # Rain falls on one side of the mountains; the patches of a power law blur the rule.
    wind = rng.uniform(0, 2 * np.pi)
    windward = np.zeros(grid.shape)
    for volcano in volcanoes:
        x, y = (east - volcano.east) / volcano.radius, (north - volcano.north) / volcano.radius
        windward += (x * np.cos(wind) + y * np.sin(wind)) * np.exp(-np.hypot(x, y) / 3)
    wet = rng.uniform(0.5, 3) * windward + power_law_field(rng, grid.shape, pixel_m, [2.6])
    wet += 0.04 * rng.standard_normal(grid.shape)
    forest, bare = rng.uniform(*climate.forest), rng.uniform(*climate.bare)
    kinds = np.full(grid.shape, NAMES.index("scrub"), np.int8)

    def paint(where: np.ndarray, name: str) -> None:
        kinds[where] = NAMES.index(name)

    paint(wet < np.quantile(wet[land], min(bare, 1 - forest)), "rock")
    wooded = (wet > np.quantile(wet[land], 1 - forest)) & (mean_k > TREELINE_K)
    paint(wooded, "forest")
    if climate.farmed:
        slope = np.hypot(*np.gradient(gaussian_filter(dem, 2), pixel_m))
        gentle = (slope < rng.uniform(0.05, 0.15)) & (mean_k > TREELINE_K)
        people = power_law_field(rng, grid.shape, pixel_m, [1.5])
        paint(gentle & (people > rng.uniform(-0.5, 1)), "fields")
        paint(gentle & (people > rng.uniform(1.8, 2.6)), "town")
    for volcano in volcanoes:
        _paint_volcano(rng, grid, dem, water, volcano, paint)
    paint(mean_k + 2 * power_law_field(rng, grid.shape, pixel_m, [2.0]) < SNOWLINE_K, "snow")
    paint(ice, "ice")
    return _properties(rng, kinds, pixel_m)


def _paint_volcano(
    rng: np.random.Generator,
    grid: FrameGrid,
    dem: np.ndarray,
    water: np.ndarray,
    volcano: Volcano,
    paint: Callable[[np.ndarray, str], None],
) -> None:
    """Lava sectors, tongues and caldera floors, then ash around the crater."""
    east, north = grid.local()
    distance = np.hypot(east - volcano.east, north - volcano.north)
    angle = np.arctan2(east - volcano.east, north - volcano.north)
    ragged = power_law_field(rng, grid.shape, grid.pixel_m[0], [1.5])
    if rng.random() < 0.6:
        towards = np.radians(volcano.rift) + rng.choice([0, np.pi])
        off = np.abs(np.angle(np.exp(1j * (angle - towards)))) + 0.15 * ragged
        reach = volcano.radius * rng.uniform(0.8, 3)
        paint((off < rng.uniform(0.3, 1.0)) & (distance < reach * (1 + 0.2 * ragged)), "rock")
    tongues = int(rng.integers(1, 7))
    for _ in range(tongues):
        vent = volcano.vent(rng, grid)
        length = int(rng.uniform(0.6, 3) * volcano.radius / grid.pixel_m[0])
        width = int(rng.integers(0, 3) * 100 / grid.pixel_m[0])
        paint(draw_flow(rng, dem, water, vent, max(length, 4), width), "rock")
    if rng.random() < 0.6:
        paint(distance < volcano.caldera * (1 + 0.06 * ragged), "rock")
    if rng.random() < 0.35:
        paint(distance < volcano.radius * rng.uniform(0.05, 0.25) * (1 + 0.3 * ragged), "ash")


def _properties(rng: np.random.Generator, kinds: np.ndarray, pixel_m: float) -> LandCover:
    """Turn kinds into numbers, with the differences within a kind."""
    table = np.array(list(COVERS.values()))
    lasting, days = table[kinds].transpose(2, 0, 1)
    # Texture within a kind, and parcels of fields and roofs that are farmed and built apart.
    texture = power_law_field(rng, kinds.shape, pixel_m, [2.0])
    parcels = gaussian_filter(rng.standard_normal(kinds.shape), PARCEL_PIXELS / 3)
    parcels *= np.isin(kinds, [NAMES.index("fields"), NAMES.index("town")]) / parcels.std()
    # Blocks, cracks and single trees.
    grain = rng.uniform(0.3, 0.9) * rng.standard_normal(kinds.shape)
    days = np.log(days) + rng.uniform(0.3, 1.2) * texture + 0.8 * parcels + grain
    odds = np.log(lasting / (1 - lasting)) + rng.uniform(0.5, 1.2) * texture + 0.8 * parcels + grain
    # Woods differ: open ones keep some coherence, dense ones none.
    odds += np.where(kinds == NAMES.index("forest"), rng.uniform(-1, 2), 0)
    # Some borders are zones in which two covers mix.
    mixed = 5 * rng.random() ** 2
    odds, days = gaussian_filter(odds, mixed), gaussian_filter(days, mixed)
    return LandCover(kinds, 1 / (1 + np.exp(-odds)), np.exp(days))
