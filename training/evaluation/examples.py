"""Pictures of what a model says about a few samples."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from training.data.loader import Loader
from training.data.sampling import Share
from training.data.sources import Samples
from training.data.tasks import IGNORED, Task
from training.evaluation.figures import Example, draw_examples
from training.evaluation.predictions import Forward


def pick(samples: Samples, count: int) -> np.ndarray:
    """Samples to look at: two positives to each negative, spread over the split."""
    positive, negative = np.flatnonzero(samples.positive), np.flatnonzero(~samples.positive)
    few = min(len(negative), max(count // 3, count - len(positive)))
    chosen = []
    for kind, number in ((positive, min(len(positive), count - few)), (negative, few)):
        chosen += [kind[i * len(kind) // number] for i in range(number)]
    return np.array(chosen, int)


def make_examples(
    forward: Forward,
    samples: Samples,
    device: torch.device,
    count: int,
    temperature: float = 1.0,
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
    chosen = pick(samples, count)
    share = Share(chosen, np.ones(len(chosen), bool), len(chosen))
    (batch,) = Loader(samples, device, workers=0).batches([share])
    task = samples.task
    with torch.no_grad():
        split = task.split_answers(forward(batch).float() / temperature)
    probability = torch.sigmoid(task.margin(split)).cpu().numpy()
    last = np.arange(len(chosen)) * task.answers + task.answers - 1
    raster = batch.rasters.get("insar_difference", next(iter(batch.rasters.values())))
    phase = (raster if raster.ndim == 3 else raster[:, -1]).float().cpu().numpy()
    phase = np.where(phase == 0, np.nan, phase)
    target = batch.target.cpu().numpy()
    examples = []
    for place, sample in enumerate(chosen):
        facts = samples.facts(int(sample))
        title = f"{facts.frame_id} {facts.primary_date}"
        if task.objective == "segmentation":
            mask = target[last[place]]
            found = (mask > 0) & (mask != IGNORED)
            verdict = f"{found.mean():.1%} of the pixels deform"
            examples.append(
                Example(title, phase[place], probability[last[place]], found * 1.0, verdict)
            )
        else:
            verdict = _verdict(task, split[last[place]], target[last[place]])
            examples.append(Example(title, phase[place], None, None, verdict))
    return examples


def examples_figure(forward: Forward, samples: Samples, device: torch.device, count: int) -> Figure:
    """`make_examples`, drawn with outlines at even odds.

    Args:
        forward: See `make_examples`.
        samples: See `make_examples`.
        device: See `make_examples`.
        count: See `make_examples`.

    Returns:
        The figure.
    """
    return draw_examples(make_examples(forward, samples, device, count), 0.5)


def _verdict(task: Task, logits: Tensor, target: np.ndarray) -> str:
    if task.multilabel:
        held = [name for name, present in zip(task.classes, target, strict=True) if present]
        chance = torch.sigmoid(logits)
        truth = " + ".join(held) or "none"
    else:
        chance = logits.softmax(0)
        truth = "not annotated" if target == IGNORED else task.classes[int(target)]
    best = int(chance.argmax())
    return f"{task.classes[best]} {float(chance[best]):.0%}, truth {truth}"
