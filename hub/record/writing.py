"""A record's tables as files: Parquet and CSV of all answers, a summary of those that stand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet

from dataset_script.safe_files import renamed
from hub.record.columns import COLUMNS, Row, to_table

PARQUET, CSV, SUMMARY = "record.parquet", "record.csv", "summary.csv"
_OF_SUMMARIES = (
    "scene", "decision", "probability", "place", "verdict", "no_deformation_below",
    "deformation_from", "models_disagree", "second_model", "second_decision",
    "second_probability", "threshold", "class_probabilities", "area_km2", "patches",
    "centroid_longitude", "centroid_latitude", "mean_coherence", "nodata_fraction",
    "iou_with_reference", "primary_date", "secondary_dates", "crs", "model", "revision",
    "weights", "objective", "task", "dataset", "warnings", "notice", "frame", "volcano",
    "volcano_number", "volcano_distance_km", "volcano_bearing", "volcanoes",
    "temporal_baseline_days", "product", "max_coherence", "bounds", "source", "alarm", "evidence",
    "evidence_note", "frame_deformation_from", "judged_at", "caption",
)  # fmt: skip
"""Columns of `summary.csv`; up to `notice` those that it had before there were records."""


def write_tables(folder: Path, rows: Sequence[Row]) -> None:
    """Write `record.parquet`, `record.csv` and `summary.csv`, each replaced whole.

    Args:
        folder: The record.
        rows: All of them, with what was derived.

    Raises:
        DataError: If they cannot be written.
    """
    with renamed(folder / CSV, shared=True) as path:
        write_csv(path, COLUMNS, rows)
    stand = sorted((row for row in rows if not row["superseded"]), key=lambda row: row["scene"])
    with renamed(folder / SUMMARY, shared=True) as path:
        write_csv(path, _OF_SUMMARIES, map(_as_summary, stand))
    # Last, since the journal is forgotten once it is there.
    with renamed(folder / PARQUET, shared=True) as path:
        pyarrow.parquet.write_table(to_table(rows), path, compression="zstd")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV: lists joined by "; ", mappings as key=value; other keys are left out.

    Args:
        path: The file.
        columns: Its columns.
        rows: Its rows.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _cell(value) for key, value in row.items()})


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return value


def _as_summary(row: Row) -> Row:
    """A row with place and dates as a scene's own JSON and CSV have them."""
    places = ("longitude", "latitude", "row", "column")
    return {
        **row,
        "place": {name: row[name] for name in places if row[name] is not None},
        "primary_date": _compact(row["primary_date"]),
        "secondary_dates": [_compact(day) for day in row["secondary_dates"] or []],
        "notice": "research, not an alert",
    }


def _compact(day: str | None) -> str | None:
    return day and day.replace("-", "")
