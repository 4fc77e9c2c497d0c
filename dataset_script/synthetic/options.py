"""What a user may choose about a simulated archive: spelt out here alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from dataset_script.errors import ConfigError

ARCHIVE_SUFFIX = {"directory": ".zarr", "zip": ".zarr.zip", "tar": ".zarr.tar"}
VERSION = 4
"""Raised whenever the same parameters give other bytes."""
_LEAST = {"frames": 1, "height": 48, "width": 48, "neighbours": 1, "workers": 1}


@dataclass(kw_only=True)
class SynthesisOptions:
    """Parameters of a simulated archive; all but the last two decide its bytes.

    Attributes:
        frames: Number of frames.
        seed: Same seed, same bytes.
        height: Rows of a frame, pixels of 0.001 degrees.
        width: Columns of a frame.
        acquisitions: Dates a frame.
        neighbours: Most secondaries a primary.
        archive: How a cube is kept.
        workers: Processes; each makes whole frames.
        progress: Show a progress bar.

    Raises:
        ConfigError: If a parameter is out of range.
    """

    frames: int = 3
    seed: int = 0
    height: int = 192
    width: int = 256
    acquisitions: int = 140
    neighbours: int = 4
    archive: Literal["directory", "zip", "tar"] = "directory"
    workers: int = 1
    progress: bool = True

    def __post_init__(self) -> None:
        if self.archive not in ARCHIVE_SUFFIX:
            choices = ", ".join(ARCHIVE_SUFFIX)
            raise ConfigError(f"unknown archive {self.archive!r}; choose one of {choices}")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def record(self) -> dict[str, Any]:
        """What decides the bytes, as plain JSON types."""
        values = dataclasses.asdict(self)
        del values["workers"], values["progress"]
        return {"version": VERSION, **values}
