"""Telling a command of the user's about each new deformation, at least once.

A deformation waits in the record's folder `.pending` from before its row is added until the command
has ended well; so what is killed, or a mail server that is down, delays the news and loses none. An
unsure answer waits there too, since later pairs may make an alarm of it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from dataset_script.errors import ConfigError
from dataset_script.safe_files import writable
from hub.record.columns import Row
from hub.record.reading import LOCKS
from hub.record.table import PENDING

SECONDS = 300
"""How long the command may take."""

_END = 4096
"""Bytes of what it wrote that are looked at."""


def parse_command(command: str) -> list[str]:
    """A command line as words; no shell reads it.

    Raises:
        ConfigError: If it has no end of a quotation, or names no program.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--notify {command}: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise ConfigError(f"--notify {command}: there is no such program")
    return words


def start_collecting(folder: Path) -> None:
    """Let new deformations of a record wait for `tell`; those that it has already do not.

    Raises:
        DataError: If the folder cannot be made.
    """
    with writable(folder):
        (folder / PENDING).mkdir(parents=True, exist_ok=True)


def tell(folder: Path, command: list[str], rows: Mapping[int, Row]) -> tuple[int, list[str]]:
    """Run the command once for each deformation that waits, with the verdict on standard input.

    Args:
        folder: The record.
        command: Its words.
        rows: The record's rows by serial. One whose signal is likely air, or whose answer was
            replaced meanwhile, is told of all the same: its evidence says so. An unsure one is
            told of once it is an alarm.

    Returns:
        How many were told of, and what went wrong with others, which stay.
    """
    (folder / LOCKS).mkdir(exist_ok=True)
    with FileLock(folder / LOCKS / "notify.lock"):  # of several watchers one tells
        return _tell(folder, command, rows)


def _tell(folder: Path, command: list[str], rows: Mapping[int, Row]) -> tuple[int, list[str]]:
    told, failed = 0, []
    waiting = [path for path in (folder / PENDING).glob("*.json") if path.stem.isdigit()]
    for path in sorted(waiting, key=lambda path: int(path.stem)):
        row = rows.get(int(path.stem))
        if row is None:  # whoever writes it was killed before it was a row, or is about to
            continue
        if row["decision"] != "Deformation" and not row["alarm"]:
            if row["superseded"]:
                path.unlink(missing_ok=True)
            continue
        try:
            problem = _run(command, message(json.loads(path.read_text()), row, folder))
        except (OSError, subprocess.TimeoutExpired) as error:
            failed.append(f"{row['scene']}: {error}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            failed.append(f"{row['scene']}: {path} is damaged ({error}); remove it, and look")
        else:
            if problem is not None:
                failed.append(f"{row['scene']}: {problem}")
                continue
            told += 1
            path.unlink(missing_ok=True)
    return told, failed


def _run(command: list[str], news: Mapping[str, Any]) -> str | None:
    """Run the command; what went wrong, by its exit status and the last line that it wrote.

    Its output goes to a file: a pipe would be kept open by what it leaves in the background.
    """
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            input=(json.dumps(news, indent=2) + "\n").encode(),
            timeout=SECONDS,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if not done.returncode:
            return None
        output.seek(max(0, output.seek(0, os.SEEK_END) - _END))
        said = output.read().decode(errors="replace").strip().splitlines()[-1:]
    return f"exit status {done.returncode} {' '.join(said)}".strip()


def message(answer: Mapping[str, Any], row: Row, folder: Path) -> dict[str, Any]:
    """What the command reads: the scene's JSON, with the record's evidence and whole paths."""
    files = {kind: str(folder.absolute() / name) for kind, name in answer["files"].items()}
    told = ("serial", "alarm", "evidence", "evidence_note", "superseded", "superseded_by")
    weight = {name: row[name] for name in told}
    plain = {key: value for key, value in answer.items() if key not in ("made_from", "files")}
    return {**plain, **weight, "record": str(folder.absolute()), "files": files}
