"""Pictures: the rates, and where the time of an export goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.harness import Timing


def draw_rates(timings: Mapping[str, Mapping[str, Timing]], path: Path) -> None:
    """Milliseconds a sample of each contestant, warm and (where measured) cold, as bars."""
    warm = timings["reading, warm"]
    cold = timings.get("reading, cold", {})
    names = sorted(warm, key=lambda name: warm[name].rate)
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.2), layout="constrained")
    places = range(len(names))
    axes.barh(places, [1000 / warm[name].rate for name in names], color="#3b6fb6", label="warm")
    if cold:
        extra = [max(0.0, 1000 / cold[name].rate - 1000 / warm[name].rate) for name in names]
        left = [1000 / warm[name].rate for name in names]
        axes.barh(places, extra, left=left, color="#c9a66b", label="more with a cold page cache")
    for place, name in zip(places, names, strict=True):
        axes.text(1000 / warm[name].rate, place, f" {warm[name].rate:.1f}/s", va="center", size=8)
    axes.set_yticks(places, names)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a T=3 sample of 512 pixels (logarithmic)")
    axes.set_xlim(left=0.5)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_stages(stages: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Stacked bars: the share of each stage in an export's seconds."""
    figure, axes = plt.subplots(figsize=(9, 0.7 * len(stages) + 1.6), layout="constrained")
    colours = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]
    for place, seconds in enumerate(stages.values()):
        left, whole = 0.0, sum(seconds.values())
        for colour, (stage, took) in zip(colours, seconds.items(), strict=False):
            share = 100 * took / whole
            label = stage if place == 0 else None
            axes.barh(place, share, left=left, color=colour, label=label)
            if share > 4:
                axes.text(left + share / 2, place, f"{share:.0f}", ha="center", va="center", size=8)
            left += share
    axes.set_yticks(range(len(stages)), list(stages))
    axes.set_xlabel("% of an export's time in one process")
    axes.set_xlim(0, 100)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
