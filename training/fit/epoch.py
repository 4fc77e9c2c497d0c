"""What both loops keep of the epoch they are in: its running loss and its progress bar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm.auto import tqdm

from dataset_script.safe_files import renamed
from training.runs.checkpoints import Progress


class RunningLoss:
    """Adds up an epoch's sample losses on the device, so that no step waits for one to be read.

    Args:
        accelerator: Device and processes.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.sum = torch.zeros((), dtype=torch.float64, device=accelerator.device)

    def add(self, each: Tensor) -> None:
        """Add the losses `[B]` of this process's samples."""
        self.sum += each.detach().sum()

    def total(self) -> float:
        """The sum over all processes; every one of them must ask."""
        return float(self.accelerator.reduce(self.sum, "sum"))

    def mean(self, samples: int) -> float:
        """The mean over all processes' samples so far; every process must ask."""
        return self.total() / max(1, samples)

    def begin(self, total: float = 0.0) -> None:
        """Begin an epoch, or go on from all processes' sum: one of them carries it on."""
        self.sum.fill_(total if self.accelerator.is_main_process else 0.0)


def progress_bar(accelerator: Accelerator, progress: Progress, epochs: int, steps: int) -> tqdm:
    """A bar over the steps of an epoch, shown by one process.

    Args:
        accelerator: The processes.
        progress: Where the epoch stands.
        epochs: Epochs in all.
        steps: Steps of this one.

    Returns:
        tqdm's bar.
    """
    return tqdm(
        total=steps,
        initial=progress.step,
        desc=f"epoch {progress.epoch + 1}/{epochs}",
        disable=not accelerator.is_main_process,
        leave=False,
    )


def append_history(run: Path, line: dict[str, Any]) -> None:
    """Add an epoch to metrics.jsonl; the file is replaced whole."""
    history = run / "metrics.jsonl"
    before = history.read_text() if history.exists() else ""
    with renamed(history) as temporary:
        temporary.write_text(f"{before}{json.dumps(line)}\n")
