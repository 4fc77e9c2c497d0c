"""Figures of a run, drawn without pyplot so that they may be drawn anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dataset_script.safe_files import renamed

_TRUTH, _CALL = "#1a1a1a", "#d95f02"


@dataclass(frozen=True)
class Example:
    """One sample to draw.

    Attributes:
        title: What is written above it.
        phase: Wrapped phase of the last step in rad `[H, W]`, NaN without data.
        probability: Probability of deformation `[H, W]` of a segmentation, else None.
        truth: True mask `[H, W]` of a segmentation, else None.
        verdict: The model's answer and the truth in words.
    """

    title: str
    phase: np.ndarray
    probability: np.ndarray | None
    truth: np.ndarray | None
    verdict: str


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


def draw_examples(examples: Sequence[Example], threshold: float) -> Figure:
    """Wrapped phase of each sample, and of a segmentation its probability and outlines.

    Args:
        examples: At least one.
        threshold: Probability at which the model's outline is drawn.

    Returns:
        The figure.
    """
    maps = examples[0].probability is not None
    rows = 2 if maps else 1
    columns = min(len(examples), 6)
    bands = math.ceil(len(examples) / columns)
    figure = Figure(figsize=(2.3 * columns + 0.9, 2.5 * rows * bands + 0.4), layout="constrained")
    grid = figure.subplots(rows * bands, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    phase = probability = None
    for place, example in enumerate(examples):
        band, column = divmod(place, columns)
        top = grid[band * rows, column]
        phase = top.imshow(example.phase, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi)
        top.set_title(f"{example.title}\n{example.verdict}", fontsize=7)
        if maps:
            bottom = grid[band * rows + 1, column]
            probability = bottom.imshow(example.probability, cmap=cm.batlowW_r, vmin=0, vmax=1)
            _outline(bottom, example.truth, 0.5, _TRUTH)
            _outline(bottom, example.probability, threshold, _CALL)
    if phase is not None:
        bar = figure.colorbar(phase, ax=grid[::rows].ravel().tolist(), shrink=0.7, pad=0.01)
        bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
        bar.set_label("wrapped phase (rad)", fontsize=7)
    if probability is not None:
        bar = figure.colorbar(probability, ax=grid[1::rows].ravel().tolist(), shrink=0.7, pad=0.01)
        bar.set_label("probability of deformation", fontsize=7)
        figure.supxlabel("outlines: annotation black, model orange", fontsize=7)
    return figure


def _outline(axes: Axes, values: np.ndarray | None, level: float, colour: str) -> None:
    if values is not None and values.min() < level < values.max():
        axes.contour(values, [level], colors=[colour], linewidths=0.9)


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
    roc.plot(np.r_[0, fp / others], np.r_[0, tp / total], color=_CALL)
    roc.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    roc.set(
        xlabel="false positive rate", ylabel="recall", title=_titled("AUROC", operating, "auroc")
    )
    called = tp + fp
    some = called > 0
    trade.plot(tp[some] / total, tp[some] / called[some], color=_CALL)
    trade.axhline(total / (total + others), color="0.7", linewidth=0.8)
    if operating.get("recall") is not None:
        trade.plot(operating["recall"], operating["precision"], "o", color=_TRUTH)
    title = _titled("average precision", operating, "average_precision")
    trade.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02), title=title)
    reliable.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    if calibration:
        points = np.array(
            [calibration["curve"][name] for name in ("probability", "frequency")], float
        )
        reliable.plot(*points, "o-", color=_CALL, markersize=3)
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
    losses.plot(epochs, [line["train"]["loss"] for line in history], color="0.5", label="train")
    losses.plot(
        epochs, [line["validation"]["loss"] for line in history], color=_CALL, label="validation"
    )
    losses.set(xlabel="epoch", ylabel="loss")
    losses.legend(fontsize=7)
    for key in ("f1", "auroc", "iou"):
        values = [line["validation"].get(key) for line in history]
        if any(value is not None for value in values):
            points = [np.nan if value is None else value for value in values]
            scores.plot(epochs, points, label=f"validation {key}")
    scores.set(xlabel="epoch", ylim=(0, 1.02))
    scores.legend(fontsize=7)
    return figure
