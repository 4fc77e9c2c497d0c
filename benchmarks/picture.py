"""A picture of the rates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.harness import Timing


def draw(timings: Mapping[str, Mapping[str, Timing]], path: Path) -> None:
    """Milliseconds a sample of each contestant, warm and (where measured) cold, as bars."""
    import matplotlib.pyplot as plt

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
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
