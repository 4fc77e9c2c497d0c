"""Curves of a run, drawn without pyplot so that they may be drawn anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dataset_script.safe_files import renamed

TRUTH_COLOUR, MODEL_COLOUR = "#1a1a1a", "#d95f02"


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a PNG; the file is replaced whole and has no date in it."""
    with renamed(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    return path


def to_image(figure: Figure) -> np.ndarray:
    """A figure as uint8 `[H, W, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def draw_curves(
    positives: np.ndarray,
    negatives: np.ndarray,
    operating: Mapping[str, Any],
    calibration: Mapping[str, Any],
) -> Figure:
    """ROC, precision against recall, and reliability.

    Args:
        positives: Positives by descending score `[L]`.
        negatives: Negatives `[L]`.
        operating: `precision`, `recall`, `auroc`, `average_precision` at the chosen threshold.
        calibration: `ece_before`, `ece_after` and `curve`.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    roc, trade, reliable = figure.subplots(1, 3)
    tp, fp = np.cumsum(positives), np.cumsum(negatives)
    total, others = max(tp[-1], 1), max(fp[-1], 1)
    roc.plot(np.r_[0, fp / others], np.r_[0, tp / total], color=MODEL_COLOUR)
    roc.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    roc.set(
        xlabel="false positive rate", ylabel="recall", title=_titled("AUROC", operating, "auroc")
    )
    called = tp + fp
    some = called > 0
    trade.plot(tp[some] / total, tp[some] / called[some], color=MODEL_COLOUR)
    trade.axhline(total / (total + others), color="0.7", linewidth=0.8)
    if operating.get("recall") is not None:
        trade.plot(operating["recall"], operating["precision"], "o", color=TRUTH_COLOUR)
    title = _titled("average precision", operating, "average_precision")
    trade.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02), title=title)
    reliable.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    if calibration:
        points = np.array(
            [calibration["curve"][name] for name in ("probability", "frequency")], float
        )
        reliable.plot(*points, "o-", color=MODEL_COLOUR, markersize=3)
        gaps = (calibration["ece_before"], calibration["ece_after"])
        reliable.set_title(f"calibration error {gaps[0]:.3f}, scaled {gaps[1]:.3f}", fontsize=9)
    reliable.set(xlabel="probability", ylabel="observed frequency", xlim=(0, 1), ylim=(0, 1))
    for axes in (roc, trade):
        axes.title.set_fontsize(9)
    return figure


def _titled(name: str, values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return f"{name} undefined" if value is None else f"{name} {value:.3f}"


def draw_history(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses and validation metrics against epochs.

    Args:
        history: Lines of metrics.jsonl.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    epochs = [line["epoch"] + 1 for line in history]
    for part, colour in (("train", "0.5"), ("validation", MODEL_COLOUR)):
        losses.plot(epochs, [line[part]["loss"] for line in history], color=colour, label=part)
    losses.set(xlabel="epoch", ylabel="loss")
    losses.legend(fontsize=7)
    for key in ("f1", "auroc", "iou", "mrr"):
        values = [line["validation"].get(key) for line in history]
        if any(value is not None for value in values):
            points = [np.nan if value is None else value for value in values]
            scores.plot(epochs, points, label=f"validation {key}")
    scores.set(xlabel="epoch", ylim=(0, 1.02))
    scores.legend(fontsize=7)
    return figure
