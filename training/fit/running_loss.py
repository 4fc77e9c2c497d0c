"""The mean loss of an epoch while it runs."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor


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
        """The sum over all processes; every process takes part."""
        return float(self.accelerator.reduce(self.sum, "sum"))

    def mean(self, samples: int) -> float:
        """The mean over the samples of all processes so far; every process takes part."""
        return self.total() / max(1, samples)

    def begin(self, total: float = 0.0) -> None:
        """Begin an epoch, or continue from the sum of all processes: the first one holds it."""
        self.sum.fill_(total if self.accelerator.is_main_process else 0.0)
