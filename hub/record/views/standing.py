"""How an answer is shown, in every view: its standing in the record, its colour, how pale it is."""

from __future__ import annotations

from hub.record.columns import Row

COLOURS = {
    "deformation": "#d81b60",
    "air is likely": "#8e6bbf",
    "unsure": "#e6a100",
    "no deformation": "#1e88e5",
}
"""Of an answer, by what the record says of it; what matters most first."""
_CLEAR = 0.5
"""Mean coherence from which on a bar has its full colour."""
_PALEST = 0.25


def standing_of(row: Row) -> str:
    """What the record says of an answer: a key of `COLOURS`."""
    if row["evidence"] == "air":
        return "air is likely"
    if row["alarm"]:
        return "deformation"
    return "no deformation" if row["decision"] == "Non_Deformation" else "unsure"


def strength(coherence: float | None) -> float:
    """Opacity of an answer's bar, 0 to 1: the lower its mean coherence, the paler."""
    if coherence is None:
        return 1.0
    return _PALEST + (1 - _PALEST) * min(1.0, coherence / _CLEAR)
