"""A record's histories as HTML and as bars: which there are, and the pairs of one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from hub.record.columns import Row, dates_of
from hub.record.views.history import History
from hub.record.views.page import newest_first
from hub.record.views.standing import COLOURS, standing_of, strength
from page.records.kept_record import KeptRecord, key_of

MARKS = {"deformation": "▲", "air is likely": "≈", "unsure": "◆", "no deformation": "●"}
"""Beside the colours, for those who do not see them."""

NO_ANSWER = "The record holds no answer yet. The page looks again by itself."


def shell() -> str:
    """The record's place, which `record.js` fills."""
    return (
        '<div class="hp record"><p class="quiet">The record is being read.</p>'
        "<noscript>The record is drawn by the browser, which runs no scripts.</noscript></div>"
    )


def index(records: Sequence[KeptRecord]) -> str:
    """What can be chosen: volcanoes, then frames, those that deformed last first."""
    groups, recent, looked = [], [], []
    for number, record in enumerate(records):
        frames, volcanoes = record.histories()
        several = f"{record.name}: " if len(records) > 1 else ""
        for title, members in (("Volcanoes", volcanoes), ("Frames", frames)):
            ordered = newest_first(members)
            options = "".join(_option(number, history) for history in ordered)
            if options:
                groups.append(f'<optgroup label="{escape(several + title)}">{options}</optgroup>')
        looked += volcanoes or frames
        recent += [(number, item) for item in newest_first(volcanoes or frames) if _recent(item)]
    if not groups:
        return f'<p class="quiet">{NO_ANSWER}</p>'
    buttons = "".join(
        f'<button type="button" data-of="{_value(number, item)}">'
        f'<span aria-hidden="true">{MARKS["deformation"]}</span> {escape(item.name)}</button>'
        for number, item in recent
    )
    what = _counted(looked)
    said = f"Of {what}, the newest pair of {len(recent)} shows deformation:"
    if not recent:
        said = f"No newest pair shows deformation ({what})."
    return (
        f'<p class="recent">{said} {buttons}</p>'
        f'<label class="which">Volcano or frame <select name="of">{"".join(groups)}</select>'
        "</label>"
    )


def timeline(history: History) -> dict[str, Any]:
    """One history.

    Returns:
        `title`; `bars`, one a dated pair; `limits`, levels of probability by name; `table`, the
        same pairs as HTML, newest first; `colours` by standing.
    """
    rows = history.dated
    limits = {}
    for name, key in (
        ("model’s limit", "deformation_from"),
        ("frame’s own limit", "frame_deformation_from"),
    ):
        if levels := [row[key] for row in rows if row[key] is not None]:
            limits[name] = max(levels)
    return {
        "title": _title(history),
        "bars": [_bar(row) for row in rows],
        "limits": limits,
        "colours": COLOURS,
        "table": _table(history),
    }


def pair_words(row: Row) -> str:
    """A pair's dates, or the scene's name where they are unknown."""
    dates = dates_of(row)
    return f"{dates[0]} to {dates[-1]}" if dates else str(row["scene"])


def _option(number: int, history: History) -> str:
    pairs = len(history.rows)
    said = f"{pairs} pair{'' if pairs == 1 else 's'}"
    if alarm := history.last_deformation:
        said += f", last deformation {alarm['secondary_dates'][-1]}"
    text = f"{history.name} ({said})"
    return f'<option value="{_value(number, history)}">{escape(text)}</option>'


def _value(number: int, history: History) -> str:
    return escape(f"record={number}&of={quote(key_of(history))}")


def _counted(looked: Sequence[History]) -> str:
    """How many volcanoes and frames there are, in words."""
    found = []
    for kind, several in (("volcano", "volcanoes"), ("frame", "frames")):
        if count := sum(history.kind == kind for history in looked):
            found.append(f"{count} {kind if count == 1 else several}")
    return " and ".join(found)


def _recent(history: History) -> bool:
    alarm = history.last_deformation
    return alarm is not None and alarm["secondary_dates"][-1] == history.last_look


def _title(history: History) -> str:
    rows, days = history.rows, [day for row in history.dated for day in dates_of(row)]
    span = f", {min(days)} to {max(days)}" if days else ""
    alarms = sum(bool(row["alarm"]) for row in rows)
    pairs = f"{len(rows)} pair{'' if len(rows) == 1 else 's'}"
    return f"{history.name}: {pairs}{span}; {alarms} with deformation"


def _bar(row: Row) -> dict[str, Any]:
    dates, standing = dates_of(row), standing_of(row)
    area = f", {row['area_km2']:,.1f} km²" if row["area_km2"] else ""
    return {
        "scene": row["scene"],
        "from": f"{dates[0]}",
        "to": f"{dates[-1]}",
        "days": (dates[-1] - dates[0]).days,
        "probability": row["probability"] or 0.0,
        "area": row["area_km2"] or None,
        "standing": standing,
        "strength": round(strength(row["mean_coherence"]), 3),
        "text": f"{dates[0]} to {dates[-1]}<br>probability {row['probability'] or 0:.3f}{area}<br>"
        f"{standing}",
    }


def _table(history: History) -> str:
    several = len({row["frame"] for row in history.rows}) > 1
    lines = "".join(_line(row, several) for row in reversed(history.rows))
    return (
        '<p class="quiet">Choose a pair to open it; arrow keys go on to the next.</p>'
        '<div class="pairs" tabindex="0" role="region" aria-label="Pairs of the timeline"><table>'
        f"<caption>Pairs of {escape(history.name)}, newest first</caption><thead><tr>"
        '<th scope="col">Pair</th><th scope="col" class="number">Probability</th>'
        '<th scope="col">Record says</th><th scope="col" class="number">km²</th>'
        '<th scope="col" class="number">Coherence</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _line(row: Row, with_frame: bool) -> str:
    standing = standing_of(row)
    frame = f" <small>{escape(str(row['frame'] or 'no frame'))}</small>" if with_frame else ""
    pale = " pale" if strength(row["mean_coherence"]) < 0.6 else ""
    area = f"{row['area_km2']:,.1f}" if row["area_km2"] else "–"
    coherence = "–" if row["mean_coherence"] is None else f"{row['mean_coherence']:.2f}"
    probability = "–" if row["probability"] is None else f"{row['probability']:.3f}"
    return (
        f'<tr class="{standing.replace(" ", "-")}{pale}"><th scope="row"><label>'
        f'<input type="radio" name="pair" value="{escape(row["scene"])}"> '
        f"{escape(pair_words(row))}</label>{frame}</th>"
        f'<td class="number">{probability}</td>'
        f'<td><i class="key" style="background:{COLOURS[standing]}"></i>'
        f'<span aria-hidden="true">{MARKS[standing]}</span> {standing}</td>'
        f'<td class="number">{area}</td>'
        f'<td class="number">{coherence}</td></tr>'
    )
