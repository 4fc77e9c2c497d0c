"""Decoded frames of one primary date, kept so that a group's samples decode each chunk once."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

CACHE_BYTES = 1 << 30
"""Decoded pixels kept of one primary date; about thirty interferograms with all channels."""


class FrameCache:
    """Frames by key; the longest unused goes first, and all go with their primary date.

    Args:
        budget: Most bytes kept; the newest frame stays even if it alone is larger.
    """

    def __init__(self, budget: int = CACHE_BYTES) -> None:
        self._budget = budget
        self._primary: datetime.date | None = None
        self._frames: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(
        self,
        primary: datetime.date,
        key: Hashable,
        decode: Callable[[], np.ndarray],
        again: bool = True,
    ) -> np.ndarray:
        """A frame, decoded if it is not here.

        Args:
            primary: Its primary date; frames of any other are let go.
            key: What tells it from the others of this date.
            decode: Makes it.
            again: Whether it will be asked for again; otherwise it is let go.
        """
        if primary != self._primary:
            self.clear()
            self._primary = primary
        if not again:
            found = self._frames.pop(key, None)
            return decode() if found is None else found
        if key not in self._frames:
            self._frames[key] = decode()
            while len(self._frames) > 1 and (
                sum(frame.nbytes for frame in self._frames.values()) > self._budget
            ):
                self._frames.popitem(last=False)
        self._frames.move_to_end(key)
        return self._frames[key]

    def clear(self) -> None:
        """Let go of every frame."""
        self._frames.clear()
