"""Eruptions: fresh lava and ash that wipe out the coherence near a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset_script.synthetic.ground.flows import draw_flow
from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field
from dataset_script.synthetic.ground.terrain import Terrain
from dataset_script.synthetic.sources.activity import Actor

ODDS = 0.35
"""Share of the growing episodes that end at the surface."""
FRESH_COHERENCE = 0.03


@dataclass(frozen=True)
class Eruption:
    """New ground.

    Attributes:
        day: Days since the frame's epoch; pairs that span it have lost their coherence there.
        ground: Ground under new lava and ash, bool (H, W).
    """

    day: float
    ground: np.ndarray


def draw_eruptions(
    rng: np.random.Generator, grid: FrameGrid, terrain: Terrain, actors: Sequence[Actor]
) -> tuple[Eruption, ...]:
    """Let some of the growing sources erupt near their own place.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        terrain: Its ground.
        actors: Its sources with their histories.
    """
    pixel_m = grid.pixel_m[0]
    east, north = grid.local()
    eruptions = []
    for actor in actors:
        if actor.kind == "Earthquake":
            continue
        source = actor.source
        for episode in actor.episodes:
            if episode.amount < 0 or rng.random() > ODDS:
                continue
            away = rng.normal(0, 0.5 * source.depth, 2)
            vent = grid.pixel_at(source.east + away[0], source.north + away[1])
            length = int(rng.uniform(0.5, 3) * source.depth / pixel_m) + 3
            ground = draw_flow(rng, terrain.dem, terrain.water, vent, length, int(rng.integers(3)))
            distance = np.hypot(east - source.east - away[0], north - source.north - away[1])
            ragged = power_law_field(rng, grid.shape, pixel_m, [2.0])
            ground |= distance < rng.uniform(0.0, 0.8) * source.depth * (1 + 0.3 * ragged)
            day = episode.start + rng.uniform(0.1, 0.9) * episode.duration
            eruptions.append(Eruption(float(day), ground & ~terrain.water))
    return tuple(eruptions)
