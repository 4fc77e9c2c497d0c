"""A bounded place in memory for visitors' scenes and results; nothing of theirs goes to disk."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from page.errors import PageError

T = TypeVar("T")


@dataclass
class _Item(Generic[T]):
    value: T
    nbytes: int
    used: float


class ExpiringCache(Generic[T]):
    """Values by unguessable token, dropped when unused for long or when memory is short.

    Args:
        budget: Most bytes kept; the longest unused goes first.
        lifetime: Seconds after the last use.
        clock: Monotonic clock.
    """

    def __init__(
        self, budget: int, lifetime: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._budget = budget
        self._lifetime = lifetime
        self._clock = clock
        self._items: OrderedDict[str, _Item[T]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes kept now."""
        with self._lock:
            return sum(item.nbytes for item in self._items.values())

    def put(self, value: T, nbytes: int) -> str:
        """Keep a value.

        Args:
            value: What to keep.
            nbytes: Its size in memory.

        Returns:
            The token to get it back with: 128 random bits, so that nobody finds another's result.
        """
        token = secrets.token_hex(16)
        with self._lock:
            self._items[token] = _Item(value, nbytes, self._clock())
            self._tidy()
        return token

    def get(self, token: str) -> T:
        """The value of a token.

        Raises:
            PageError: If it was dropped, or never existed.
        """
        with self._lock:
            self._tidy()
            item = self._items.get(token)
            if item is None:
                raise PageError("This result is no longer in memory. Choose the scene again.")
            item.used = self._clock()
            self._items.move_to_end(token)
            return item.value

    def drop(self, token: str) -> None:
        """Let a value go, if it is there."""
        with self._lock:
            self._items.pop(token, None)

    def _tidy(self) -> None:
        oldest_use = self._clock() - self._lifetime
        total = sum(item.nbytes for item in self._items.values())
        for token, item in list(self._items.items()):
            # The newest stays even when it alone is over the budget: its visitor is looking at it.
            crowded = total > self._budget and len(self._items) > 1
            if item.used < oldest_use or crowded:
                total -= item.nbytes
                del self._items[token]
