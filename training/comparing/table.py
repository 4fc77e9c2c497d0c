"""A comparison as a table to read, and as JSON."""

from __future__ import annotations

import math
from typing import Any

from training.comparing.comparison import Comparison, Row

TITLES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "iou": "IoU",
    "auroc": "AUROC",
    "average_precision": "average precision",
}


def to_markdown(comparison: Comparison) -> str:
    """Metrics with their intervals, differences from the first run, and settings that differ."""
    first, *others = comparison.rows
    metrics = [name for name in TITLES if name in first.metrics]
    lines = [
        f"{comparison.dataset}, {comparison.split} split, {comparison.groups} groups of frame and "
        f"primary date. Deformation as such, each run at its own threshold; 95 % intervals, groups "
        "resampled 1000 times.",
        "",
        *_table(
            ["run", "samples", "deforming", *(TITLES[name] for name in metrics)],
            [
                [
                    row.candidate.name,
                    str(row.samples),
                    str(row.positives),
                    *(_value(row, name) for name in metrics),
                ]
                for row in comparison.rows
            ],
        ),
    ]
    if comparison.left_out:
        lines[0] += f" {comparison.left_out} groups that some run lacks are left out."
    lines += [
        "",
        f"Above {first.candidate.name}, by the same resampled groups; * where the interval leaves "
        "out zero:",
        "",
        *_table(
            ["run", *(TITLES[name] for name in metrics)],
            [[row.candidate.name, *(_difference(row, name) for name in metrics)] for row in others],
        ),
    ]
    if comparison.settings:
        names = [row.candidate.name for row in comparison.rows]
        body = [
            [f"`{key}`", *(_setting(value) for value in values)]
            for key, values in comparison.settings.items()
        ]
        lines += ["", "What differs in their configurations:", "", *_table(["key", *names], body)]
    return "\n".join(lines) + "\n"


def to_record(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain JSON types; an undefined number is None."""
    return {
        "dataset": comparison.dataset,
        "split": comparison.split,
        "groups": comparison.groups,
        "left_out": comparison.left_out,
        "settings": comparison.settings,
        "runs": [
            {
                "name": row.candidate.name,
                "run": str(row.candidate.run),
                "samples": row.samples,
                "positives": row.positives,
                "metrics": _finite(row.metrics),
                "intervals": row.intervals,
                "differences": _finite(row.differences),
                "paired_intervals": row.paired,
            }
            for row in comparison.rows
        ],
    }


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    """A Markdown table whose columns also line up as text."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rows = [head, ["-" * width for width in widths], *body]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]


def _value(row: Row, name: str) -> str:
    value, ends = row.metrics[name], row.intervals.get(name)
    if math.isnan(value):
        return "undefined"
    return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")


def _difference(row: Row, name: str) -> str:
    value, ends = row.differences[name], row.paired.get(name)
    if math.isnan(value) or not ends:
        return "undefined"
    mark = " *" if row.differs(name) else ""
    return f"{value:+.3f} ({ends[0]:+.3f} to {ends[1]:+.3f}){mark}"


def _setting(value: Any) -> str:
    return "empty" if value in ("", None) else str(value).replace("|", "\\|")


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
