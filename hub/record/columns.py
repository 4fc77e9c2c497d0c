"""What a record's table has for an answer: names, types, and how a row is made and written."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

Row = dict[str, Any]
"""An answer as plain JSON types: dates are YYYY-MM-DD, times ISO 8601 in UTC."""

_FLOATS = (
    "probability",
    "no_deformation_below",
    "deformation_from",
    "second_probability",
    "longitude",
    "latitude",
    "row",
    "column",
    "volcano_distance_km",
    "volcano_bearing",
    "threshold",
    "area_km2",
    "centroid_longitude",
    "centroid_latitude",
    "mean_coherence",
    "max_coherence",
    "nodata_fraction",
    "iou_with_reference",
    "frame_deformation_from",
)
_INTEGERS = ("serial", "superseded_by", "temporal_baseline_days", "volcano_number", "patches")
_FLAGS = ("superseded", "models_disagree", "alarm")
_DATES = ("primary_date",)
_TIMES = ("judged_at",)
_LISTS: dict[str, pa.DataType] = {
    "secondary_dates": pa.list_(pa.date32()),
    "volcanoes": pa.list_(pa.string()),
    "bounds": pa.list_(pa.float64()),
    "warnings": pa.list_(pa.string()),
    "class_probabilities": pa.map_(pa.string(), pa.float64()),
    "files": pa.map_(pa.string(), pa.string()),
}
DERIVED = (
    "superseded", "superseded_by", "frame_deformation_from", "evidence", "evidence_note", "alarm",
)  # fmt: skip
"""Columns that follow from the other rows: they change as the record grows."""
COLUMNS = (
    "serial", "scene", "frame", "volcano", "volcano_number", "volcano_distance_km",
    "volcano_bearing", "volcanoes", "primary_date", "secondary_dates", "temporal_baseline_days",
    "product", "decision", "probability", "alarm", "evidence", "evidence_note", "verdict",
    "no_deformation_below", "deformation_from", "frame_deformation_from", "models_disagree",
    "second_model", "second_decision", "second_probability", "longitude", "latitude", "row",
    "column", "threshold", "class_probabilities", "area_km2", "patches", "centroid_longitude",
    "centroid_latitude", "max_coherence", "mean_coherence", "nodata_fraction",
    "iou_with_reference", "crs", "bounds", "model", "revision", "weights", "objective", "task",
    "dataset", "warnings", "caption", "caption_model", "files", "source", "source_state",
    "superseded", "superseded_by", "judged_at", "answer", "settings", "input",
)  # fmt: skip
"""The table's columns; docs/record.md says what each is."""


def _type_of(name: str) -> pa.DataType:
    if name in _LISTS:
        return _LISTS[name]
    for names, kind in (
        (_FLOATS, pa.float64()),
        (_INTEGERS, pa.int64()),
        (_FLAGS, pa.bool_()),
        (_DATES, pa.date32()),
        (_TIMES, pa.timestamp("ms", tz="UTC")),
    ):
        if name in names:
            return kind
    return pa.string()


SCHEMA = pa.schema([(name, _type_of(name)) for name in COLUMNS])


def digest(value: Any) -> str:
    """A short hash of plain JSON types."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def make_row(record: Mapping[str, Any], source_state: str | None = None) -> Row:
    """The row of an answer.

    Args:
        record: A scene's JSON file: the summary with `files` and `made_from`, and what is known of
            where it came from.
        source_state: See `sources.source_state`.

    Returns:
        The row, without what depends on other rows.
    """
    made_from = record.get("made_from") or {}
    place = record.get("place") or {}
    dates = pair_of(record)
    days = [_date(day) for day in dates if day]
    row: Row = {
        name: record.get(name)
        for name in COLUMNS
        if name not in DERIVED and not isinstance(record.get(name), dict)
    }
    row.update({key: place.get(key) for key in ("longitude", "latitude", "row", "column")})
    row.update(
        frame=record.get("frame") or frame_of_name(str(record["scene"])),
        primary_date=dates[0],
        secondary_dates=list(dates[1:]),
        temporal_baseline_days=((max(days) - min(days)).days if len(days) > 1 else None),
        class_probabilities=dict(record.get("class_probabilities") or {}),
        files=dict(record.get("files") or {}),
        warnings=list(record.get("warnings") or []),
        volcanoes=list(record.get("volcanoes") or []),
        source_state=source_state,
        answer=digest(made_from),
        settings=settings_of(made_from),
        input=made_from.get("input"),
        judged_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
    )
    return row


def plain_source(label: str) -> str:
    """An input's name as text: bytes of a file's name that are none are written out."""
    return label.encode("utf-8", "backslashreplace").decode()


def settings_of(made_from: Mapping[str, Any]) -> str:
    """A hash of the models and the threshold, whatever the pixels."""
    return digest({key: value for key, value in made_from.items() if key != "input"})


def pair_of(record: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Primary and secondary dates of a summary (YYYYMMDD) as YYYY-MM-DD; (None,) if unknown."""
    primary = record.get("primary_date")
    if not primary:
        return (None,)
    days = [primary, *(record.get("secondary_dates") or [])]
    return tuple(_date(str(day)).isoformat() for day in days)


def frame_of_name(scene: str) -> str | None:
    """The frame in a scene's name: what stands before its dates."""
    found = re.match(r"(.+?)_\d{8}_\d{8}(-\d{8})*(-\d+)?$", scene)
    if not found:
        found = re.search(r"(\d{3}[AD]_\w{5}_\w{6})", scene)
    return found[1] if found else None


def dates_of(row: Mapping[str, Any]) -> tuple[datetime.date, ...]:
    """The dates of a row's acquisitions, ascending, as the primary may be the later; or none."""
    if not row["primary_date"] or not row["secondary_dates"]:
        return ()
    return tuple(sorted(map(_date, (row["primary_date"], *row["secondary_dates"]))))


def to_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table of `SCHEMA`."""
    arrays = []
    for name in COLUMNS:
        kind = SCHEMA.field(name).type
        values: Iterable[Any] = (row.get(name) for row in rows)
        if name in _DATES:
            values = (value and _date(value) for value in values)
        elif name == "secondary_dates":
            values = ([_date(day) for day in value or []] for value in values)
        elif name in _TIMES:
            values = (value and datetime.datetime.fromisoformat(value) for value in values)
        elif pa.types.is_map(kind):
            values = (list((value or {}).items()) for value in values)
        arrays.append(pa.array(list(values), kind))
    return pa.table(arrays, SCHEMA)


def from_table(table: pa.Table) -> list[Row]:
    """Rows of an Arrow table, columns of another version's left out."""
    rows = table.select([name for name in COLUMNS if name in table.column_names]).to_pylist()
    for row in rows:
        for name, value in row.items():
            if value is None:
                continue
            if name in _DATES:
                row[name] = value.isoformat()
            elif name == "secondary_dates":
                row[name] = [day.isoformat() for day in value]
            elif name in _TIMES:
                row[name] = value.isoformat(timespec="milliseconds")
            elif name in ("class_probabilities", "files"):
                row[name] = dict(value)
        for name in COLUMNS:
            row.setdefault(name, None)
    return rows


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)
