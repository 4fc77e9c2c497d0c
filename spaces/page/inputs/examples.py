"""The curated examples: which rows of the dataset show each thing best, by a fixed rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dataset_script.labels import INTENSITY_LEVELS
from page.inputs.catalogue import SPLITS, Entry

Rank = tuple[float, ...]


@dataclass(frozen=True)
class Example:
    """One example to choose.

    Attributes:
        title: What the page calls it.
        entry: The row.
    """

    title: str
    entry: Entry


def _clear(kind: str) -> Callable[[Entry], Rank | None]:
    """A source of one kind alone, strong and well seen."""

    def rank(entry: Entry) -> Rank | None:
        if not entry.positive or entry.activity_types != {kind} or "Rebound" in entry.phases:
            return None
        strength = max((INTENSITY_LEVELS.index(n) for n in entry.intensity_levels), default=0)
        return (-entry.low_coherence, strength, -entry.atmospheric_fringes, entry.confidence)

    return rank


def _rebound(entry: Entry) -> Rank | None:
    """Ground that goes back after unrest."""
    if not entry.positive or "Rebound" not in entry.phases:
        return None
    return (entry.phases.count("Rebound"), -entry.low_coherence, entry.confidence)


def _atmosphere(entry: Entry) -> Rank | None:
    """The strongest fringes of air without any deformation."""
    if entry.positive or not entry.atmospheric_fringes:
        return None
    return (entry.atmospheric_fringes, -entry.low_coherence, entry.confidence)


def _low_coherence(entry: Entry) -> Rank | None:
    """As little coherence as there is; deformation before none."""
    if not entry.low_coherence:
        return None
    return (entry.low_coherence, float(entry.positive), entry.confidence)


RULES: tuple[tuple[str, Callable[[Entry], Rank | None]], ...] = (
    ("Sill", _clear("Sill")),
    ("Dyke", _clear("Dyke")),
    ("Mogi source", _clear("Mogi")),
    ("Earthquake", _clear("Earthquake")),
    ("Rebound after unrest", _rebound),
    ("Strong atmosphere, no deformation", _atmosphere),
    ("Low coherence", _low_coherence),
)


def choose(entries: Iterable[Entry]) -> list[Example]:
    """The best row for each rule.

    A rule ranks the rows that it admits; rows of the test split come before validation and
    train, and among equals the first id, so that one dataset always gives the same examples. No
    row is shown twice.

    Args:
        entries: Rows of the dataset, in any order.

    Returns:
        One example for each rule that any row satisfies, in the rules' order.
    """
    ordered = sorted(entries, key=lambda entry: entry.sample_id)
    taken: set[str] = set()
    chosen = []
    for title, rank in RULES:
        admitted = [
            (SPLITS.index(entry.split), [-value for value in found], entry.sample_id, entry)
            for entry in ordered
            if entry.sample_id not in taken and (found := rank(entry)) is not None
        ]
        if admitted:
            best = min(admitted, key=lambda item: item[:3])[3]
            taken.add(best.sample_id)
            chosen.append(Example(title, best))
    return chosen
