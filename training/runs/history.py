"""metrics.jsonl: one line for each epoch of a run. The file is always replaced whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataset_script.annotations.json_files import parse_json, read_file
from dataset_script.safe_files import renamed


def read_history(run: Path) -> list[dict[str, Any]]:
    """The records of a run's epochs, none where there is no file."""
    path = run / "metrics.jsonl"
    lines = read_file(path).splitlines() if path.exists() else []
    return [parse_json(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]


def append_history(run: Path, record: dict[str, Any]) -> None:
    """Add the record of an epoch."""
    _write(run, [*read_history(run), record])


def truncate_history(run: Path, epochs: int) -> None:
    """Keep the epochs that a checkpoint has seen: the later ones are trained again."""
    records = read_history(run)
    if len(kept := [record for record in records if record["epoch"] < epochs]) < len(records):
        _write(run, kept)


def _write(run: Path, records: list[dict[str, Any]]) -> None:
    path = run / "metrics.jsonl"
    with renamed(path) as temporary:
        temporary.write_text("".join(f"{json.dumps(record)}\n" for record in records))
