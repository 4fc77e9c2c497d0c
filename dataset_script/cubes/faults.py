"""What is wrong with a cube: errors that name its path, frame and pair, and warnings, each once.

Faults that may pass, such as a time-out or a full memory, say nothing against the data.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dataset_script.annotations.record import Pair
from dataset_script.errors import DataError
from dataset_script.problems import Problem, ProblemError

_ERRNOS = {
    *(errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.EINTR),
    *(errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOTCONN),
}
_NETWORKS = {"aiohttp", "botocore", "httpcore", "httpx", "requests", "urllib3"}


class PassingFaultError(DataError):
    """Something could not be read this time; nothing is known to be wrong with it.

    It is no `ProblemError`, so that no pair is ever set aside for it.
    """


def refuse_passing(error: BaseException, path: str) -> None:
    """Stop for a fault that may pass, before anyone takes it for bad data.

    Raises:
        PassingFaultError: If the error, met while a cube was read, or one that caused it, is such.
    """
    seen: BaseException | None = error
    while seen is not None:
        if _passes(seen):
            raise PassingFaultError(
                f"{path}: cannot be reached or read ({type(seen).__name__}: {seen}); it may pass, "
                "nothing was set aside: check the URL, the network and your access to it, or the "
                "memory left, and run the same command again"
            ) from error
        seen = seen.__cause__ or seen.__context__


def _passes(error: BaseException) -> bool:
    if isinstance(error, MemoryError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return True
    response = getattr(error, "response", None)
    status = getattr(error, "status", None) or getattr(response, "status_code", None)
    if isinstance(status, int):
        return status >= 500 or status in (408, 425, 429)
    return type(error).__module__.partition(".")[0] in _NETWORKS


class Reports:
    """Errors and warnings of one cube.

    Attributes:
        warnings: What was odd so far but leaves every pixel usable, in the order it was met.

    Args:
        path: Where the cube lies.
        frame_id: Its frame.
    """

    def __init__(self, path: str, frame_id: str) -> None:
        self.warnings: dict[Problem, None] = {}
        self._path, self._frame_id = path, frame_id

    def problem(self, what: str, pair: Pair | None = None, advice: str = "") -> ProblemError:
        """An error to raise."""
        return ProblemError(Problem(what, advice, self._path, self._frame_id, pair or ()))

    def warn(self, what: str, pair: Pair | None = None) -> None:
        """Note what is odd, if it is not noted yet."""
        self.warnings[replace(self.problem(what, pair).problem, severity="warning")] = None

    @contextmanager
    def reading(self, variable: str, pair: Pair | None) -> Iterator[None]:
        """Turn whatever reading a variable raises into an error that says where.

        Raises:
            PassingFaultError: If it is a fault that may pass.
            ProblemError: If it is any other.
        """
        try:
            yield
        except Exception as error:  # Codecs, archives and networks each raise their own kinds.
            refuse_passing(error, self._path)
            what = f"{variable} cannot be read ({type(error).__name__}: {error})"
            raise self.problem(what, pair, "the file is damaged or out of reach") from error
