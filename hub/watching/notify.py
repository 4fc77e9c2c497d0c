"""Telling a command of the user's about each new deformation, at least once.

A deformation waits in the record's folder `.pending` from before its row is added until the command
has ended well; so what is killed, or a mail server that is down, delays the news and loses none. An
unsure answer waits there too, since later pairs may make an alarm of it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_script.errors import ConfigError
from dataset_script.safe_files import writable
from hub.record.columns import Row
from hub.record.table import PENDING

SECONDS = 300
"""How long the command may take."""


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
    told, failed = 0, []
    for path in sorted((folder / PENDING).glob("*.json"), key=lambda path: int(path.stem)):
        row = rows.get(int(path.stem))
        if row is None:  # whoever writes it was killed before it was a row, or is about to
            continue
        if row["decision"] != "Deformation" and not row["alarm"]:
            if row["superseded"]:
                path.unlink(missing_ok=True)
            continue
        news = message(json.loads(path.read_text()), row, folder)
        try:
            subprocess.run(
                command,
                input=json.dumps(news, indent=2) + "\n",
                text=True,
                timeout=SECONDS,
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except subprocess.CalledProcessError as error:
            said = (error.stdout or "").strip().splitlines()[-1:]
            failed.append(
                f"{row['scene']}: exit status {error.returncode} {' '.join(said)}".strip()
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            failed.append(f"{row['scene']}: {error}")
        else:
            told += 1
            path.unlink(missing_ok=True)
    return told, failed


def message(answer: Mapping[str, Any], row: Row, folder: Path) -> dict[str, Any]:
    """What the command reads: the scene's JSON, with the record's evidence and whole paths."""
    files = {kind: str(folder.absolute() / name) for kind, name in answer["files"].items()}
    weight = {name: row[name] for name in ("serial", "alarm", "evidence", "evidence_note")}
    plain = {key: value for key, value in answer.items() if key not in ("made_from", "files")}
    return {**plain, **weight, "record": str(folder.absolute()), "files": files}
