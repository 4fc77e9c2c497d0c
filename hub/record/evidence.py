"""What pairs say together: which verdicts hang on one acquisition alone.

The air of an acquisition is in every pair that has its date, and in no other; a deformation is in
every pair whose interval spans it, whatever its dates (Massonnet & Feigl 1995, pair-wise logic). So
a flagged pair is held against the others of its frame that span a part of its interval: where those
without its primary date, or those without its secondary date, stay quiet at every part, the date
alone explains the signal and air is likely; where at some part the majority is flagged at the same
place whichever date is left out, independent acquisitions agree. So they do of pairs of which the
model is unsure, each alone, where none that could tell is quiet.
"""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.record.bounds import holds, overlap
from hub.record.calibration import FrameLimit
from hub.record.columns import Row, dates_of
from hub.record.volcanoes import distance_km

AGREE_KM = 5.0
"""How far apart the most probable places of one source may lie: its lobes are that wide."""
AS_LONG = 0.75
"""Share of a pair's duration from which on another one can speak against it: a slow deformation
does not show in shorter ones."""
LOW_COHERENCE = 0.2
"""Mean coherence below which a quiet pair does not speak against another: it saw nothing."""
FAINT = 0.2
"""Probability from which on a quiet pair does not speak against another whose place is its own most
probable one: it saw something there, too little to be sure."""
AGREEING = 4
"""Other pairs that make an alarm of an unsure one. Where each acquisition is paired with the three
before it, six pairs span a step; on simulated frames fewer made more false alarms than pairs
alone."""
INDEPENDENT, AIR, ONE_DATE, SINGLE = "independent", "air", "one_date", "single"
"""What is said of a flagged pair: independent acquisitions agree; air is likely; all that is
flagged around it hangs on one acquisition, and no pair could tell yet; nothing else looks there."""

Dates = tuple[datetime.date, ...]


@dataclass(frozen=True)
class Evidence:
    """What the other pairs say of a flagged one.

    Attributes:
        kind: One of `INDEPENDENT`, `AIR`, `ONE_DATE` and `SINGLE`.
        note: The same in a sentence.
    """

    kind: str
    note: str


@dataclass(frozen=True)
class Look:
    """A pair, or a series, as the rule sees it.

    Attributes:
        dates: Of its acquisitions, ascending.
        flagged: Whether it is said to deform.
        quiet: Whether it is said not to, and could have seen it.
        unsure: Whether it is neither.
        faint: Whether its probability is `FAINT` at least.
        place: Where: longitude and latitude, or row and column; None if unknown.
        degrees: Whether the place is in degrees.
        frame: The frame's name; empty if it has none.
        bounds: West, south, east and north of the scene; None if it has no place.
    """

    dates: Dates
    flagged: bool
    quiet: bool
    unsure: bool = False
    faint: bool = False
    place: tuple[float, float] | None = None
    degrees: bool = True
    frame: str = ""
    bounds: tuple[float, float, float, float] | None = None

    def sees(self, other: Look) -> bool:
        """Whether this one looks at what the other one marks; of another place it says nothing."""
        if self.bounds is None or other.bounds is None:
            return bool(self.frame) and self.frame == other.frame
        if other.place is not None and other.degrees:
            return holds(self.bounds, *other.place)
        return overlap(self.bounds, other.bounds)

    def agrees(self, other: Look) -> bool:
        """Whether both mark the same place, as far as is known."""
        if self.place is None or other.place is None or self.degrees != other.degrees:
            return True
        if self.degrees:
            return distance_km(self.place, other.place) <= AGREE_KM
        rows, columns = (a - b for a, b in zip(self.place, other.place, strict=True))
        return bool(0.1 * (rows**2 + columns**2) ** 0.5 <= AGREE_KM)  # pixels of about 100 m


def judge(look: Look, others: Sequence[Look]) -> Evidence:
    """Weigh a flagged pair against the other pairs of its frame.

    Args:
        look: The flagged pair.
        others: Pairs that overlap its interval or share a date with it, without itself.
    """
    voters = [other for other in others if _can_speak(look, other)]
    shared = _shared_by_flagged(look, voters)
    first, last = look.dates[0], look.dates[-1]
    verdicts: dict[datetime.date, list[int]] = {day: [] for day in (first, last)}
    for start, stop in _steps(look, voters):
        spanning = _spanning(voters, start, stop)
        if spanning and all(
            _majority(spanning, day) > 0 for day in _dates_at_stake(look, spanning)
        ):
            count = sum(item.flagged for item in spanning)
            return Evidence(
                INDEPENDENT,
                f"{_count(count, 'other pair')} over {start} to {stop} agree, whichever date is "
                "left out",
            )
        for day, votes in verdicts.items():
            votes.append(_majority(spanning, day))
    for day in (last, first):
        if verdicts[day] and all(vote < 0 for vote in verdicts[day]):
            flagged = [item for item in voters if item.flagged]
            sharing = sum(day in item.dates for item in flagged)
            every = "all " if sharing == len(flagged) else ""
            said = f"{every}{1 + sharing} flagged pairs share {day}, and" if sharing else "the"
            return Evidence(
                AIR, f"{said} pairs over the same days without {day} are quiet: air is likely"
            )
    if shared:
        count = 1 + sum(item.flagged for item in voters)
        return Evidence(
            ONE_DATE,
            f"all {count} flagged pairs share {' and '.join(map(str, shared))}: no pair can tell "
            "yet whether it is that date's air",
        )
    if not any(item.flagged for item in voters):
        return Evidence(SINGLE, "no other flagged pair, and none that rules it out")
    return Evidence(ONE_DATE, "flagged pairs do not settle which date, if any, explains them")


