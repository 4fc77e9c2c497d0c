"""Faults that may pass: a time-out, a full memory. They say nothing against the data."""

from __future__ import annotations

import errno

from dataset_script.errors import DataError

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
