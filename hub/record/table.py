"""A record: an output folder whose table only grows.

`record.parquet` and `record.csv` have a row for every answer that was ever given, `summary.csv` the
answer of each scene that stands. Several processes may add at once: a file lock orders them, and
every file is replaced whole. A scene's own files lie beside the tables.
"""

from __future__ import annotations

import datetime
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from dataset_script.errors import DataError
from dataset_script.safe_files import renamed, writable
from hub.record.calibration import FrameLimit, read_limits
from hub.record.claims import choose_name
from hub.record.columns import Row, make_row, to_table
from hub.record.evidence import weigh
from hub.record.journal import append_entry, read_entries, rewrite
from hub.record.reading import JOURNAL, LOCKS, State, merge, read_table, state_of
from hub.record.writing import PARQUET, write_tables

PENDING = ".pending"
"""Folder of answers that are deformations, or may become some, of which nobody was told yet; see
`watching.notify`."""
_SCENE_LOCKS = 64
_FLUSH_EVERY = 200
"""Rows after which the tables are written although more are coming."""


class Record:
    """An output folder as a record.

    Args:
        folder: The folder; it is made if it does not exist.

    Raises:
        DataError: If it cannot be written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        with writable(self.folder):
            (self.folder / LOCKS).mkdir(parents=True, exist_ok=True)
        self._journal = self.folder / JOURNAL
        self._base: list[Row] = []
        self._base_state: State | None = None

    @contextmanager
    def scene_lock(self, scene: str) -> Iterator[None]:
        """Hold a scene: whoever else is to judge it waits, and then finds the answer.

        Raises:
            DataError: If the file system has no locks.
        """
        with self._lock(f"scene-{zlib.crc32(scene.encode()) % _SCENE_LOCKS:02d}"):
            yield

    def rows(self) -> list[Row]:
        """Every answer that was ever given, in the order in which they came.

        Raises:
            DataError: If the table is not one of a record.
        """
        with self._lock():
            rows, _ = self._read()
        return derive(rows, read_limits(self.folder))

    def standing(self) -> dict[str, Row]:
        """The answer of each scene that stands, by the scene's name, without what is derived."""
        with self._lock():
            rows, _ = self._read()
        return _last_of_each(rows)

    def claim(self, identity: Mapping[str, Any], batch: str) -> str:
        """The name under which a scene's files lie here; see `claims.choose_name`.

        Args:
            identity: The scene's.
            batch: Names the run.
        """
        with self._lock():
            rows, claims = self._read()
            holders: dict[str, Mapping[str, Any]] = {}
            for holder in (*rows, *claims):
                holders[holder["scene"]] = holder
            name = choose_name(identity, holders, batch)
            claim = {**identity, "scene": name, "batch": batch}
            if holders.get(name) != claim:
                append_entry(self._journal, {"kind": "claim", **claim})
            return name

    def add(self, answer: Mapping[str, Any], source_state: str | None = None) -> bool:
        """Add a scene's answer; one that stands already is not added again.

        Args:
            answer: The scene's JSON file; see `columns.make_row`.
            source_state: See `sources.source_state`.

        Returns:
            Whether it is new.
        """
        row = make_row(answer, source_state)
        with self._lock():
            rows, _ = self._read()
            stands = _last_of_each(rows).get(row["scene"])
            if stands is not None and stands["answer"] == row["answer"]:
                known = {name: stands[name] for name in ("source", "source_state")}
                touched = {name: row[name] for name in known if row[name] is not None}
                if known | touched != known:  # the same pixels from a file that was only touched
                    entry = {"kind": "touch", "scene": row["scene"], **touched}
                    append_entry(self._journal, entry)
                return False
            row["serial"] = 1 + (rows[-1]["serial"] if rows else 0)
            if (self.folder / PENDING).is_dir() and row["decision"] != "Non_Deformation":
                with renamed(self.folder / PENDING / f"{row['serial']}.json", shared=True) as path:
                    path.write_text(json.dumps(answer, allow_nan=False))
            append_entry(self._journal, {"kind": "row", **row})
            if len(rows) + 1 - len(self._base) >= _FLUSH_EVERY:
                rows, claims = self._read()
                self._write(rows, claims)
        return True

    def flush(self) -> list[Row]:
        """Write the tables, so that they hold all that was added, and give back their rows.

        Raises:
            DataError: If they cannot be written.
        """
        with self._lock():
            rows, claims = self._read()
            held = {row["scene"] for row in rows}
            return self._write(rows, [claim for claim in claims if claim["scene"] not in held])

    def adopt(self) -> int:
        """Add answers whose files lie here while their rows are missing.

        Those are a killed process's, or those of a folder from before there were records.

        Returns:
            How many there were.
        """
        stand, found = self.standing(), 0
        for path in sorted(self.folder.glob("*.json")):
            row = stand.get(path.stem)
            if row is not None and path.stat().st_mtime <= _seconds(row["judged_at"]):
                continue
            try:
                answer = json.loads(path.read_text())
                if answer["scene"] == path.stem and "decision" in answer and answer["made_from"]:
                    to_table([make_row(answer)])  # what is no row stays out of the journal
                    found += self.add(answer)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
                continue  # no scene's answer
        return found

    @contextmanager
    def _lock(self, name: str = "record") -> Iterator[None]:
        held = FileLock(self.folder / LOCKS / f"{name}.lock")
        with writable(self.folder):
            try:
                held.acquire()
            except NotImplementedError:
                raise DataError(
                    f"{self.folder} lies on a file system without locks; choose another folder"
                ) from None
        try:
            yield
        finally:
            held.release()

    def _read(self) -> tuple[list[Row], list[dict[str, Any]]]:
        """All rows, and the names that were claimed for answers to come; the lock is held."""
        self._read_base()
        return merge(self._base, read_entries(self._journal), self._journal)

    def _read_base(self) -> None:
        state = state_of(self.folder)[1:2]  # the table's
        if state != self._base_state:
            self._base = read_table(self.folder / PARQUET)
            self._base_state = state

    def _write(self, rows: list[Row], claims: Sequence[Mapping[str, Any]]) -> list[Row]:
        rows = derive(rows, read_limits(self.folder))
        write_tables(self.folder, rows)
        rewrite(self._journal, ({"kind": "claim", **claim} for claim in claims))
        return rows


def derive(rows: Sequence[Row], limits: Mapping[str, FrameLimit]) -> list[Row]:
    """Rows with what follows from the others: superseded or not, and the weight of evidence.

    Args:
        rows: In the order in which they came.
        limits: The frames' own.
    """
    rows = [dict(row) for row in rows]
    following: dict[str, Row] = {}
    for row in reversed(rows):
        later = following.get(row["scene"])
        row.update(superseded=later is not None, superseded_by=later and later["serial"])
        following[row["scene"]] = row
    weigh([row for row in rows if not row["superseded"]], limits)
    return rows


def _last_of_each(rows: Sequence[Row]) -> dict[str, Row]:
    return {row["scene"]: row for row in rows}


def _seconds(moment: str | None) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp() if moment else 0.0
