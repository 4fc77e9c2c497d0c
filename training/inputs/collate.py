"""Rows of an exported dataset to a batch: for loops of one's own with a plain `DataLoader`.

    DataLoader(dataset["train"].with_format("numpy"), batch_size=4, collate_fn=collate)

`training/train.py` reads rows in compact types instead and assembles them on the device, which is
faster; what a model sees is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from dataset_script.channels import CHANNEL_NAMES, select
from dataset_script.errors import DataError
from training.inputs.preprocessing import Preprocessor

Row = Mapping[str, Any]


def collate(
    rows: Sequence[Row], channels: Sequence[str] | None = None, phase: str = "raw"
) -> dict[str, Any]:
    """Stack rows, each of the same number of steps.

    Args:
        rows: Rows in any format of `datasets` (numpy is the fastest), with all columns or some.
        channels: Input channels of a step, in order; without, those of the channel table that the
            rows have. Choose by `functools.partial(collate, channels=[...])`.
        phase: "raw" or "circular", as the model's `data.phase`; see `inputs.preprocessing`.

    Returns:
        `images`, float32 `[B, T, C, H, W]`, standardised, what is missing at the mean (a plane
        more for each circular phase); and, where
        the rows have their columns, `label`, int64 `[B]` (1: any step deforms), `mask`, int64
        `[B, T, H, W]` (`deformation_mask`), and `sample_id`, a list of B texts.

    Raises:
        ConfigError: If a channel is unknown.
        DataError: If a channel is missing, or the rows differ in their steps or sizes.
    """
    names = channels or [name for name in CHANNEL_NAMES if name in rows[0]]
    chosen = select(names)
    rasters = {
        channel.name: _stack(rows, channel.name, 3 if channel.per_step else 2) for channel in chosen
    }
    steps = {len(raster[0]) for raster in rasters.values() if raster.ndim == 4}
    steps |= {len(_array(rows[0]["secondary_dates"]))} if "secondary_dates" in rows[0] else set()
    if len(steps) != 1:
        raise DataError(
            f"the rows' channels have {sorted(steps) or 'no'} steps; one count is needed: have a "
            "channel of the pair among the columns"
        )
    batch: dict[str, Any] = {
        "images": Preprocessor([c.name for c in chosen], steps.pop(), phase=phase)(rasters)
    }
    if "label" in rows[0]:
        batch["label"] = torch.tensor([int(row["label"]) for row in rows])
    if "deformation_mask" in rows[0]:
        batch["mask"] = _stack(rows, "deformation_mask", 3).long()
    if "sample_id" in rows[0]:
        batch["sample_id"] = [str(row["sample_id"]) for row in rows]
    return batch


def _stack(rows: Sequence[Row], name: str, dimensions: int) -> torch.Tensor:
    if any(name not in row for row in rows):
        raise DataError(f"the rows have no column {name}; they have {', '.join(rows[0])}")
    arrays = [_array(row[name]) for row in rows]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise DataError(
            f"{name} differs in shape among the rows of a batch ({sorted(shapes)[:3]}): take the "
            "config ts<N>, whose rows have N steps each, or batch_size=1"
        )
    if arrays[0].ndim != dimensions:
        raise DataError(f"{name} has shape {arrays[0].shape}; it must have {dimensions} dimensions")
    return torch.from_numpy(np.stack(arrays))


def _array(values: Any) -> np.ndarray:
    return values.numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
