"""Trackers, through accelerate: TensorBoard, trackio, wandb."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator

from dataset_script.errors import ConfigError
from dataset_script.safe_files import renamed
from training.config.options import flatten
from training.config.schema import Config
from training.errors import one_line

WANDB_ID = "wandb_id.txt"
"""Where a run's folder keeps its id, so that a resumed run is one run in wandb too."""


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


def start_trackers(
    accelerator: Accelerator, config: Config, run: Path, resume: bool = False
) -> None:
    """Begin logging a run, or go on logging one that is resumed where it was logged before.

    Args:
        accelerator: Made with `log_with` the configured trackers.
        config: The resolved configuration, logged as hyperparameters.
        run: The run's folder; trackio and wandb keep their files in it too. trackio reads its
            folder once: of several runs in one process (a sweep) all are kept in the first's.
        resume: Whether the run goes on, if its folder holds one.

    Raises:
        ConfigError: If a tracker cannot be started, as wandb where nobody has logged in.
    """
    if "trackio" in config.tracking.trackers:
        os.environ.setdefault("TRACKIO_DIR", str((run / "trackio").resolve()))
    values = {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in flatten(config).items()
    }
    going_on = "allow" if resume else "never"
    named: dict[str, dict[str, Any]] = {"trackio": {"name": config.name, "resume": going_on}}
    if "wandb" in config.tracking.trackers and accelerator.is_main_process:
        named["wandb"] = {
            "id": _wandb_id(run, resume),
            "resume": "allow",
            "name": config.name,
            "dir": str(run),
            "entity": config.tracking.entity or None,
        }
    try:
        accelerator.init_trackers(config.tracking.project, values, named)
    except Exception as error:  # each tracker has kinds of its own
        raise ConfigError(
            f"tracking.trackers: {', '.join(config.tracking.trackers)} cannot be started: "
            f"{one_line(error)}"
        ) from error


def _wandb_id(run: Path, resume: bool) -> str:
    """The id that wandb knows a run by: made once and kept in its folder."""
    file = run / WANDB_ID
    if resume and file.exists() and (known := file.read_text().strip()):
        return known
    made = secrets.token_hex(4)
    with renamed(file) as temporary:
        temporary.write_text(f"{made}\n")
    return made


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
