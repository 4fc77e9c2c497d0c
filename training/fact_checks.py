"""Whether a record from outside can be a model's facts: types, lengths and ranges by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dataset_script.errors import ConfigError

FORMAT_VERSION = 1
"""Raised when a reader of before would misunderstand the facts; facts of before this was written
down have none, and are as those of version 1."""

_WORDS = {
    "objective": ("classification", "segmentation", "caption", "retrieval"),
    "task": ("binary", "activity_type", "intensity", "phase", "caption"),
    "library": ("timm", "smp", "transformers", "hephaestus"),
    "temporal": ("stack", "mean", "max", "attention", "convlstm"),
    "mask_target": ("last", "peak", "union", "all"),
    "phase": ("raw", "circular"),
}
_TEXTS = ("architecture", "encoder", "split", "dataset")
_LISTS_OF_TEXT = {"classes": 2, "channels": 1, "optional": 0}
_COUNTS = ("timeseries_length", "image_size")
_FLAGS = ("multilabel", "correct_stratified")
_POSITIVE = ("pixel_size", "temperature")


def check_version(record: Mapping[str, Any]) -> None:
    """Refuse facts of a version that this code does not know.

    Raises:
        ConfigError: Saying what to do.
    """
    version = record.get("format_version", 1)
    if type(version) is not int or version < 1:
        raise _wrong("format_version", version, "be a whole number from 1 on")
    if version > FORMAT_VERSION:
        raise ConfigError(
            f"model facts of format version {version}; this release reads up to {FORMAT_VERSION}: "
            "update hephaestus-minicubes"
        )


def check_facts(record: Mapping[str, Any]) -> None:
    """Check the fields that are there.

    Args:
        record: Facts as JSON has them, or as `ModelFacts` does.

    Raises:
        ConfigError: Naming the field, what it is and what it must be.
    """
    for name, value in record.items():
        if why := _refusal(name, value):
            raise _wrong(name, value, why)
    channels = record.get("channels")
    if channels is None:
        return
    for name in ("mean", "std"):
        if name in record and len(record[name]) != len(channels):
            raise ConfigError(
                f"model facts: {name} has {len(record[name])} numbers for {len(channels)} channels"
            )
    if alien := [name for name in record.get("optional", ()) if name not in channels]:
        raise ConfigError(f"model facts: optional names {alien[0]}, which is no channel of it")
    if record.get("task") == "binary" and len(record.get("classes", "12")) != 2:
        raise _wrong("classes", record["classes"], "hold two names, as the task is binary")


def _refusal(name: str, value: Any) -> str:
    """What a field must be, if it is not; else nothing."""
    if name in _WORDS:
        return "" if value in _WORDS[name] else f"be one of {', '.join(_WORDS[name])}"
    if name in _TEXTS:
        return "" if isinstance(value, str) else "be text"
    if name in _LISTS_OF_TEXT:
        least = _LISTS_OF_TEXT[name]
        texts = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
        enough = texts and len(value) >= least and len(set(value)) == len(value)
        return "" if enough else f"be a list of {least or 'no'} or more different texts"
    if name in ("mean", "std"):
        numbers = isinstance(value, list | tuple) and all(map(_is_number, value))
        sound = numbers and (name == "mean" or all(v > 0 for v in value))
        return "" if sound else f"be a list of {'positive ' * (name == 'std')}numbers"
    if name in _COUNTS:
        return "" if type(value) is int and value >= 1 else "be a whole number from 1 on"
    if name in _FLAGS:
        return "" if isinstance(value, bool) else "be true or false"
    if name in _POSITIVE:
        return "" if _is_number(value) and value > 0 else "be a positive number"
    if name == "threshold":
        return "" if _is_number(value) and 0 <= value <= 1 else "be a probability, 0..1"
    if name == "unsure":
        pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
        return "" if value is None or pair else "be two probabilities, or null"
    if name == "options":
        return "" if isinstance(value, Mapping) else "be a mapping of names to values"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(name: str, value: Any, wanted: str) -> ConfigError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return ConfigError(f"model facts: {name} is {shown}; it must {wanted}")
