"""Where a sample lies: what our shards add to the authors' layout, and theirs do not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dataset_script.annotations.record import is_text


def _numbers(count: int, kind: Any) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(each, kind) and not isinstance(each, bool) for each in value)
        and not any(abs(each) >= 2**31 for each in value)
    )


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "volcanoes": lambda value: isinstance(value, list) and all(map(is_text, value)),
    "bounds": _numbers(4, int | float),
    "crs": is_text,
    "pixel_size": _numbers(2, int | float),
    "window": _numbers(4, int),
}
GEOREFERENCE = tuple(_CHECKS)
"""Columns of a row that say where it lies."""


def read_georeference(sample: Mapping[str, Any], height: int, width: int) -> dict[str, Any]:
    """Where a sample lies, checked.

    Args:
        sample: Content of `sample.pth`.
        height: Of the sample in pixels.
        width: Of the sample in pixels.

    Returns:
        The columns of `GEOREFERENCE`; what the sample does not say is empty, NaN, or -1.

    Raises:
        ValueError: Naming a value that cannot be what its name says.
    """
    absent = {
        "volcanoes": [],
        "bounds": [float("nan")] * 4,
        "crs": "",
        "pixel_size": [float("nan")] * 2,
        "window": [-1, -1, height, width],
    }
    found = {name: sample.get(name, value) for name, value in absent.items()}
    for name, value in found.items():
        if not _CHECKS[name](value):
            raise ValueError(f"{name} of sample.pth cannot be {value!r:.60}")
    return found
