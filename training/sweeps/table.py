"""The table of a sweep in the paper's form, beside the paper's figures."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_script.channels import ATMOSPHERIC_CHANNELS
from dataset_script.errors import ConfigError
from training.config.shipped import find_shipped
from training.errors import one_line
from training.facts import ModelFacts
from training.sweeps.grid import Cell

METRICS = ("precision", "recall", "f1", "auroc", "iou")
Reference = dict[tuple[str, str, int], dict[str, str]]
"""Published figures by model, atmosphere and T."""


@dataclass
class Row:
    """A model with one input, over its seeds.

    Attributes:
        model: Name of the model.
        inputs: Name of the input.
        atmosphere: "yes" where the atmospheric channels are among its input, "corrected" where
            they served to correct the phase, else "no".
        timeseries_length: Steps T.
        seeds: Seeds that were run.
        values: Values by metric, one a seed.
    """

    model: str
    inputs: str
    atmosphere: str
    timeseries_length: int
    seeds: list[int]
    values: dict[str, list[float]]

    def mean(self, metric: str) -> float | None:
        """Mean over the seeds."""
        known = self.values.get(metric)
        return statistics.fmean(known) if known else None

    def spread(self, metric: str) -> float | None:
        """Sample standard deviation over the seeds; None of one alone."""
        known = self.values.get(metric, [])
        return statistics.stdev(known) if len(known) > 1 else None


def collect(done: Sequence[tuple[Cell, dict[str, Any]]]) -> list[Row]:
    """Gather runs into rows, in the order of the sweep.

    Args:
        done: Runs with their results.

    Returns:
        The rows.

    Raises:
        ConfigError: If a run's `model.json` is missing or unreadable.
    """
    rows: dict[tuple[str, str], Row] = {}
    for cell, results in done:
        facts = ModelFacts.load(Path(cell.config.output) / "model.json")
        row = rows.setdefault(
            (cell.model, cell.inputs),
            Row(cell.model, cell.inputs, _atmosphere(facts), facts.timeseries_length, [], {}),
        )
        row.seeds.append(cell.config.seed)
        for metric in METRICS:
            value = results["metrics"].get(metric)
            if value is not None:
                row.values.setdefault(metric, []).append(value)
    return list(rows.values())


def _atmosphere(facts: ModelFacts) -> str:
    if facts.correct_stratified:
        return "corrected"
    return "yes" if any(name in ATMOSPHERIC_CHANNELS for name in facts.channels) else "no"


def read_reference(path: str) -> Reference:
    """Read published figures.

    Args:
        path: CSV file with the columns of configs/paper/table.csv; empty for none.

    Returns:
        The figures, as text.

    Raises:
        ConfigError: If it is no such file.
    """
    if not path:
        return {}
    try:
        with find_shipped(path).open(newline="") as file:
            return {
                (r["model"], r["atmosphere"], int(r["timeseries_length"])): r
                for r in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{path} is no table of published figures: {one_line(error)}") from None


def to_csv(rows: Sequence[Row], reference: Reference) -> str:
    """The table for machines: means and standard deviations over seeds, and the published ones."""
    head = ["model", "inputs", "atmosphere", "timeseries_length", "seeds"]
    ours = [f"{metric}{part}" for metric in METRICS for part in ("", "_sd")]
    theirs = ["precision", "recall", "f1", "f1_sd", "auroc"]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*head, *ours, *(f"published_{name}" for name in theirs)])
    for row in rows:
        known = reference.get((row.model, row.atmosphere, row.timeseries_length), {})
        numbers = [part for metric in METRICS for part in (row.mean(metric), row.spread(metric))]
        writer.writerow(
            [
                row.model,
                row.inputs,
                row.atmosphere,
                row.timeseries_length,
                " ".join(map(str, row.seeds)),
                *("" if number is None else f"{number:.4f}" for number in numbers),
                *(known.get(name, "") for name in theirs),
            ]
        )
    return file.getvalue()


def to_markdown(rows: Sequence[Row], reference: Reference) -> str:
    """The table in the paper's form: a line a model and atmosphere, a column a length T.

    A cell is precision / recall / F1 ± its standard deviation over the seeds / AUROC of the
    deformation class in per cent (and IoU of a segmentation); the published figures stand below
    in italics. Where a model's inputs differ in something else than these, each has a line of its
    own, and a column names them.
    """
    lengths = sorted({row.timeseries_length for row in rows})
    lines: dict[tuple[str, str, str], dict[int, Row]] = {}
    for row in rows:
        lines.setdefault((row.model, row.atmosphere, _variant(row, rows)), {})[
            row.timeseries_length
        ] = row
    titles = ["single image" if n == 1 else f"time series (T={n})" for n in lengths]
    named = any(variant for _, _, variant in lines)
    head = ["model", "atmosphere", *(["input"] if named else []), *titles]
    text = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    order, models = ("no", "yes", "corrected"), [row.model for row in rows]
    # Sorting is stable: inputs keep the order of the sweep.
    for key in sorted(lines, key=lambda key: (models.index(key[0]), order.index(key[1]))):
        model, atmosphere, variant = key
        cells = []
        for length in lengths:
            own, known = lines[key].get(length), reference.get((model, atmosphere, length))
            cells.append(
                (_cell(own) if own else "-") + (f"<br>*{_published(known)}*" if known else "")
            )
        names = [model, atmosphere, *([variant] if named else [])]
        text.append(f"| {' | '.join([*names, *cells])} |")
    return "\n".join(text) + "\n"


def _variant(row: Row, rows: Sequence[Row]) -> str:
    """The input's name where a model has several with as much atmosphere and as many steps.

    Such inputs differ in something that the table has no column for (coherence, phases, split).
    """
    alike: dict[int, int] = {}
    for other in rows:
        if (other.model, other.atmosphere) == (row.model, row.atmosphere):
            alike[other.timeseries_length] = alike.get(other.timeseries_length, 0) + 1
    return row.inputs if max(alike.values()) > 1 else ""


def _cell(row: Row) -> str:
    parts = []
    for metric in METRICS:
        mean, spread = row.mean(metric), row.spread(metric)
        if mean is not None:
            text = f"{100 * mean:.2f}"
            if metric == "f1" and spread is not None:
                text += f"±{100 * spread:.2f}"
            parts.append(f"IoU {text}" if metric == "iou" else text)
    return " / ".join(parts) or "undefined"


def _published(known: dict[str, str]) -> str:
    precision, recall, f1, spread, auroc = (
        100 * float(known[name]) for name in ("precision", "recall", "f1", "f1_sd", "auroc")
    )
    return f"{precision:.2f} / {recall:.2f} / {f1:.2f}±{spread:.2f} / {auroc:.2f}"
