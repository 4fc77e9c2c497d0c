"""The range of a number, told beside it."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def ranged(default: Any, least: float | None = None, most: float | None = None) -> Any:
    """A field whose value must lie in least..most; null, where the key takes it, always does.

    The ranges are metadata and not types, so values stay plain numbers, which YAML can write.
    """
    return field(default=default, metadata={"least": least, "most": most})
