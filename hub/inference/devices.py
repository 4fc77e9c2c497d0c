"""Devices by name, refused before torch is imported where that can be told: it takes seconds."""

from __future__ import annotations

import importlib.metadata
import re

from dataset_script.errors import ConfigError

_NAMES = re.compile(r"(cpu|cuda|mps|xpu)(:\d+)?")


def require_device(device: str | None) -> None:
    """Refuse a device that cannot be one here; what torch alone knows, loading a model tells.

    Args:
        device: cpu, cuda, cuda:N, or another kind that torch has; None for whatever there is.

    Raises:
        ConfigError: If there is no such kind, or the torch that is installed is built without it.
    """
    if device is None:
        return
    known = _NAMES.fullmatch(device)
    if known is None:
        raise refused(device, "there is no such kind")
    # Builds for a processor alone say so in their version; others may or may not find a GPU.
    if known[1] != "cpu" and importlib.metadata.version("torch").endswith("+cpu"):
        raise refused(device, "the torch that is installed is built for the CPU alone")


def refused(device: str, reason: str) -> ConfigError:
    """The error of a device that cannot be used."""
    return ConfigError(
        f"device {device!r} cannot be used here ({reason}): give cpu or cuda, or leave it out"
    )
