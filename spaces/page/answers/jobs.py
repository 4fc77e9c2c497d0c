"""Who waits for what: a visitor's last choice counts, and nobody computes for one who has left."""

from __future__ import annotations

import threading
from collections import OrderedDict

MAX_SESSIONS = 5000
"""Sessions remembered; a browser that goes away says so, a program may not."""


class Stopped(Exception):
    """The answer is wanted no more: cancelled, overtaken by another choice, or its visitor left."""


class Job:
    """One analysis of one visitor.

    Args:
        turn: Number of the visitor's choice; None for a program's request, which none overtakes.

    Attributes:
        cancelled: Number of the Cancel that stopped it, where no choice has followed.
    """

    def __init__(self, turn: int | None) -> None:
        self.turn = turn
        self.cancelled: int | None = None
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the answer is wanted no more."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let `check` raise from now on."""
        self._stop.set()

    def check(self) -> None:
        """Called between windows.

        Raises:
            Stopped: If the answer is wanted no more.
        """
        if self.stopped:
            raise Stopped


class Jobs:
    """The jobs of all sessions.

    The page numbers each visitor's choices; whatever order requests arrive in, and however long
    they wait in a queue, the highest number counts.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._running: dict[str, set[Job]] = {}
        self._lock = threading.Lock()

    def announce(self, session: str, turn: int, cancels: bool = False) -> None:
        """A visitor has chosen anew, or cancelled: earlier choices are stopped at once.

        Args:
            session: The visitor's.
            turn: Number of the choice.
            cancels: Whether it was Cancel.
        """
        with self._lock:
            self._announce(session, turn, cancels)

    def begin(self, session: str, turn: int | None) -> Job:
        """Start a job; it is stopped from the start where a later choice is known."""
        job = Job(turn)
        with self._lock:
            if turn is not None:
                self._announce(session, turn)
                if turn < self._newest[session]:
                    job.stop()
                    return job
            self._running.setdefault(session, set()).add(job)
        return job

    def end(self, session: str, job: Job) -> None:
        """Forget a job."""
        with self._lock:
            running = self._running.get(session, set())
            running.discard(job)
            if not running:
                self._running.pop(session, None)

    def leave(self, session: str) -> None:
        """A visitor is gone: stop all of the session's jobs."""
        with self._lock:
            self._newest.pop(session, None)
            for job in self._running.pop(session, set()):
                job.stop()

    def _announce(self, session: str, turn: int, cancels: bool = False) -> None:
        self._newest[session] = max(turn, self._newest.get(session, turn))
        self._newest.move_to_end(session)
        while len(self._newest) > MAX_SESSIONS:
            self._newest.popitem(last=False)
        for job in self._running.get(session, ()):
            if job.turn is not None and job.turn < turn:
                job.cancelled = turn if cancels else None
                job.stop()
