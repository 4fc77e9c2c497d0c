"""The folder that an export writes into: whose it is, and that one export at a time writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_script.annotations.json_files import load_json
from dataset_script.errors import ConfigError, DataError
from dataset_script.safe_files import renamed, writable

DESCRIPTIONS = ("README.md", "metadata.json", "croissant.json", "problems.json", "manifest.json")
"""What an export writes beside its data."""


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
        overwrite: Remove what another export left, and nothing else.

    Raises:
        ConfigError: If the folder holds something else, or an export with other parameters.
        DataError: If it cannot be written to.
    """
    record = notes / "parameters.json"
    wanted = json.dumps(parameters, indent=1, sort_keys=True)
    with writable(folder):
        earlier = _read(record)
        if earlier == parameters:
            return
        if folder.exists() and any(folder.iterdir()):
            if earlier is None:
                raise ConfigError(
                    f"{folder} is not empty, and {record} does not say that an export made it; "
                    "choose another folder, or move it away"
                )
            if not overwrite:
                raise ConfigError(
                    f"{folder} holds {_difference(earlier, parameters)}; choose another folder, "
                    "or replace it with --overwrite"
                )
            _remove_export(folder, earlier)
        # The record goes last: whenever this stops, the next run knows whose the folder is.
        for note in notes.glob("*/*.json"):
            note.unlink()
        folder.mkdir(parents=True, exist_ok=True)
    with renamed(record) as temporary:
        temporary.write_text(wanted)


def _read(record: Path) -> dict[str, Any] | None:
    """The parameters of an earlier export; None where there are none that can be read."""
    try:
        earlier = load_json(record)
        lengths = [recipe["timeseries_length"] for recipe in earlier["recipes"]]
    except (DataError, KeyError, TypeError):
        return None
    known = all(length is None or type(length) is int for length in lengths)
    return earlier if known else None


def _remove_export(folder: Path, earlier: dict[str, Any]) -> None:
    """Delete the files of an export; whatever else lies in its folder stays."""
    patterns = [*DESCRIPTIONS, "data/preview/*.parquet", "data/preview/*.arrow"]
    for recipe in earlier["recipes"]:
        length = recipe["timeseries_length"]
        config = "groups" if length is None else f"ts{length}"
        patterns += [f"data/{config}/*-of-*.parquet", f"data/{config}/*-of-*.arrow"]
        patterns.append(f"{length}/*/sample-*.tar")
    for pattern in patterns:
        for file in folder.glob(pattern):
            file.unlink()
            for parent in file.parents:
                if parent == folder or any(parent.iterdir()):
                    break
                parent.rmdir()


def _difference(earlier: dict[str, Any], parameters: dict[str, Any]) -> str:
    """In which parameters an earlier export differs."""
    changed = [key for key in parameters if earlier.get(key) != parameters[key]]
    if changed == ["source"]:
        return "an export of other minicubes, or of these before they were changed"
    return f"an export with other parameters ({', '.join(changed)})"
