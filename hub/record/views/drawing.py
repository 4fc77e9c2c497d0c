"""The picture of a history: every pair over time, where it was marked, the strongest five."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cmcrameri import cm
from matplotlib.collections import LineCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter
from PIL import Image

from hub.record.columns import Row, dates_of
from hub.record.views.history import History, marked_map
from hub.record.views.standing import COLOURS, standing_of, strength
from hub.record.volcanoes import volcanoes_within

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONGEST = 5


def draw_history(history: History, folder: Path) -> Figure:
    """Draw a history.

    Args:
        history: Of a frame or a volcano.
        folder: The record, where rasters and quicklooks lie.

    Returns:
        A figure: probability and area of each pair as bars from primary to secondary date, coloured
        by verdict and paler the lower the coherence; the share of looks in which each pixel was
        marked; the five strongest pairs around their most probable place.
    """
    figure = Figure(figsize=(13, 9.2), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(2.4, 1.5, 2.6))
    top = figure.add_subplot(grid[0])
    middle = figure.add_subplot(grid[1], sharex=top)
    low = grid[2].subgridspec(1, 1 + STRONGEST, width_ratios=(1.7, *[1.0] * STRONGEST))
    _draw_probability(top, history)
    _draw_area(middle, history)
    _draw_map(figure.add_subplot(low[0]), history, folder)
    strongest = history.strongest(STRONGEST)
    for number in range(STRONGEST):
        ax = figure.add_subplot(low[1 + number])
        _draw_strong(ax, strongest[number] if number < len(strongest) else None, folder)
    figure.suptitle(_title(history), fontsize=13)
    figure.supxlabel("research, not an alert", fontsize=8, x=0.99, ha="right")
    return figure


def _draw_probability(ax: Axes, history: History) -> None:
    rows = history.dated
    _bars(ax, rows, [row["probability"] or 0.0 for row in rows])
    ax.set_ylim(-0.03, 1.05)
    ax.set_ylabel("probability of deformation")
    limits = {row["deformation_from"] for row in rows if row["deformation_from"] is not None}
    own = {row["frame_deformation_from"] for row in rows if row["frame_deformation_from"]}
    for values, style, name in ((limits, ":", "model's limit"), (own, "--", "frame's own limit")):
        for value in sorted(values)[-1:]:
            ax.axhline(value, color="0.35", linestyle=style, linewidth=1, label=name)
    seen = {standing_of(row) for row in rows}
    handles = [
        Line2D([], [], color=colour, linewidth=3.5, label=name)
        for name, colour in COLOURS.items()
        if name in seen
    ]
    handles += [item for item in ax.lines if not str(item.get_label()).startswith("_")]
    if handles:
        ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=6,
            frameon=False,
            fontsize=9,
            borderaxespad=0.1,
        )
    ax.tick_params(labelbottom=False)


def _draw_area(ax: Axes, history: History) -> None:
    rows = [row for row in history.dated if row["area_km2"]]
    _bars(ax, rows, [row["area_km2"] for row in rows])
    ax.set_yscale("log")
    areas = [row["area_km2"] for row in rows] or [1.0]
    ax.set_ylim(
        10 ** math.floor(math.log10(min(areas)) - 0.1),
        10 ** math.ceil(math.log10(max(areas)) + 0.1),
    )
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel("marked area, km²")
    days = [day for row in history.dated for day in (dates_of(row)[0], dates_of(row)[-1])]
    if days:
        margin = datetime.timedelta(max(3, (max(days) - min(days)).days // 60))
        ax.set_xlim(date2num(min(days) - margin), date2num(max(days) + margin))
        locator = AutoDateLocator(minticks=4, maxticks=14)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    if not rows:
        ax.text(0.5, 0.5, "nothing was marked", transform=ax.transAxes, ha="center", color="0.4")


def _bars(ax: Axes, rows: Sequence[Row], heights: Sequence[float]) -> None:
    """Bars from primary to secondary date; alarms are drawn last, on top."""
    order = {name: place for place, name in enumerate(reversed(COLOURS))}
    chosen = sorted(zip(rows, heights, strict=True), key=lambda item: order[standing_of(item[0])])
    lines, colours, widths = [], [], []
    for row, height in chosen:
        dates = dates_of(row)
        lines.append([(date2num(dates[0]), height), (date2num(dates[-1]), height)])
        colours.append((COLOURS[standing_of(row)], strength(row["mean_coherence"])))
        widths.append(3.5 if row["alarm"] else 2.2)
    ax.add_collection(LineCollection(lines, colors=colours, linewidths=widths, capstyle="butt"))
    ax.grid(axis="y", color="0.92", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.autoscale_view()


def _draw_map(ax: Axes, history: History, folder: Path) -> None:
    found = marked_map(history, folder)
    ax.set_title("share of looks that marked the pixel", fontsize=9)
    ax.tick_params(labelsize=7)
    if found is None:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "no masks with a place", transform=ax.transAxes, ha="center", color="0.4")
        return
    west, east, south, north = found.extent
    ax.set_facecolor("0.85")
    most = max(0.05, float(np.nanmax(found.share)) if np.isfinite(found.share).any() else 0.0)
    shown = np.ma.masked_invalid(found.share)
    image = ax.imshow(
        shown,
        extent=(west, east, south, north),
        cmap=cm.lajolla_r,
        vmin=0,
        vmax=most,
        interpolation="nearest",
    )
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.75, pad=0.02)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    bar.ax.tick_params(labelsize=7)
    # Far north and south a map is narrow, and its labels are as wide as anywhere.
    narrow = math.cos(math.radians((south + north) / 2)) * (east - west) < 0.7 * (north - south)
    ax.locator_params(axis="x", nbins=2 if narrow else 4)
    ax.locator_params(axis="y", nbins=4)
    ax.ticklabel_format(useOffset=False)
    ax.set_aspect(1 / max(0.1, math.cos(math.radians((south + north) / 2))))
    for volcano in volcanoes_within((west, south, east, north)):
        x = west + (volcano.longitude - west) % 360
        ax.plot(x, volcano.latitude, "^", color="black", markersize=4, markerfacecolor="none")
        ax.annotate(
            volcano.name,
            (x, volcano.latitude),
            (0, 4),
            textcoords="offset points",
            fontsize=6.5,
            ha="center",
            clip_on=True,
        )
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)


def _draw_strong(ax: Axes, row: Row | None, folder: Path) -> None:
    ax.set_axis_off()
    if row is None:
        return
    name = (row["files"] or {}).get("quicklook")
    try:
        picture = Image.open(folder / name).convert("RGB") if name else None
    except (OSError, ValueError):  # one that is being replaced, or was cut off
        picture = None
    if picture is None:
        ax.text(0.5, 0.5, "no picture kept", transform=ax.transAxes, ha="center", color="0.4")
    else:
        ax.imshow(np.asarray(picture), interpolation="nearest")
    dates = dates_of(row)
    when = f"{dates[0]} to\n{dates[-1]}" if dates else row["scene"][:24]
    ax.set_title(
        f"{when}\n{row['probability']:.2f}, {standing_of(row)}",
        fontsize=8.5,
        color=COLOURS[standing_of(row)],
    )


def _title(history: History) -> str:
    number = f" ({history.volcano.number})" if history.volcano else ""
    rows = history.rows
    alarms = sum(bool(row["alarm"]) for row in rows)
    days = [day for row in history.dated for day in dates_of(row)]
    span = f", {min(days)} to {max(days)}" if days else ""
    pairs = "pair" if len(rows) == 1 else "pairs"
    return f"{history.name}{number}: {len(rows)} {pairs}{span}; {alarms} with deformation"
