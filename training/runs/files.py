"""What a run's folder holds: whether anything yet, and its weights, each file replaced whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from dataset_script.safe_files import renamed

BEST = Path("best/model.safetensors")
"""The best weights, in a run's folder."""


def holds_run(run: Path) -> bool:
    """Whether a folder holds what was learnt; one that ended before its first checkpoint does not.

    Args:
        run: The folder.
    """
    return (run / "checkpoints").exists() or (run / "metrics.jsonl").exists()


def write_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors; the file is replaced whole.

    Args:
        state: Tensors by name; shared ones are written twice.
        path: File.
    """
    # safetensors takes tensors in the plain memory order alone; channels-last weights are not.
    whole = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
    }
    with renamed(path) as temporary:
        save_file(whole, temporary)