def agreement(look: Look, others: Sequence[Look]) -> Evidence | None:
    """What makes an alarm of a pair that alone is unsure: independent acquisitions agree.

    Somewhere in its interval `AGREEING` other pairs look at the same place, unsure or flagged, and
    whichever date is left out, one of them stays and no pair that could tell is quiet.

    Args:
        look: The pair.
        others: Pairs that overlap its interval, without itself.
    """
    marked = [other for other in others if (other.flagged or other.unsure) and look.agrees(other)]
    quiet = [other for other in others if not other.flagged and _can_speak(look, other)]
    for start, stop in _steps(look, [*marked, *quiet]):
        count = _spanning(marked, start, stop)
        against = _spanning(quiet, start, stop)
        at_stake = {*look.dates, *(day for item in count for day in item.dates)}
        if len(count) >= AGREEING and all(
            any(day not in item.dates for item in count)
            and all(day in item.dates for item in against)
            for day in at_stake
        ):
            return Evidence(
                INDEPENDENT,
                f"unsure alone; {_count(len(count), 'other pair')} over {start} to {stop} look at "
                "the same place, whichever date is left out, and none is quiet",
            )
    return None


def weigh(rows: Sequence[Row], limits: Mapping[str, FrameLimit]) -> None:
    """Set what follows for each answer that stands, in place.

    `frame_deformation_from` is the frame's own limit where it has one; `alarm`, whether the scene
    deforms by it and air is not the likely reason, or is unsure and independent acquisitions agree;
    `evidence` and `evidence_note`, why.

    Args:
        rows: The answers that stand.
        limits: The frames' own limits.
    """
    frames: dict[str, list[tuple[Row, Look]]] = defaultdict(list)
    for row in rows:
        limit = limits.get(row["frame"] or "")
        own = limit.deformation_from if limit and limit.settings == row["settings"] else None
        flagged = row["decision"] == "Deformation"
        if own is not None and row["probability"] is not None:
            flagged = row["probability"] >= own
        row.update(frame_deformation_from=own, evidence=None, evidence_note=None, alarm=flagged)
        if dates := dates_of(row):
            frames[row["frame"] or ""].append((row, _look(row, dates, flagged)))
    for members in frames.values():
        for row, look in members:
            if not (look.flagged or look.unsure):
                continue
            others = _one_of_each(look, _near_in_time(look, members))
            found = judge(look, others) if look.flagged else agreement(look, others)
            if found is not None:
                row.update(evidence=found.kind, evidence_note=found.note, alarm=found.kind != AIR)


def _look(row: Row, dates: Dates, flagged: bool) -> Look:
    degrees = row["longitude"] is not None
    names = ("longitude", "latitude") if degrees else ("row", "column")
    place = None if row[names[0]] is None else (row[names[0]], row[names[1]])
    coherence = row["mean_coherence"]
    saw = coherence is None or coherence >= LOW_COHERENCE
    # Between the model's limit and the frame's own, neither: it is suspicious, not quiet.
    quiet = not flagged and row["decision"] == "Non_Deformation" and saw
    unsure = not flagged and row["decision"] != "Non_Deformation"
    faint = (row["probability"] or 0) >= FAINT
    bounds = tuple(row["bounds"]) if row["bounds"] else None
    return Look(dates, flagged, quiet, unsure, faint, place, degrees, row["frame"] or "", bounds)


def _near_in_time(look: Look, members: Sequence[tuple[Row, Look]]) -> Iterator[Look]:
    first, last = look.dates[0], look.dates[-1]
    for _, other in members:
        if other.dates[0] <= last and first <= other.dates[-1] and other.sees(look):
            yield other


def _one_of_each(look: Look, others: Iterable[Look]) -> list[Look]:
    """One look of each set of dates but the pair's own: processed twice, a pair has one vote."""
    votes: dict[Dates, Look] = {}
    for other in others:
        if other.dates == look.dates:
            continue
        held = votes.get(other.dates)
        if held is None or _weight(look, other) > _weight(look, held):
            votes[other.dates] = other
    return list(votes.values())


def _weight(look: Look, other: Look) -> tuple[bool, bool, bool]:
    """Of two answers for one pair the more suspicious counts."""
    return other.flagged and look.agrees(other), other.unsure, other.quiet


def _can_speak(look: Look, other: Look) -> bool:
    if other.flagged:
        return look.agrees(other)
    if other.faint and look.agrees(other):
        return False
    span = (look.dates[-1] - look.dates[0]).days
    return other.quiet and (other.dates[-1] - other.dates[0]).days >= AS_LONG * span


def _steps(look: Look, others: Sequence[Look]) -> list[tuple[datetime.date, datetime.date]]:
    """The parts of a pair's interval between any two dates that follow each other."""
    days = sorted({day for other in (look, *others) for day in other.dates})
    first, last = look.dates[0], look.dates[-1]
    return [(a, b) for a, b in itertools.pairwise(days) if first <= a and b <= last]


def _spanning(looks: Sequence[Look], start: datetime.date, stop: datetime.date) -> list[Look]:
    return [item for item in looks if item.dates[0] <= start and stop <= item.dates[-1]]


def _majority(spanning: Sequence[Look], without: datetime.date) -> int:
    """Flagged minus quiet pairs among those without a date."""
    return sum(1 if item.flagged else -1 for item in spanning if without not in item.dates)


def _dates_at_stake(look: Look, spanning: Sequence[Look]) -> set[datetime.date]:
    return {*look.dates, *(day for item in spanning if item.flagged for day in item.dates)}


def _shared_by_flagged(look: Look, voters: Sequence[Look]) -> list[datetime.date]:
    """Dates that all flagged pairs around a pair have in common, where there are several."""
    flagged = [item for item in voters if item.flagged]
    if not flagged:
        return []
    return sorted(set(look.dates).intersection(*(item.dates for item in flagged)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
