"""Small experiments for the tests of the training room."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT
from training.config.options import load_config
from training.data.sources import open_data
from training.models.build import build_model

CHANNELS = ["insar_difference", "insar_coherence", "dem"]


def small(data, output, objective="classification", **overrides):
    """A configuration of a tiny model that trains in seconds."""
    segment = objective == "segmentation"
    values = {
        "name": "small",
        "output": str(output),
        "objective": objective,
        "data.path": str(data),
        "data.channels": CHANNELS,
        "data.workers": 0,
        "model.library": "smp" if segment else "timm",
        "model.name": "Unet" if segment else "test_resnet",
        "model.encoder": "resnet18" if segment else "",
        "training.batch_size": 4,
        "training.epochs": 2,
        "tracking.trackers": [],
        "tracking.images": 0,
    }
    if segment:
        values["model.options"] = {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}
    return load_config(None, values | overrides)


def samples_of(data, split="train", **overrides):
    """Samples of one split."""
    config = small(data, "unused", **overrides)
    return open_data(config, (split,)).splits[split]


def build(config, objective="classification", steps=1, channels=9, classes=2, size=64):
    """A model of small images."""
    return build_model(
        config,
        objective=objective,
        num_channels=channels,
        timeseries_length=steps,
        num_classes=classes,
        image_size=size,
    )


def python(*arguments, **options):
    """Run Python in the project's folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        **options,
    )


def history(run):
    """Lines of metrics.jsonl without what the clock says."""
    lines = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "timing"} for line in lines]
