"""How a source's strength develops: episodes of growth and rebound with pauses between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Course = Literal["ramp", "decay"]
RELAXATION = 4.0
"""A decaying episode has run through all but exp(-4) of an endless one when it is cut off."""


@dataclass(frozen=True)
class Episode:
    """A change of a source's strength.

    Attributes:
        start: Days since the frame's epoch.
        duration: Days; zero is a jump, which an acquisition at `start` has not yet seen.
        amount: Change of strength in fringes of line-of-sight phase at the source's peak;
            negative is rebound.
        course: "ramp" grows smoothly (a smoothstep), "decay" relaxes exponentially.
    """

    start: float
    duration: float
    amount: float
    course: Course = "ramp"

    def at(self, days: np.ndarray) -> np.ndarray:
        """The part of the change that has happened by each day, in fringes."""
        if self.duration == 0:
            return np.where(days > self.start, self.amount, 0.0)
        x = np.clip((days - self.start) / self.duration, 0, 1)
        if self.course == "ramp":
            return self.amount * x**2 * (3 - 2 * x)
        return self.amount * (1 - np.exp(-RELAXATION * x)) / (1 - np.exp(-RELAXATION))


def cumulative(episodes: Sequence[Episode], days: np.ndarray) -> np.ndarray:
    """Strength of a source on given days.

    Args:
        episodes: What happens to it.
        days: Days since the frame's epoch, (N,).

    Returns:
        Fringes at the source's peak since the epoch, (N,).
    """
    total = np.zeros(np.shape(days))
    for episode in episodes:
        total += episode.at(np.asarray(days, float))
    return total
