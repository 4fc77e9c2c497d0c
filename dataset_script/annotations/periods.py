"""Stretches of time as a user writes them: a year, a month, a day, or from one to another."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from dataset_script.errors import ConfigError

Period = tuple[datetime.date, datetime.date]
"""First and last day."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def parse_period(text: str) -> Period:
    """Read a period.

    Args:
        text: "2017", "2019-06", "2019-06-15", or two of these and a colon, "2014:2019-05"; both
            ends belong to it.

    Raises:
        ConfigError: If it is no period, or ends before it begins.
    """
    first, _, last = text.partition(":")
    try:
        period = _days(first)[0], _days(last or first)[1]
    except ValueError:
        raise ConfigError(
            f"{text!r} is no period; give a year, a month or a day, or two of them: 2017, 2019-06, "
            "2014:2019-05"
        ) from None
    if period[0] > period[1]:
        raise ConfigError(f"the period {text!r} ends before it begins")
    return period


def split_of(date: datetime.date, periods: Mapping[str, Sequence[Period]]) -> str | None:
    """The split that a date belongs to, or None where no period holds it."""
    for split, stretches in periods.items():
        if any(first <= date <= last for first, last in stretches):
            return split
    return None


def parse_periods(written: Mapping[str, Sequence[str]]) -> dict[str, tuple[Period, ...]]:
    """Read the periods of each split.

    Args:
        written: Periods by split.

    Raises:
        ConfigError: If one is no period, or two overlap.
    """
    periods = {split: tuple(map(parse_period, texts)) for split, texts in written.items()}
    named = [(split, text) for split, texts in written.items() for text in texts]
    for (one, earlier), (other, later) in combinations(named, 2):
        a, b = parse_period(earlier), parse_period(later)
        if a[0] <= b[1] and b[0] <= a[1]:
            raise ConfigError(f"the periods {earlier} ({one}) and {later} ({other}) overlap")
    return periods


def _days(text: str) -> Period:
    """First and last day of a year, a month or a day."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day = (int(part) if part else 0 for part in found.groups())
    first = datetime.date(year, month or 1, day or 1)
    month = month or 12
    return first, datetime.date(year, month, day or calendar.monthrange(year, month)[1])
