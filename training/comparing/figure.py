"""The curves of several runs in one figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.comparing.comparison import Comparison, Row

# Okabe and Ito's colours, which most of those who see few colours can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_DASHES = ("-", "--", ":", "-.")


def draw_comparison(comparison: Comparison) -> Figure:
    """ROC, precision against recall, reliability, and validation over the epochs.

    Args:
        comparison: The runs.

    Returns:
        The figure; a dot marks each run's own threshold.
    """
    figure = Figure(figsize=(10, 7.4), layout="constrained")
    (roc, trade), (reliable, learning) = figure.subplots(2, 2)
    for axes in (roc, reliable):
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8)
    selected = {row.candidate.settings["training.select"] for row in comparison.rows}
    for number, row in enumerate(comparison.rows):
        look: dict[str, Any] = {
            "color": _COLOURS[number % len(_COLOURS)],
            "linestyle": _DASHES[number // len(_COLOURS) % len(_DASHES)],
            "linewidth": 1.4,
        }
        tp, fp = (np.cumsum(counts) for counts in row.curves)
        total, others, called = max(tp[-1], 1), max(fp[-1], 1), tp + fp
        area, mean = row.metrics["auroc"], row.metrics["average_precision"]
        roc.plot(np.r_[0, fp / others], np.r_[0, tp / total], label=_titled(row, area), **look)
        some = called > 0
        trade.plot(tp[some] / total, tp[some] / called[some], label=_titled(row, mean), **look)
        point = row.metrics["recall"], row.metrics["precision"]
        trade.plot(*point, "o", color=look["color"], markersize=5)
        curve = row.calibration["curve"]
        points = np.array([curve["probability"], curve["frequency"]], float)
        known = np.isfinite(points).all(0)
        gap = row.calibration["ece_after"]
        label = f"{row.candidate.name} (error {gap:.3f})"
        reliable.plot(*points[:, known], marker=".", label=label, **look)
        key, history = row.candidate.settings["training.select"], row.candidate.history
        scores = [line["validation"].get(key) for line in history]
        learning.plot(
            [line["epoch"] + 1 for line in history],
            [math.nan if score is None else score for score in scores],
            label=row.candidate.name if len(selected) == 1 else f"{row.candidate.name}, {key}",
            marker=".",
            **look,
        )
    roc.set(xlabel="false positive rate", ylabel="recall", title="ROC (AUROC)")
    trade.set(
        xlabel="recall",
        ylabel="precision",
        title="precision against recall (average precision)",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
    reliable.set(
        xlabel="probability, calibrated on validation",
        ylabel="observed frequency",
        title="reliability",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    learning.xaxis.set_major_locator(MaxNLocator(integer=True))
    what = selected.pop() if len(selected) == 1 else "score"
    learning.set(xlabel="epoch", ylabel=what, title=f"validation {what}", ylim=(0, 1.02))
    for axes in (roc, trade, reliable, learning):
        axes.title.set_fontsize(9)
        axes.legend(fontsize=7)
    return figure


def _titled(row: Row, value: float) -> str:
    return f"{row.candidate.name} ({'undefined' if math.isnan(value) else f'{value:.3f}'})"
