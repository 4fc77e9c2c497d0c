"""An inspection's report as aligned text."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_script.annotations.record import Annotation
from dataset_script.annotations.splits import SPLITS
from dataset_script.source.report import Count, Inspection

MOST_LINES = 40
"""Problems or pairs listed before the rest is only counted."""


def report_text(report: Inspection) -> str:
    """Lay a report out for reading.

    Args:
        report: What `inspection.inspect` found.

    Returns:
        Sections of aligned columns, then what is wrong; the last line is the verdict.
    """
    sections = [_frames(report)]
    if report.derived is not None:
        sections += [_quality(report), _splits(report), _timeseries(report)]
    sections += _problems(report)
    return "\n\n".join([report.path, *sections, report.verdict])


def _frames(report: Inspection) -> str:
    rows = [("frame", "pixels", "deg/pixel", "pairs", "annotated", "usable", "positive", "dates")]
    for frame in report.frames:
        rows.append(
            (
                frame.frame_id,
                f"{frame.size[0]} x {frame.size[1]}" if frame.size else "-",
                f"{frame.pixel_size[0]:.5f}" if frame.pixel_size else "-",
                "-" if frame.pairs is None else str(frame.pairs),
                str(frame.annotated),
                str(frame.usable),
                str(frame.positive),
                " .. ".join(frame.dates) if frame.dates else "-",
            )
        )
    cubes = sum(bool(frame.path) for frame in report.frames)
    title = f"{_count(len(report.frames), 'frame')}, {_count(cubes, 'cube')}"
    return f"{title}\n{_table(rows)}"


def _quality(report: Inspection) -> str:
    total = sum(frame.annotated for frame in report.frames)
    usable = sum(frame.usable for frame in report.frames)
    why = ", ".join(f"{flag} {count}" for flag, count in sorted(report.left_out.items()))
    out = f"; left out {total - usable} ({why})" if total > usable else ""
    return f"{_count(total, 'annotation')}, {usable} usable{out}"


def _splits(report: Inspection) -> str:
    schemes = list(report.counts)
    rows = [("samples (positive)", *(f"T={t} {s}" for t in _lengths(report) for s in schemes))]
    for split in SPLITS:
        cells = [
            _cell(report.counts[s][length][split]) for length in _lengths(report) for s in schemes
        ]
        rows.append((split, *cells))
    shared = ", ".join(f"{scheme} {report.shared[scheme]}" for scheme in schemes)
    return (
        f"{_table(rows)}\n"
        f"{_count(report.crossing, 'pair')} with dates in two splits' periods; "
        f"acquisitions on more than one side: {shared}"
    )


def _timeseries(report: Inspection) -> str:
    if report.derived is None or report.timeseries is None:
        pairs, groups = report.derived or (0, 0)
        return f"no timeseries.json; the annotations yield {pairs} pairs in {groups} groups"
    lines = [
        "timeseries.json lists {} pairs in {} groups; the annotations yield {} in {}".format(
            *report.timeseries, *report.derived
        )
    ]
    if report.missing:
        lines.append(f"{_count(len(report.missing), 'pair')} missing from timeseries.json:")
        lines += _pairs(report.missing)
    if report.surplus:
        lines.append(f"{_count(len(report.surplus), 'pair')} listed though not usable:")
        lines += _pairs(report.surplus)
    return "\n".join(lines)


def _problems(report: Inspection) -> list[str]:
    sections = []
    for noun, problems in (("error", report.errors), ("warning", report.warnings)):
        if problems:
            lines = _shortened([f"  {problem}" for problem in problems])
            sections.append("\n".join([f"{_count(len(problems), noun)}:", *lines]))
    return sections or ["no problems found"]


def _pairs(annotations: Sequence[Annotation]) -> list[str]:
    return _shortened(
        [
            f"  {a.frame_id}  {a.primary_date:%Y%m%d}_{a.secondary_date:%Y%m%d}  "
            f"annotation {a.unique_id}"
            for a in annotations
        ]
    )


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"  ... and {len(lines) - MOST_LINES} more"]


def _lengths(report: Inspection) -> list[int]:
    return sorted({length for lengths in report.counts.values() for length in lengths})


def _cell(count: Count) -> str:
    return f"{count.samples} ({count.positive})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width: the first flush left, the rest flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
