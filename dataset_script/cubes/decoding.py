"""Stored numbers of a cube turned into what they mean, and refused where they mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataset_script.channels import BY_NAME, MASKS

PHASE_LIMIT = np.pi + 1e-4
"""Largest |wrapped phase| in rad; a float32 pi is a little more than pi."""

MASK_MAXIMUM = {"deformation_mask": 2}
"""0 none, 1 deformation, 2 earthquake; the other masks' codes are theirs."""


def is_missing(raw: np.ndarray, fill: Any) -> np.ndarray:
    """Where a variable has its declared fill value, NaN as xarray writes it or a number.

    Args:
        raw: Stored values.
        fill: The declared fill value; None, 0 and what is no number mark nothing as missing.
    """
    if isinstance(fill, float | np.floating) and np.isnan(fill) and raw.dtype.kind == "f":
        return np.isnan(raw)
    marks = isinstance(fill, int | float | np.number) and fill != 0
    return raw == fill if marks else np.zeros(raw.shape, bool)


def fill_missing(name: str, values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Give missing pixels the value that the variable has where there is nothing.

    Args:
        name: Variable of the cube.
        values: Its values.
        missing: Where they are missing, as `is_missing` says.

    Returns:
        The values; missing phase, coherence and masks are 0, as outside the swath, anything else
        is NaN. NaN in a mask is missing too, whatever is declared.

    Raises:
        ValueError: If nothing is there of a phase or coherence.
    """
    if name in MASKS and values.dtype.kind == "f":
        missing = missing | np.isnan(values)
    if not missing.any():
        return values
    if name in MASKS or BY_NAME[name].zero_without_data:
        if missing.all() and name not in MASKS:
            raise ValueError(f"{name} has no pixel that is not missing")
        return np.where(missing, values.dtype.type(0), values)
    return np.where(missing, np.float32(np.nan), values)


def decode_raster(name: str, values: np.ndarray) -> np.ndarray:
    """Check a raster and give it its native type.

    Args:
        name: Variable of the cube.
        values: `[H, W]`, fill values replaced.

    Returns:
        `[H, W]`: float32 bit for bit as stored (phase, elevation, ERA5 fields), or uint8 for
        masks and what the channel table says (coherence). NaN stays in channels of one's own.

    Raises:
        ValueError: Saying what is out of range.
    """
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {values.dtype}, not numbers")
    channel = BY_NAME.get(name)
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        # Of a channel of one's own, what is missing may be so; bytes and node grids cannot say it.
        bad = ~finite
        if channel and channel.physics == "other" and channel.storage == "float32":
            bad &= ~np.isnan(values)
        if bad.any():
            raise ValueError(f"{name} has {int(bad.sum())} pixels that are NaN or infinite")
    if channel is None:
        return _whole(name, values, MASK_MAXIMUM.get(name, 255))
    if channel.dtype == "uint8":
        return _whole(name, values, 255)
    if channel.physics == "phase" and values.size and np.abs(values).max() > PHASE_LIMIT:
        worst = float(values.flat[np.abs(values).argmax()])
        raise ValueError(f"{name} reaches {worst:.4g} rad, outside (-pi, pi]; is it unwrapped?")
    return np.asarray(values, dtype=np.float32)


def _whole(name: str, values: np.ndarray, maximum: int) -> np.ndarray:
    if values.size and not 0 <= values.min() <= values.max() <= maximum:
        raise ValueError(f"{name} runs {values.min():g}..{values.max():g}, not 0..{maximum}")
    whole = values.astype(np.uint8)
    if values.dtype.kind == "f" and not (whole == values).all():
        hint = "; is it on a 0..1 scale?" if values.max() <= 1 else ""
        raise ValueError(f"{name} is not whole-numbered in 0..{maximum}{hint}")
    return whole
