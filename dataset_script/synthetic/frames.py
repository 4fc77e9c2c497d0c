"""The plan of a frame: its name, place, climate and acquisitions, before any pixel is made."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from dataset_script.seeding import generator
from dataset_script.synthetic.ground.climates import CLIMATES, Climate
from dataset_script.synthetic.ground.grid import PIXEL_DEGREES, STRIPMAP_DEGREES, FrameGrid
from dataset_script.synthetic.ground.volcanoes import volcano_count
from dataset_script.synthetic.radar.acquisitions import IndexPair, draw_dates, pair_up

# Sentinel-1 has 175 relative orbits, so that no real frame bears these numbers.
FIRST_TRACK = 176
STRIPMAP_EVERY, FIRST_STRIPMAP = 7, 3
"""Which frames are stripmap frames with fine pixels, as two of the archive's 38 are."""
_SYLLABLES = (
    ("Ka", "Te", "Mo", "Ru", "Sa", "Ilo", "Be", "Qua", "Nor", "Vel", "Ota", "Zi"),
    ("ra", "mi", "lo", "ven", "tu", "sha", "ndi", "po", "gle", "ko"),
    ("ka", "nui", "ros", "ta", "ba", "yan", "del", "mar", "qui", "ho"),
)


@dataclass(frozen=True)
class FramePlan:
    """What is settled about a frame beforehand.

    Attributes:
        seed: The archive's seed.
        frame_id: Name in LiCSAR's manner: track, direction, colatitude, bursts.
        direction: "A" ascending, "D" descending.
        climate: What kind of place it is.
        grid: Its pixels.
        volcanoes: Made-up names of its volcanoes.
        dates: Acquisition dates, ascending.
        pairs: Indices of the interferograms' dates.
        first_id: Unique id of the first interferogram's annotation.
    """

    seed: int
    frame_id: str
    direction: str
    climate: Climate
    grid: FrameGrid
    volcanoes: tuple[str, ...]
    dates: tuple[datetime.date, ...]
    pairs: tuple[IndexPair, ...]
    first_id: int


def plan_frames(
    frames: int, seed: int, height: int, width: int, acquisitions: int, neighbours: int
) -> list[FramePlan]:
    """Plan an archive.

    Args:
        frames: How many.
        seed: Seed; a frame's plan does not depend on how many follow it.
        height: Rows of each.
        width: Columns of each.
        acquisitions: Dates of each.
        neighbours: Secondaries of a primary at most.

    Raises:
        ConfigError: If so many acquisitions are impossible.
    """
    plans: list[FramePlan] = []
    first_id = 1
    names = set[str]()
    for index in range(frames):
        rng = generator(seed, "frame", index)
        climate = CLIMATES[index % len(CLIMATES)]
        latitude = rng.uniform(*climate.latitude)
        direction = "AD"[(index + int(seed)) % 2]
        track = FIRST_TRACK + (index * 37 + int(rng.integers(37))) % (1000 - FIRST_TRACK)
        bursts = "".join(f"{n:02d}" for n in rng.integers(4, 15, 3))
        stripmap = index % STRIPMAP_EVERY == FIRST_STRIPMAP
        pixel = STRIPMAP_DEGREES if stripmap else PIXEL_DEGREES
        grid = FrameGrid.around(latitude, rng.uniform(-175, 175), height, width, pixel)
        volcanoes: list[str] = []
        while len(volcanoes) < volcano_count(grid):
            name = "".join(str(rng.choice(part)) for part in _SYLLABLES)
            if name not in names:
                names.add(name)
                volcanoes.append(name)
        dates = draw_dates(rng, acquisitions)
        pairs = pair_up(dates, neighbours)
        plans.append(
            FramePlan(
                seed=seed,
                frame_id=f"{track:03d}{direction}_{round((90 - latitude) * 100):05d}_{bursts}",
                direction=direction,
                climate=climate,
                grid=grid,
                volcanoes=tuple(volcanoes),
                dates=dates,
                pairs=pairs,
                first_id=first_id,
            )
        )
        first_id += len(pairs)
    return plans
