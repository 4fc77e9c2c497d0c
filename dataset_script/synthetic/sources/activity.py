"""What happens under a frame: which sources act, where, when, and how strongly."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dataset_script.annotations.splits import SPLITS, period
from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.terrain import Terrain
from dataset_script.synthetic.ground.volcanoes import Volcano, length_scale
from dataset_script.synthetic.radar.acquisitions import IndexPair
from dataset_script.synthetic.sources.elastic import Source
from dataset_script.synthetic.sources.history import Course, Episode
from dataset_script.synthetic.sources.shapes import SourceShapes

# As common as with the annotators, except the spheroid, of which they saw 25.
DECK = ("Sill", "Dyke", "Mogi", "Sill", "Spheroid", "Dyke", "Mogi", "Sill")
MAX_STEP_DAYS = 48
"""Longer gaps between acquisitions are pauses in which nothing is made to happen."""
ENOUGH_TOUCHED, MOST_TOUCHED = 0.25, 0.36
"""Share of a split's pairs that span activity; some of it stays below the mask's threshold."""
EARTHQUAKE_FROM_DATES = 24
REBOUND_FROM_STEPS = 12
COMPANY_ODDS = 0.4
# Fringes at the peak, as often as they stand here: faint, low, medium, high and beyond counting.
FAINT, LOW, MEDIUM, HIGH, EXTREME = (0.35, 0.6), (0.6, 1.5), (1.5, 3.5), (3.5, 8.0), (8.0, 20.0)
STRENGTHS = (FAINT, *2 * (LOW,), *3 * (MEDIUM,), *3 * (HIGH,), EXTREME)


@dataclass
class Actor:
    """A source and what it does.

    Attributes:
        kind: One of `labels.ACTIVITY_TYPES`.
        source: Geometry, at unit strength.
        episodes: Its history.
    """

    kind: str
    source: Source
    episodes: list[Episode] = field(default_factory=list)


def draw_activity(
    rng: np.random.Generator,
    grid: FrameGrid,
    terrain: Terrain,
    dates: Sequence[datetime.date],
    pairs: Sequence[IndexPair],
) -> tuple[Actor, ...]:
    """Write a frame's history, so that every split sees activity and rest.

    Sources act again, under the same and under other volcanoes; earthquakes strike in the
    training period alone, as in the archive.

    Args:
        rng: Source of randomness.
        grid: The frame's pixels.
        terrain: Its ground.
        dates: Acquisition dates, ascending; the first is the epoch of the histories.
        pairs: Indices of the interferograms' dates.
    """
    stage = _Stage(rng, grid, terrain, [(date - dates[0]).days for date in dates])
    ends = np.array(pairs)
    splits = np.array([period(dates[i]) for i, _ in pairs])
    touched = np.zeros(len(pairs), bool)

    def spanning(start: int, stop: int) -> np.ndarray:
        return (ends[:, 0] < stop) & (ends[:, 1] > start)

    def shares(touched: np.ndarray) -> dict[str, float]:
        return {split: float(touched[splits == split].mean()) for split in SPLITS}

    for split in SPLITS:
        steps = stage.steps(ends[splits == split])
        if split == "train" and len(dates) >= EARTHQUAKE_FROM_DATES:
            start = int(rng.choice(steps))
            stage.earthquake(start)
            touched |= spanning(start, start + 1)
        played = False
        for start in map(int, rng.permutation(steps)):
            if played and shares(touched)[split] >= ENOUGH_TOUCHED:
                break
            due = split == "train" and not played and len(steps) >= REBOUND_FROM_STEPS
            play, length = (stage.rebound, 3) if due else stage.scenario()
            after = touched | spanning(start, start + length)
            if start + length > steps[-1] + 1 or max(shares(after).values()) > MOST_TOUCHED:
                continue
            play(start, start + length)
            touched, played = after, True
        if not played:
            start = min(steps, key=lambda step: int(spanning(step, step + 1).sum()))
            stage.intrusion(start, start + 1, faintest=1.2)
            touched |= spanning(start, start + 1)
    return tuple(stage.actors)


class _Stage:
    """Draws sources and lets them act between acquisitions."""

    def __init__(
        self, rng: np.random.Generator, grid: FrameGrid, terrain: Terrain, days: Sequence[int]
    ) -> None:
        self.rng = rng
        self.terrain = terrain
        self.days = days
        self.sources = SourceShapes(rng, grid)
        self.scale = length_scale(grid)
        self.actors: list[Actor] = []
        self.deck: list[str] = []
        self.strengths: list[tuple[float, float]] = []

    def steps(self, pairs: np.ndarray) -> list[int]:
        """Acquisitions that are paired with the next one, not long after."""
        return sorted(
            int(i) for i, j in pairs if j == i + 1 and self.days[j] - self.days[i] <= MAX_STEP_DAYS
        )

    def scenario(self) -> tuple[Callable[[int, int], None], int]:
        """Draw something to happen, and over how many steps of the acquisitions."""
        scenarios = [(self.intrusion, 1), (self.unrest, 3), (self.rebound, 3), (self.feeding, 1)]
        return scenarios[self.rng.choice(4, p=[0.6, 0.15, 0.1, 0.15])]

    def intrusion(self, start: int, stop: int, faintest: float = 0.0) -> None:
        """A source opens within one step; now and then another one does too."""
        for _ in range(1 + (self.rng.random() < COMPANY_ODDS)):
            actor = self._actor(self._kind())
            self._act(actor, start, stop, max(self._strength(), faintest))

    def unrest(self, start: int, stop: int) -> None:
        """A source grows slowly, in part too faintly to be seen in a single step."""
        actor = self._actor(self._kind(("Mogi", "Sill", "Spheroid")))
        self._act(actor, start, stop, (stop - start) * self.rng.uniform(0.4, 1.6))

    def rebound(self, start: int, stop: int) -> None:
        """A source grows, pauses, and relaxes by a part of its growth."""
        actor = self._actor(self._kind(("Mogi", "Sill", "Spheroid")))
        amount = max(self._strength(), 1.0)
        self._act(actor, start, start + 1, amount)
        self._act(actor, stop - 1, stop, -amount * self.rng.uniform(0.5, 0.9), "decay")

    def feeding(self, start: int, stop: int) -> None:
        """A dyke opens while the reservoir that feeds it deflates."""
        volcano = self._volcano()
        amount = max(self._strength(), 1.0)
        self._act(self._actor("Dyke", volcano), start, stop, amount)
        # A reservoir that feeds a dyke shrinks by design of its unit source, not by a rebound.
        reservoir = Actor("Mogi", self.sources.mogi(volcano, deflating=True))
        self.actors.append(reservoir)
        self._act(reservoir, start, stop, amount * self.rng.uniform(0.4, 0.9))

    def earthquake(self, start: int) -> None:
        """A fault slips between two acquisitions."""
        actor = Actor("Earthquake", self.sources.fault())
        self.actors.append(actor)
        amount = self.rng.uniform(1.0, 5.0) * self.scale**0.5
        actor.episodes.append(Episode(self.days[start], 0, amount))

    def _act(
        self, actor: Actor, start: int, stop: int, amount: float, course: Course = "ramp"
    ) -> None:
        begin, end = self.days[start], self.days[stop]
        actor.episodes.append(Episode(begin, end - begin, amount, course))

    def _strength(self) -> float:
        if not self.strengths:
            self.strengths = [STRENGTHS[k] for k in self.rng.permutation(len(STRENGTHS))]
        low, high = self.strengths.pop()
        # Small frames have small sources, on which many fringes could not be resolved.
        return float(self.rng.uniform(low, max(high * self.scale**0.5, low)))

    def _kind(self, among: Sequence[str] = DECK) -> str:
        while True:
            if not self.deck:
                self.deck = [str(kind) for kind in self.rng.permutation(DECK)]
            for kind in self.deck:
                if kind in among:
                    self.deck.remove(kind)
                    return kind
            self.deck = []

    def _actor(self, kind: str, volcano: Volcano | None = None) -> Actor:
        known = [actor for actor in self.actors if actor.kind == kind]
        if known and volcano is None and self.rng.random() < 0.35:
            return known[self.rng.integers(len(known))]
        actor = Actor(kind, self.sources.draw(kind, volcano or self._volcano()))
        self.actors.append(actor)
        return actor

    def _volcano(self) -> Volcano:
        volcanoes = self.terrain.volcanoes
        return volcanoes[self.rng.integers(len(volcanoes))]
