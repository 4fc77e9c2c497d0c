"""A frame's own limit, from its quiet past: a windy island does not cry wolf.

The model promises at most 2 % false alarms over all places; rough air makes more where it is
common. From the dates that the user knows to be quiet, the limit is the probability that at most
that share of the frame's quiet scenes reach: a split conformal quantile (Vovk et al. 2005), which
is the k-th smallest of n probabilities with k = ceil((n + 1) * 0.98). It only ever raises the
model's limit.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_script.errors import ConfigError, DataError
from dataset_script.safe_files import write_json
from hub.record.columns import Row, dates_of

FALSE_ALARMS = 0.02
"""Share of a frame's quiet scenes that may reach its limit; the model's own promise."""
FEWEST = 20
"""Quiet scenes that a frame needs."""
LIMITS = "calibration.json"


@dataclass(frozen=True)
class FrameLimit:
    """A frame's own limit.

    Attributes:
        deformation_from: Probability from which on a scene of the frame deforms.
        scenes: Quiet scenes that it comes from.
        start: First day of the quiet past, YYYY-MM-DD.
        end: Last day.
        settings: Of the model and the threshold that it holds for.
    """

    deformation_from: float
    scenes: int
    start: str
    end: str
    settings: str


def parse_period(text: str) -> tuple[datetime.date, datetime.date]:
    """Read "2017", "2017-01:2018-06" or "2017-01-10:2018-06-30" as first and last day.

    Raises:
        ConfigError: If it is no such period.
    """
    first, _, last = text.partition(":")
    start, end = _edges(first, text)[0], _edges(last or first, text)[1]
    if end < start:
        raise ConfigError(f"the period {text} ends before it begins")
    return start, end


def _edges(part: str, text: str) -> tuple[datetime.date, datetime.date]:
    found = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", part)
    try:
        if found:
            year, month, day = (int(item) if item else None for item in found.groups())
            assert year is not None
            start = datetime.date(year, month or 1, day or 1)
            if day:
                return start, start
            after = start.replace(day=28) + datetime.timedelta(4) if month else None
            end = after.replace(day=1) if after else datetime.date(year + 1, 1, 1)
            return start, end - datetime.timedelta(1)
    except ValueError:
        pass
    raise ConfigError(f"{text} is no period: give YEAR, YEAR-MONTH or a day, or two of them with :")


def quiet_limit(probabilities: Sequence[float], false_alarms: float = FALSE_ALARMS) -> float:
    """The probability that at most a share of quiet scenes exceed.

    Args:
        probabilities: Of the quiet scenes.
        false_alarms: That share.

    Returns:
        The conformal quantile, just above that scene's probability; above the largest where they
        are too few for the share. It is 1 at most: nothing would ever reach a limit above.
    """
    ordered = np.sort(np.asarray(probabilities, float))
    rank = min(math.ceil((len(ordered) + 1) * (1 - false_alarms)), len(ordered))
    return float(min(np.nextafter(ordered[rank - 1], 2.0), 1.0))


def calibrate(
    rows: Sequence[Row], period: tuple[datetime.date, datetime.date]
) -> tuple[dict[str, FrameLimit], list[str]]:
    """Find each frame's limit from the pairs that lie within a period.

    Args:
        rows: The answers that stand, with their evidence.
        period: First and last day of the quiet past.

    Returns:
        Limits by frame; and notes: for each frame without one the reason, and which limit cannot
        keep what it promises.
    """
    quiet: dict[tuple[str, str], list[Row]] = defaultdict(list)
    latest: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["serial"]):
        if row["frame"]:
            latest[row["frame"]] = row["settings"]
            dates = dates_of(row)
            if dates and period[0] <= dates[0] and dates[-1] <= period[1]:
                quiet[row["frame"], row["settings"]].append(row)
    limits, notes = {}, []
    for frame, settings in sorted(latest.items()):
        members = quiet[frame, settings]
        if len(members) < FEWEST:
            notes.append(
                f"{frame}: {len(members)} pairs between {period[0]} and {period[1]}; a limit of "
                f"its own needs {FEWEST}, so the model's holds"
            )
            continue
        # What the shared-date rule takes away needs no limit.
        own = quiet_limit(
            [0 if row["evidence"] == "air" else row["probability"] for row in members]
        )
        if own >= 1:
            notes.append(
                f"{frame}: the model is certain of deformation in its quiet past: its limit is 1 "
                f"and keeps no promise of {FALSE_ALARMS:.0%} false alarms: was it quiet?"
            )
        limits[frame] = FrameLimit(
            max(own, *(row["deformation_from"] or 0.0 for row in members)),
            len(members),
            period[0].isoformat(),
            period[1].isoformat(),
            settings,
        )
    return limits, notes


def write_limits(folder: Path, limits: Mapping[str, FrameLimit]) -> None:
    """Keep the limits in a record; those of other frames stay.

    Raises:
        DataError: If they cannot be written.
    """
    kept = read_limits(folder) | dict(limits)
    plain = {frame: dataclasses.asdict(limit) for frame, limit in sorted(kept.items())}
    write_json(folder / LIMITS, plain, indent=2)


def read_limits(folder: Path) -> dict[str, FrameLimit]:
    """The limits of a record's frames; none where there are none.

    Raises:
        DataError: If the file is not one of limits.
    """
    path = folder / LIMITS
    try:
        plain = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(
            f"{path} is not readable JSON ({error}); remove it and calibrate again"
        ) from None
    try:
        return {frame: FrameLimit(**values) for frame, values in plain.items()}
    except (TypeError, AttributeError):
        raise DataError(
            f"{path} does not hold limits of frames; remove it and calibrate again"
        ) from None
