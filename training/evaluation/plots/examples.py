"""Pictures of a few samples with the model's predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from training.data.loader import Loader
from training.data.samples import Samples
from training.data.sampling import Share
from training.data.tasks import IGNORED, Task
from training.evaluation.plots.curves import MODEL_COLOUR, TRUTH_COLOUR
from training.evaluation.predictions import Forward


@dataclass(frozen=True)
class Example:
    """One sample to draw.

    Attributes:
        title: What is written above it.
        phase: Wrapped phase of the last step in rad `[H, W]`, NaN without data.
        probability: Probability of deformation `[H, W]` of a segmentation, else None.
        truth: True mask `[H, W]` of a segmentation, else None.
        caption: The prediction and the truth in words.
    """

    title: str
    phase: np.ndarray
    probability: np.ndarray | None
    truth: np.ndarray | None
    caption: str


def _choose(samples: Samples, count: int) -> np.ndarray:
    """Samples to draw: two positives to each negative, spread over the split."""
    positive, negative = np.flatnonzero(samples.positive), np.flatnonzero(~samples.positive)
    few = min(len(negative), max(count // 3, count - len(positive)))
    chosen = []
    for kind, number in ((positive, min(len(positive), count - few)), (negative, few)):
        chosen += [kind[i * len(kind) // number] for i in range(number)]
    return np.array(chosen, int)


def make_examples(
    forward: Forward, samples: Samples, device: torch.device, count: int, temperature: float = 1.0
) -> list[Example]:
    """Run a model on a few samples.

    Args:
        forward: From a batch to logits.
        samples: The split.
        device: Where the model is.
        count: Samples at most.
        temperature: Divisor of the logits.

    Returns:
        The examples.
    """
    chosen = _choose(samples, count)
    share = Share(chosen, np.ones(len(chosen), bool), len(chosen))
    (batch,) = Loader(samples, device, workers=0).batches([share])
    task = samples.task
    with torch.no_grad():
        split = task.split_answers(forward(batch).float())
    probability = torch.sigmoid(task.margin(split, temperature) / temperature).cpu().numpy()
    split = split / temperature
    last = np.arange(len(chosen)) * task.answers + task.answers - 1
    raster = batch.rasters.get("insar_difference", next(iter(batch.rasters.values())))
    phase = (raster if raster.ndim == 3 else raster[:, -1]).float().cpu().numpy()
    phase = np.where(phase == 0, np.nan, phase)
    target = batch.target.cpu().numpy()
    examples = []
    for place, sample in enumerate(chosen):
        facts = samples.metadata(int(sample))
        title = f"{facts.frame_id} {facts.primary_date}"
        if task.objective == "segmentation":
            mask = target[last[place]]
            found = (mask > 0) & (mask != IGNORED)
            caption = f"{found.mean():.1%} of the pixels deform"
            examples.append(
                Example(title, phase[place], probability[last[place]], found * 1.0, caption)
            )
        else:
            caption = _caption(task, split[last[place]], target[last[place]])
            examples.append(Example(title, phase[place], None, None, caption))
    return examples


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
        top.set_title(f"{example.title}\n{example.caption}", fontsize=7)
        if maps:
            bottom = grid[band * rows + 1, column]
            probability = bottom.imshow(example.probability, cmap=cm.batlowW_r, vmin=0, vmax=1)
            _outline(bottom, example.truth, 0.5, TRUTH_COLOUR)
            _outline(bottom, example.probability, threshold, MODEL_COLOUR)
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


def _caption(task: Task, logits: Tensor, target: np.ndarray) -> str:
    if task.multilabel:
        held = [name for name, present in zip(task.classes, target, strict=True) if present]
        chance = torch.sigmoid(logits)
        truth = " + ".join(held) or "none"
    else:
        chance = logits.softmax(0)
        truth = "not annotated" if target == IGNORED else task.classes[int(target)]
    best = int(chance.argmax())
    return f"{task.classes[best]} {float(chance[best]):.0%}, truth {truth}"
