"""What a run is about to do, said before its first step, so that a wrong setting shows at once."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import torch
from accelerate import Accelerator

from training.data.samples import Samples
from training.data.sources import OpenedData
from training.fit.loop import TrainingLoop

_PRECISIONS = {"no": "float32", "fp16": "float16 mixed", "bf16": "bfloat16 mixed"}


def banner(loop: TrainingLoop, data: OpenedData, model: str) -> str:
    """A few lines for people.

    Args:
        loop: What is about to train.
        data: Its data.
        model: The model in words.

    Returns:
        Text of several lines, the last ones warnings where the run is not what was asked for.
    """
    config, accelerator = loop.config, loop.accelerator
    size = f"{data.image_size} x {data.image_size} pixels"
    steps = data.task.timeseries_length
    weights = list(loop.model.parameters())
    learnt = sum(weight.numel() for weight in weights if weight.requires_grad)
    frozen = sum(weight.numel() for weight in weights) - learnt
    at_once = config.training.batch_size * accelerator.num_processes * config.training.accumulation
    lines = {
        "run": f"{config.name}, in {loop.run}",
        "data": f"{config.data.path}, {config.data.config}: T={steps}, "
        f"{len(data.channels)} channels, {size}, split scheme {data.scheme}",
        **{split: _counted(samples) for split, samples in data.splits.items()},
        "model": f"{model}, {learnt / 1e6:.2f} M parameters"
        + (f" and {frozen / 1e6:.2f} M frozen" if frozen else ""),
        "device": f"{_device(accelerator)}, {_count(accelerator.num_processes, 'process')}, "
        f"{precision(accelerator)}",
        "updates": f"{loop.updates_per_epoch} an epoch, of up to {_count(at_once, 'sample')} each, "
        f"for {_count(config.training.epochs, 'epoch')}",
    }
    width = max(map(len, lines))
    told = [f"{name:<{width}}  {text}" for name, text in lines.items()]
    return "\n".join([*told, *(f"WARNING: {text}" for text in unmet(accelerator))])


def precision(accelerator: Accelerator) -> str:
    """The precision that really computes, in words."""
    asked = accelerator.mixed_precision
    if asked == "fp16" and not accelerator.native_amp:
        return "float32"
    return _PRECISIONS.get(asked, f"{asked} mixed")


def unmet(accelerator: Accelerator) -> list[str]:
    """What was asked of `accelerate launch` and is not so; it says nothing of these itself."""
    told = []
    if accelerator.mixed_precision == "fp16" and not accelerator.native_amp:
        told.append(
            "mixed precision fp16 was asked for, which needs a GPU: this runs in float32 "
            "(--mixed_precision bf16 works on a CPU)"
        )
    # The launcher's mark of several processes, which the processes' own count is missing beside.
    launched = "ACCELERATE_MIXED_PRECISION" in os.environ and "MASTER_ADDR" in os.environ
    if launched and "WORLD_SIZE" not in os.environ and accelerator.num_processes == 1:
        told.append(
            "several processes were asked for, but `accelerate launch` started one, as it does on "
            "a CPU: give it --config_file configs/accelerate/multi_cpu.yaml --num_processes N"
        )
    return told


def _device(accelerator: Accelerator) -> str:
    device = accelerator.device
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({_count(torch.get_num_threads(), 'thread')})"


def _counted(samples: Samples) -> str:
    """Samples of a split by the classes of its task, as whole images."""
    task, classes = samples.task, Counter[str]()
    for sample in range(len(samples)):
        target = task.image_target(samples.labels(sample))
        if task.name == "activity_type":  # several may hold, or none
            held, names = np.flatnonzero(target.any(0)), task.classes[not task.multilabel :]
            classes.update([names[code] for code in held])
        else:
            names = task.classes
            classes.update({names[code] if code < len(names) else "none" for code in target})
    listed = ", ".join(f"{count} {name}" for name, count in sorted(classes.items()))
    return f"{_count(len(samples), 'sample')}: {listed or 'no class holds'}"


def _count(number: int, what: str) -> str:
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}{plural if number != 1 else ''}"
