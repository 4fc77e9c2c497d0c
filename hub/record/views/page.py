"""The page over a record: a row a volcano, plain HTML that needs nothing from elsewhere."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from hub.record.columns import Row, dates_of
from hub.record.views.history import History
from hub.record.views.standing import COLOURS, standing_of

WIDTH, HEIGHT = 220, 34
_MARGIN = 3


def render_page(
    frames: Sequence[History],
    volcanoes: Sequence[History],
    pictures: Mapping[str, str],
    now: datetime.datetime | None = None,
) -> str:
    """Write the page.

    Args:
        frames: Histories of the frames.
        volcanoes: Histories of the volcanoes.
        pictures: Their pictures by slug, relative to the page.
        now: When it is written.

    Returns:
        HTML.
    """
    source = files("hub.record.views").joinpath("templates/index.html.jinja").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    moment = now or datetime.datetime.now(datetime.UTC)
    return environment.from_string(source).render(
        tables=[
            (title, [_entry(history, pictures) for history in newest_first(members)])
            for title, members in (("Volcanoes", volcanoes), ("Frames", frames))
            if members
        ],
        written=f"{moment:%Y-%m-%d %H:%M} UTC",
        colours=COLOURS,
        width=WIDTH,
        height=HEIGHT,
    )


def newest_first(members: Sequence[History]) -> list[History]:
    """Those that deformed last come first: it is what one looks for."""

    def last(history: History) -> str:
        row = history.last_deformation
        return str(row["secondary_dates"][-1]) if row else ""

    return sorted(members, key=last, reverse=True)


def _entry(history: History, pictures: Mapping[str, str]) -> dict[str, Any]:
    alarm = history.last_deformation
    return {
        "name": history.name,
        "number": history.volcano and history.volcano.number,
        "picture": pictures[history.slug],
        "pairs": len(history.rows),
        "last_look": history.last_look,
        "alarm": alarm,
        "alarm_days": alarm and f"{alarm['primary_date']} to {alarm['secondary_dates'][-1]}",
        "recent": alarm is not None and alarm["secondary_dates"][-1] == history.last_look,
        "spark": _spark(history.dated),
    }


def _spark(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Bars of a sparkline, each from primary to secondary date at its probability's height."""
    if not rows:
        return []
    starts = [dates_of(row)[0].toordinal() for row in rows]
    ends = [dates_of(row)[-1].toordinal() for row in rows]
    first, span = min(starts), max(1, max(ends) - min(starts))
    wide, tall = WIDTH - 2 * _MARGIN, HEIGHT - 2 * _MARGIN
    bars = [
        {
            "x1": round(_MARGIN + wide * (start - first) / span, 1),
            "x2": round(
                _MARGIN + max(wide * (end - first) / span, wide * (start - first) / span + 1), 1
            ),
            "y": round(_MARGIN + tall * (1 - (row["probability"] or 0.0)), 1),
            "colour": COLOURS[standing_of(row)],
            "alarm": bool(row["alarm"]),
        }
        for row, start, end in zip(rows, starts, ends, strict=True)
    ]
    return sorted(bars, key=lambda bar: bar["alarm"])
