"""When the satellite passes, and which of its passes are paired."""

from __future__ import annotations

import datetime

import numpy as np

from dataset_script.annotations.splits import SPLITS, period
from dataset_script.errors import ConfigError

FIRST_DAY = datetime.date(2014, 10, 10)
LAST_DAY = datetime.date(2021, 12, 20)
# Sentinel-1B halved the revisit of 12 days.
SIX_DAY_START = datetime.date(2016, 10, 1)
MAX_BASELINE_DAYS = 120
RUN_LENGTH = 20
SHARES = {"train": 0.58, "validation": 0.17, "test": 0.25}
MIN_PER_SPLIT = 3
ADJOINING_FROM = 8

IndexPair = tuple[int, int]


def draw_dates(rng: np.random.Generator, count: int) -> tuple[datetime.date, ...]:
    """Choose acquisition dates on one relative orbit, 6, 12, 24 days or a longer gap apart.

    Each period of the benchmark's split gets its share, in runs of about `RUN_LENGTH` dates.

    Args:
        rng: Source of randomness.
        count: How many.

    Returns:
        Dates, ascending.

    Raises:
        ConfigError: If there are fewer passes than that, or too few dates for three splits.
    """
    passes: dict[str, list[datetime.date]] = {split: [] for split in SPLITS}
    day = FIRST_DAY + datetime.timedelta(int(rng.integers(12)))
    while day <= LAST_DAY:
        passes[period(day)].append(day)
        day += datetime.timedelta(6 if day >= SIX_DAY_START else 12)
    held_out = [max(MIN_PER_SPLIT, round(SHARES[split] * count)) for split in SPLITS[1:]]
    wanted = dict(zip(SPLITS, (count - sum(held_out), *held_out), strict=True))
    most = {split: len(passes[split]) for split in SPLITS}
    if wanted["train"] < MIN_PER_SPLIT:
        raise ConfigError(
            f"{count} acquisitions are too few for three splits; "
            f"use at least {MIN_PER_SPLIT * len(SPLITS)}"
        )
    if any(wanted[split] > most[split] for split in SPLITS):
        limit = int(min(most[split] / SHARES[split] for split in SPLITS))
        raise ConfigError(
            f"{count} acquisitions are more than the satellite's passes; use at most {limit}"
        )
    chosen = [
        date for split in SPLITS for date in _choose(rng, passes[split], wanted[split], split)
    ]
    return tuple(chosen)


def _choose(
    rng: np.random.Generator, passes: list[datetime.date], count: int, split: str
) -> list[datetime.date]:
    steps = rng.choice([1, 2, 4], size=count - 1, p=[0.35, 0.45, 0.2])
    while steps.sum() > len(passes) - 1:
        steps[np.argmax(steps)] -= 1
    runs = max(1, round(count / RUN_LENGTH))
    breaks = np.arange(1, runs) * count // runs - 1
    spare = len(passes) - 1 - int(steps.sum())
    room = np.ones(runs + 1)
    # Validation runs on into test, so that some pairs cross the boundary, as in the archive. Few
    # dates keep apart: what happens on one side would show in every group of the other.
    if split == "validation" and count >= ADJOINING_FROM:
        room[-1] = 0
    elif split == "test" and count >= ADJOINING_FROM:
        room[0] = 0
    gaps = rng.multinomial(spare, room / room.sum())
    steps[breaks] += gaps[1:-1]
    return [passes[i] for i in gaps[0] + np.concatenate([[0], np.cumsum(steps)])]


def pair_up(dates: tuple[datetime.date, ...], neighbours: int) -> tuple[IndexPair, ...]:
    """Pair each acquisition with the next ones, up to `MAX_BASELINE_DAYS` apart.

    Args:
        dates: Acquisition dates, ascending.
        neighbours: Secondaries of a primary at most.

    Returns:
        Indices of primary and secondary, by primary then secondary.
    """
    return tuple(
        (i, j)
        for i in range(len(dates))
        for j in range(i + 1, min(i + 1 + neighbours, len(dates)))
        if (dates[j] - dates[i]).days <= MAX_BASELINE_DAYS
    )
