"""What was added to a record since its table was last written: a line of JSON each, never changed.

A row costs an append instead of the whole table anew, and whatever is killed loses at most the line
that it was writing, which its scene's own JSON file makes good.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset_script.errors import DataError
from dataset_script.safe_files import renamed, writable

Entry = dict[str, Any]

ADVICE = (
    "restore it from a copy, or remove it: what it holds is added again from the scenes' own files"
)
"""What to do with a damaged journal."""


def read_entries(path: Path) -> list[Entry]:
    """The whole lines of a journal; a torn one at its end was never added.

    Args:
        path: The journal; it may be absent.

    Raises:
        DataError: If a line of it is damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    whole = data[: data.rfind(b"\n") + 1]
    try:
        entries = [json.loads(line) for line in whole.splitlines() if line.strip()]
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); {ADVICE}") from None
    if strange := [entry for entry in entries if not isinstance(entry, dict)]:
        raise DataError(f"{path} holds {str(strange[0])[:80]!r}, which is no entry; {ADVICE}")
    return entries


def append_entry(path: Path, entry: Mapping[str, Any]) -> None:
    """Add a line and see it on the disk; the caller holds the record's lock.

    Raises:
        DataError: If it cannot be written.
    """
    line = json.dumps(entry, allow_nan=False).encode() + b"\n"
    with writable(path), path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(max(0, end - 1))
            if file.read(1) != b"\n":  # what a killed writer left
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def rewrite(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Replace a journal whole; the caller holds the record's lock.

    Raises:
        DataError: If it cannot be written.
    """
    with renamed(path, shared=True) as temporary:
        temporary.write_text(
            "".join(json.dumps(entry, allow_nan=False) + "\n" for entry in entries)
        )
