"""The processes of a run, as `accelerate launch` or `torchrun` started them."""

from __future__ import annotations

import os
from typing import Any

import torch
from accelerate import Accelerator, PartialState

from dataset_script.errors import ConfigError


def make_accelerator(**options: Any) -> Accelerator:
    """An `Accelerator` that knows of all processes that were started.

    Args:
        **options: Of `accelerate.Accelerator`.

    Raises:
        ConfigError: If it takes itself for alone among several, which would all train the same
            run in the same folder.
    """
    join_processes()
    accelerator = Accelerator(**options)
    started = _started()
    if started != accelerator.num_processes:
        raise ConfigError(
            f"{started} processes were started, but each would train alone, on "
            f"{accelerator.device}: start one, or as many as there are devices, or take "
            "configs/accelerate/multi_cpu.yaml for several on a CPU"
        )
    return accelerator


def join_processes() -> PartialState:
    """What this process is among those that were started.

    accelerate joins processes on a CPU only where it was told of the CPU; the launcher tells it so
    of single ones alone.
    """
    if _started() > 1 and not torch.accelerator.is_available():
        os.environ["ACCELERATE_USE_CPU"] = "true"
    return PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1"))


def _started() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
