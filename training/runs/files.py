"""Weights and JSON of a run, each file replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from dataset_script.safe_files import renamed

BEST = Path("best/model.safetensors")
"""The best weights, in a run's folder."""


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


def write_json(record: Any, path: Path) -> None:
    """Write JSON; the file is replaced whole."""
    with renamed(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
