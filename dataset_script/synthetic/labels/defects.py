"""What goes wrong between the satellite and the archive: records that the quality rule drops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset_script.annotations.splits import SPLITS, period
from dataset_script.synthetic.radar.acquisitions import IndexPair
from dataset_script.synthetic.radar.geometry import Swath
from dataset_script.synthetic.scene import Interferogram, Scene
from dataset_script.wrapping import wrap

DEFECT_SHARE = 0.02
MIN_QUIET_PAIRS = 6
DEFECTS = ("corrupted", "no_info", "debursting", "swath merging")
PROCESSING_ERRORS = {"debursting": 2, "swath merging": 3}


@dataclass(frozen=True)
class Spoilt:
    """The rasters of an interferogram after something went wrong.

    Attributes:
        phase: As `Interferogram.phase`.
        coherence: As `Interferogram.coherence`.
    """

    phase: np.ndarray
    coherence: np.ndarray


def draw_defects(rng: np.random.Generator, scene: Scene) -> dict[IndexPair, str]:
    """Choose the pairs that go wrong, among those without any activity.

    A split with few such pairs keeps them.

    Args:
        rng: Source of randomness.
        scene: The frame.

    Returns:
        One of `DEFECTS` by pair.
    """
    dates, quiet = scene.plan.dates, scene.quiet_pairs()
    spare: list[IndexPair] = []
    for split in SPLITS:
        own = [pair for pair in quiet if period(dates[pair[0]]) == split]
        if len(own) >= MIN_QUIET_PAIRS:
            spare += own
    count = min(max(1, round(DEFECT_SHARE * len(scene.plan.pairs))), len(spare) // 3)
    chosen = rng.permutation(len(spare))[:count]
    first = int(rng.integers(len(DEFECTS)))
    return {spare[k]: DEFECTS[(first + n) % len(DEFECTS)] for n, k in enumerate(chosen)}


def spoil(
    rng: np.random.Generator, interferogram: Interferogram, swath: Swath, defect: str
) -> Spoilt:
    """Apply a defect.

    Args:
        rng: Source of randomness, the pair's own.
        interferogram: The sound interferogram.
        swath: The viewing geometry.
        defect: "corrupted" (rubbish), "no_info" (decorrelated throughout), "debursting" (phase
            jumps between bursts) or "swath merging" (a sub-swath is missing).
    """
    phase, coherence = interferogram.phase, interferogram.coherence
    shape = phase.shape
    if defect == "no_info":
        noise = rng.uniform(-np.pi, np.pi, shape)
        return Spoilt(wrap(noise) * swath.inside, np.minimum(coherence, rng.integers(4, 40, shape)))
    if defect == "corrupted":
        side = max(4, shape[0] // 8)
        blocks = rng.uniform(-np.pi, np.pi, (shape[0] // side + 1, shape[1] // side + 1))
        rubbish = np.kron(blocks, np.ones((side, side)))[: shape[0], : shape[1]]
        stripes = rubbish + rng.uniform(0, 2 * np.pi, (shape[0], 1))
        return Spoilt(wrap(stripes) * swath.inside, coherence // 4)
    if defect == "debursting":
        along = (swath.azimuth - swath.azimuth.min()) / np.ptp(swath.azimuth)
        burst = np.minimum(np.floor(3 * along), 2)
        return Spoilt(wrap(phase + rng.uniform(1.5, 2.5) * burst) * swath.inside, coherence)
    kept = np.abs(swath.across / np.ptp(swath.across) - rng.uniform(-0.3, 0.3)) > 0.12
    return Spoilt(phase * kept, coherence * kept)
