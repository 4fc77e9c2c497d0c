"""A record as a reader sees it: without a lock, and without writing a byte.

Whoever judges may be adding to it at the same time. Every file is replaced whole, rows are only
ever added, and those that leave the journal are in the table by then: so who reads the journal
first and the table after it misses nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from dataset_script.errors import DataError
from hub.record.calibration import LIMITS
from hub.record.columns import COLUMNS, Row, from_table, plain_source
from hub.record.journal import ADVICE, read_entries
from hub.record.writing import CSV, PARQUET

JOURNAL, LOCKS = ".record-journal.jsonl", ".locks"

State = tuple[tuple[int, int, int], ...]
"""Inode, size and time of each of a record's own files."""


def is_record(folder: Path) -> bool:
    """Whether a folder is a record, be it one without an answer yet."""
    return any((folder / name).exists() for name in (PARQUET, JOURNAL, LOCKS))


def state_of(folder: Path) -> State:
    """Of journal, table and limits: equal states mean that nothing has changed."""
    return tuple(_state(folder / name) for name in (JOURNAL, PARQUET, LIMITS))


def read_rows(folder: Path) -> list[Row]:
    """Every answer that was ever given, in the order in which they came, without what is derived.

    Args:
        folder: The record; others may be writing to it.

    Raises:
        DataError: If its table or its journal is not one of a record.
    """
    entries = read_entries(folder / JOURNAL)
    return merge(read_table(folder / PARQUET), entries, folder / JOURNAL)[0]


def read_table(path: Path) -> list[Row]:
    """The rows of a record's table by serial; none where there is no table yet.

    Raises:
        DataError: If it is not one of a record, or was lost.
    """
    try:
        return sorted(from_table(pyarrow.parquet.read_table(path)), key=lambda row: row["serial"])
    except FileNotFoundError:
        _require_none_lost(path)
        return []
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a record's table ({str(error).splitlines()[0]}); choose another "
            "output folder, or restore this file from a copy"
        ) from None


def merge(
    base: Sequence[Row], entries: Sequence[dict[str, Any]], journal: Path
) -> tuple[list[Row], list[dict[str, Any]]]:
    """Put a journal's entries behind a table's rows.

    Args:
        base: Of the table, by serial.
        entries: Of the journal.
        journal: The journal, for messages.

    Returns:
        All rows, and the names that were claimed for answers to come.

    Raises:
        DataError: If an entry is none of a record's.
    """
    last = base[-1]["serial"] if base else 0
    rows, claims = list(base), []
    for entry in entries:
        kind = entry.get("kind")
        told = {name: value for name, value in entry.items() if name != "kind"}
        if kind == "claim" and told.get("scene"):
            claims.append(told)
        elif kind == "touch" and told.get("scene"):
            at = max((n for n, row in enumerate(rows) if row["scene"] == told["scene"]), default=-1)
            if at >= 0:  # else its row is lost, as where the table was removed
                rows[at] = {**rows[at], **told}
        elif kind != "row" or not isinstance(told.get("serial"), int):
            raise DataError(
                f"{journal} holds an entry that is none of a record's ({str(entry)[:80]}); {ADVICE}"
            )
        elif told["serial"] > last:  # else it is in the table: a flush was cut short
            row = {name: told.get(name) for name in COLUMNS}
            rows.append(row | {"source": row["source"] and plain_source(row["source"])})
    return rows, claims


def _require_none_lost(path: Path) -> None:
    """Refuse to begin anew where the CSV, which is written first, has answers of its own.

    Args:
        path: Of the table that is missing.

    Raises:
        DataError: If the journal has fewer than the CSV, or that is no record's.
    """
    copy = path.with_name(CSV)
    try:
        with copy.open(newline="", encoding="utf-8") as file:
            serials = [int(row["serial"]) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        raise DataError(
            f"{copy} is not a record's table; choose another output folder, or move it away"
        ) from None
    # Read after the CSV: what was only just moved from the journal to the table is in neither now.
    entries = read_entries(path.with_name(JOURNAL))
    known = {entry.get("serial") for entry in entries if entry.get("kind") == "row"}
    if (lost := {*serials} - known) and not path.exists():
        raise DataError(
            f"{path} is missing, and {copy.name} beside it has {len(lost)} answers that the "
            f"journal has not: restore {path.name} from a copy; or move {copy.name} away to begin "
            "anew with the answers whose own files lie there"
        )


def _state(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns)
