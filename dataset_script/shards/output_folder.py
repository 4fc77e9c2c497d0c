"""The folder that an export writes into: whose it is, and that one export at a time writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_script.errors import ConfigError
from dataset_script.safe_files import renamed, writable


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep a second export out of a folder; a killed one does not.

    Args:
        folder: The dataset's folder.

    Raises:
        ConfigError: If another export is writing there.
        DataError: If the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(
                f"another export is writing {folder}; wait for it, or choose another folder"
            ) from None
    try:
        yield
    finally:
        lock.release()


def claim(folder: Path, notes: Path, parameters: dict[str, Any], overwrite: bool) -> None:
    """Make the output folder this export's, or recognise that it is.

    Args:
        folder: The dataset's folder.
        notes: Folder of the notes on finished shards, and of the parameters.
        parameters: All that decides the bytes.
        overwrite: Remove what another export left.

    Raises:
        ConfigError: If the folder holds something else, or an export with other parameters.
        DataError: If it cannot be written to.
    """
    record = notes / "parameters.json"
    wanted = json.dumps(parameters, indent=1, sort_keys=True)
    with writable(folder):
        if record.exists() and record.read_text() == wanted:
            return
        if folder.exists() and any(folder.iterdir()):
            if not overwrite:
                raise ConfigError(
                    f"{folder} holds {_difference(record, parameters)}; choose another folder, "
                    "or replace it with --overwrite"
                )
            shutil.rmtree(folder)
        shutil.rmtree(notes, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    with renamed(record) as temporary:
        temporary.write_text(wanted)


def _difference(record: Path, parameters: dict[str, Any]) -> str:
    """In which parameters an earlier export differs."""
    if not record.exists():
        return "something else"
    earlier = json.loads(record.read_text())
    changed = [key for key in parameters if earlier.get(key) != parameters[key]]
    if changed == ["source"]:
        return "an export of other minicubes, or of these before they were changed"
    return f"an export with other parameters ({', '.join(changed)})"
