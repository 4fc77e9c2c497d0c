"""What the readers share: names of arrays, dates, bounds, and fields on coarse nodes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from affine import Affine

from dataset_script.channels import BY_NAME, FIELD_CHANNELS
from dataset_script.rows.node_grid import from_nodes
from hub.scenes.checks import SceneError

NO_PLACE = "no georeference: pixels are taken to be the training's, and areas and maps are left out"
ARRAYS = ("insar_difference", "insar_coherence", "dem", "nodata", *FIELD_CHANNELS)


def full_size_atmosphere(
    arrays: Mapping[str, np.ndarray], height: int, width: int
) -> dict[str, np.ndarray]:
    """Fields by channel name, those on coarse nodes brought to [..., H, W]."""
    fields = {name: arrays[name] for name in FIELD_CHANNELS if name in arrays}
    return {
        name: from_nodes(field, height, width).astype(np.float32)
        if BY_NAME[name].storage == "smooth"
        and field.ndim > 1
        and field.shape[-2:] != (height, width)
        else field
        for name, field in fields.items()
    }


def any_step(mask: Any) -> np.ndarray | None:
    """Where any step of a mask is above 0, bool [H, W]; None stays None."""
    if mask is None:
        return None
    mask = np.asarray(mask) > 0
    return mask.any(axis=0) if mask.ndim == 3 else mask


def transform_of(bounds: Sequence[float], height: int, width: int) -> Affine:
    """From pixel corners to the CRS, of (west, south, east, north) bounds."""
    west, south, east, north = bounds
    return Affine((east - west) / width, 0, west, 0, (south - north) / height, north)


def parse_date(where: object, value: Any) -> datetime.date:
    """A date, a datetime, a numpy date or YYYYMMDD text (with or without dashes) as a date.

    Raises:
        SceneError: If it is none of them.
    """
    if value is None or value != value or str(value) == "NaT":  # NaT of numpy and of pandas
        raise SceneError(f"{where}: a date is missing (NaT); dates are YYYYMMDD")
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, np.datetime64):
        day = value.astype("datetime64[D]").item()
        if isinstance(day, datetime.date):
            return day
        raise SceneError(f"{where}: {value} is no date; dates are YYYYMMDD")
    try:
        return datetime.datetime.strptime(str(value).replace("-", "")[:8], "%Y%m%d").date()
    except ValueError:
        raise SceneError(f"{where}: {value} is no date; dates are YYYYMMDD") from None
