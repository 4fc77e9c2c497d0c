"""Files and folders written whole or not at all, and the system's refusals told in words."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_script.errors import DataError


@contextmanager
def renamed(path: Path, shared: bool = False) -> Iterator[Path]:
    """A temporary name beside a file, which takes its place if the block succeeds.

    Args:
        path: The file's final name; its folder is made.
        shared: Whether others may write it at the same time: the temporary name is then this
            thread's own, and `remove_leftovers` clears what a killed one left. Otherwise the next
            run takes that over.

    Raises:
        DataError: If the folder cannot be written to or the disk is full.
    """
    mark = f".{os.getpid()}-{threading.get_ident()}" if shared else ""
    temporary = path.with_name(f".{path.name}{mark}.tmp")
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Clear what was left under a folder by writers of `renamed` that were killed.

    Raises:
        DataError: If it cannot be removed.
    """
    with writable(folder):
        for temporary in folder.rglob(".*.tmp"):
            temporary.unlink(missing_ok=True)


@contextmanager
def renamed_folder(path: Path, mark: str) -> Iterator[Path]:
    """An empty folder beside a path, which takes its place if the block succeeds.

    Args:
        path: The folder's final name; an earlier result there goes.
        mark: File that an earlier result has: nothing else is ever removed.

    Raises:
        DataError: If the path holds something else, or cannot be written to.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
            partial = Path(scratch, path.name)
            partial.mkdir()
            yield partial
            if path.exists() and any(path.iterdir()) and not (path / mark).exists():
                raise DataError(
                    f"{path} holds something else (no {mark} in it): choose another folder"
                )
            if path.exists():
                shutil.rmtree(path)
            partial.rename(path)


def write_json(path: Path, record: Any, *, indent: int = 1, sort_keys: bool = False) -> None:
    """Write plain values as JSON that every reader takes; the file is replaced whole.

    Raises:
        DataError: If it cannot be written.
        ValueError: If a number is not finite, which JSON does not know.
    """
    text = json.dumps(record, indent=indent, sort_keys=sort_keys, allow_nan=False)
    with renamed(path) as temporary:
        temporary.write_text(f"{text}\n")


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that a user can act on.

    Raises:
        DataError: Naming the path, and what to do.
    """
    advice = {
        errno.ENOSPC: "free some space and run the same command again; it continues where it was",
        errno.EDQUOT: "free some space and run the same command again; it continues where it was",
        errno.EACCES: "choose an output folder that you may write to",
        errno.EPERM: "choose an output folder that you may write to",
        errno.EROFS: "choose an output folder that you may write to",
        errno.ENOTDIR: "a file is where a folder should be; choose another output folder",
        errno.EEXIST: "a file is where a folder should be; choose another output folder",
        errno.EISDIR: "a folder is where a file should be; choose another output folder",
    }
    try:
        yield
    except OSError as error:
        if error.errno not in advice:
            raise
        reason = error.strerror or str(error)
        raise DataError(f"cannot write {path}: {reason}; {advice[error.errno]}") from None
