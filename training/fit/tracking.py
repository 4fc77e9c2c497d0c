"""Trackers, through accelerate: TensorBoard, trackio, wandb."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator

from dataset_script.errors import ConfigError
from training.config.options import flatten
from training.config.schema import Config
from training.errors import one_line


def check_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker that is not installed.

    Raises:
        ConfigError: Naming it.
    """
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f"tracking.trackers names {name}, which is not installed: `pip install {name}`, or "
                "take another"
            )


def start_trackers(accelerator: Accelerator, config: Config, run: Path) -> None:
    """Begin logging a run.

    Args:
        accelerator: Made with `log_with` the configured trackers.
        config: The resolved configuration, logged as hyperparameters.
        run: The run's folder; trackio and wandb keep their files in it too. trackio reads its
            folder once: of several runs in one process (a sweep) all are kept in the first's.

    Raises:
        ConfigError: If a tracker cannot be started, as wandb where nobody has logged in.
    """
    if "trackio" in config.tracking.trackers:
        os.environ.setdefault("TRACKIO_DIR", str((run / "trackio").resolve()))
    values = {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in flatten(config).items()
    }
    wandb = {"name": config.name, "dir": str(run), "entity": config.tracking.entity or None}
    named = {"trackio": {"name": config.name}, "wandb": wandb}
    try:
        accelerator.init_trackers(config.tracking.project, values, named)
    except Exception as error:  # each tracker has kinds of its own
        raise ConfigError(
            f"tracking.trackers: {', '.join(config.tracking.trackers)} cannot be started: "
            f"{one_line(error)}"
        ) from error


def log_images(accelerator: Accelerator, images: Mapping[str, np.ndarray], step: int) -> None:
    """Log pictures with every tracker.

    Args:
        accelerator: With trackers started.
        images: uint8 `[H, W, 3]` by name.
        step: Update they belong to.
    """
    for tracker in accelerator.trackers:
        if tracker.name == "trackio":
            import trackio

            pictures: dict[str, Any] = {k: trackio.Image(v) for k, v in images.items()}
            tracker.log(pictures, step=step)
        else:
            batches = {name: image[None] for name, image in images.items()}
            extra = {"dataformats": "NHWC"} if tracker.name == "tensorboard" else {}
            tracker.log_images(batches, step=step, **extra)
