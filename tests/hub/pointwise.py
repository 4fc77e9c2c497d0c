"""A model whose answers are easy to foretell, and a scene to ask it about."""

import datetime

import numpy as np
import torch
from torch import nn

from dataset_script.channels import INSAR_CHANNELS
from hub.inference.detector import Detector
from hub.scenes.scene import make_scene
from tests.hub.facts import make_facts
from tests.hub.licsar import DEGREES, make_phase


class Pointwise(nn.Module):
    """Answers each pixel by the mean of its own planes, blurred over `reach` pixels around."""

    def __init__(self, planes, classes=2, reach=1, objective="segmentation"):
        super().__init__()
        self.mix = nn.Conv2d(planes, classes, 1)
        self.blur = nn.AvgPool2d(reach, 1, reach // 2)
        self.objective = objective
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.mix.weight.copy_(
                torch.randn(self.mix.weight.shape, generator=generator) / planes**0.5
            )
            self.mix.bias.copy_(torch.randn(self.mix.bias.shape, generator=generator))

    def forward(self, planes):
        logits = self.blur(self.mix(planes))
        return logits if self.objective == "segmentation" else logits.mean((2, 3))


def pointwise(steps=2, channels=INSAR_CHANNELS, reach=1, kind="smp", **changes):
    facts = make_facts(kind, channels, steps, **changes)
    answers = steps if facts.mask_target == "all" else 1
    backbone = Pointwise(
        steps * len(channels), answers * len(facts.classes), reach, facts.objective
    )
    # Answers that are easy to foretell are so to many digits, on any processor.
    return Detector(backbone, facts, "pointwise", device="cpu", full_precision=True)


def frame_scene(height=150, width=170, steps=2, transform=DEGREES, crs="EPSG:4326"):
    phase = np.stack([make_phase(height, width, step, 1.0 + step) for step in range(steps)])
    coherence = np.where(phase == 0, 0, 150).astype("uint8")
    x = np.arange(width, dtype="float32")
    return make_scene(
        "frame",
        phase,
        coherence,
        np.tile(x * 5, (height, 1)),
        transform=transform,
        crs=crs,
        primary_date=datetime.date(2017, 1, 3),
        secondary_dates=tuple(datetime.date(2017, 2, 1 + step) for step in range(steps)),
    )
