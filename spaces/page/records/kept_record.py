"""The records that `HEPHAESTUS_RECORD` names, as they stand now.

A record is only read, without a lock, so `python -m hub watch` may add to it at the same time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from hub.record.calibration import read_limits
from hub.record.columns import Row
from hub.record.reading import State, is_record, read_rows, state_of
from hub.record.table import derive
from hub.record.views.history import History, histories
from page.errors import PageError
from page.settings import Settings

PAUSE = 10.0
"""Seconds for which a record is not looked at again: while `watch` is at work it changes all the
time, and the histories of many volcanoes take a while."""


class KeptRecord:
    """One record.

    Args:
        folder: Where it lies.
        name: What the page calls it.
        clock: Monotonic clock.

    Raises:
        PageError: If there is no such record.
        DataError: If it is damaged.
    """

    def __init__(
        self, folder: Path, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.name, self._clock = folder, name, clock
        if not folder.is_dir():
            raise PageError(
                f"HEPHAESTUS_RECORD names {folder}, which is no folder; give the output folder of "
                "python -m hub watch."
            )
        if not is_record(folder):
            raise PageError(
                f"HEPHAESTUS_RECORD names {folder}, which holds no record; give the output folder "
                "of python -m hub watch."
            )
        self._lock = threading.Lock()
        self._found: tuple[list[History], list[History]] = ([], [])
        self._state: State | None = None
        self._looked = 0.0
        self.histories()

    def histories(self) -> tuple[list[History], list[History]]:
        """Frames and volcanoes with the answers that stand, at most `PAUSE` seconds old.

        Raises:
            DataError: If the record is damaged.
        """
        with self._lock:
            if self._state is None or self._clock() - self._looked >= PAUSE:
                state = state_of(self.folder)
                if state != self._state:
                    rows = derive(read_rows(self.folder), read_limits(self.folder))
                    self._found = histories(rows, self.folder)
                    self._state = state
                self._looked = self._clock()
            return self._found

    def history(self, key: str) -> History:
        """A history by its key.

        Raises:
            PageError: If there is none of that key.
        """
        for members in self.histories():
            for history in members:
                if key_of(history) == key:
                    return history
        raise PageError("The record has no such volcano or frame.")

    def standing(self, scene: str) -> Row:
        """The answer of a scene that stands.

        Raises:
            PageError: If there is none.
        """
        for history in self.histories()[0]:
            for row in history.rows:
                if row["scene"] == scene:
                    return row
        raise PageError("The record has no such pair.")


def key_of(history: History) -> str:
    """What an address calls a history."""
    return f"{history.kind}-{history.volcano.number if history.volcano else history.name}"


def open_records(settings: Settings) -> list[KeptRecord]:
    """The operator's records, each under a name of its own.

    Raises:
        PageError: If one does not exist.
        DataError: If one is damaged.
    """
    found: list[KeptRecord] = []
    for folder in settings.records:
        name = folder.resolve().name
        count = sum(record.name.partition(" (")[0] == name for record in found)
        found.append(KeptRecord(folder, f"{name} ({count + 1})" if count else name))
    return found
