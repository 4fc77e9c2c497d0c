"""Judge what is new in folders of interferograms, once or for ever."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from dataset_script.errors import ConfigError, HephaestusError
from dataset_script.safe_files import write_json
from hub.inference.batch import Batch, predict_many
from hub.record.calibration import calibrate, parse_period, write_limits
from hub.record.columns import Row
from hub.record.table import Record
from hub.scenes.inputs import discover
from hub.scenes.products.product import ReadOptions
from hub.watching.notify import parse_command, start_collecting, tell

FAILED, DEFORMATION = 1, 4
"""Bits of the exit status: an input or a notification failed; something new deforms."""
TOLD = ".told.json"
"""Serials of the alarms that stood when a look last ended."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Look:
    """What one look at the sources found.

    Attributes:
        batch: What became of the inputs.
        new: New answers.
        deforming: Answers that are alarms by the record's evidence and were none before: new ones,
            and older ones of which the model was unsure and with which new ones agree.
        notes: What the user must know.
        failed: How many inputs and notifications failed.
        keep: Called once the look was told of: what it raised is not raised again.
    """

    batch: Batch
    new: int
    deforming: list[Row]
    notes: list[str]
    failed: int
    keep: Callable[[], None] = lambda: None

    @property
    def status(self) -> int:
        """The exit status: 0, or the sum of `FAILED` and `DEFORMATION`."""
        return FAILED * bool(self.failed) + DEFORMATION * bool(self.deforming)

    def to_text(self) -> str:
        """A line for each new answer and each failure; the last line is for scripts."""
        lines = []
        new = set(self.batch.new)
        for summary in self.batch.summaries:
            if summary["scene"] in new:
                lines.append(f"{summary['scene']}: {summary['verdict']}")
        for row in self.deforming:
            if row["evidence_note"]:
                lines.append(f"{row['scene']}: evidence: {row['evidence_note']}")
        lines += [f"failed: {label}: {reason}" for label, reason in self.batch.failed.items()]
        lines += [f"note: {note}" for note in self.notes]
        if self.batch.unchanged:
            lines.append(f"{self.batch.unchanged} inputs have not changed since they were judged")
        lines.append(f"new={self.new} deformation={len(self.deforming)} failed={self.failed}")
        return "\n".join(lines)


def parse_interval(text: str) -> float:
    """Read "30m", "6h" or "1d" as seconds.

    Raises:
        ConfigError: If it is none, or no time at all.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if not found or not float(found[1]):
        raise ConfigError(f"{text} is no interval: give a number with s, m, h or d, such as 6h")
    return float(found[1]) * _UNITS[found[2]]


def look(
    model: str,
    sources: Sequence[str | Path],
    output: Path,
    *,
    notify: str | None = None,
    calibrate_on: str | None = None,
    **options: Any,
) -> Look:
    """Judge what is new in the sources and add it to the record.

    Args:
        model: What `Detector.from_pretrained` takes.
        sources: Folders and all else that `predict` takes.
        output: The record's folder.
        notify: Command that is run with the verdict as JSON on standard input for each new
            deformation.
        calibrate_on: The frames' quiet past, see `calibration.parse_period`; their own limits come
            from it.
        **options: Of `predict_many`.

    Raises:
        HephaestusError: As `predict_many`, or if the command or the period is none.
    """
    command = parse_command(notify) if notify else None
    period = parse_period(calibrate_on) if calibrate_on else None
    record = Record(output)
    if command:
        start_collecting(output)
    rows = record.rows()
    before = {row["serial"] for row in rows}
    filled, notes = _filled(sources, options.get("options"))
    told = _told(output, rows)
    batch = Batch(output)
    if filled:
        batch = predict_many(model, filled, output, trust_times=True, each_pair=True, **options)
    if period:
        standing = [row for row in record.rows() if not row["superseded"]]
        limits, without = calibrate(standing, period)
        notes += without
        write_limits(output, limits)
    rows = record.flush()
    new = [row for row in rows if row["serial"] not in before and not row["superseded"]]
    failed = len(batch.failed)
    if command:
        _, refused = tell(output, command, {row["serial"]: row for row in rows})
        notes += [f"the notification failed and will be tried again: {item}" for item in refused]
        failed += len(refused)
    # Also those of before, of which later pairs have made an alarm.
    raised = [
        row for row in rows if row["alarm"] and not row["superseded"] and row["serial"] not in told
    ]
    alarms = [row["serial"] for row in rows if row["alarm"] and not row["superseded"]]
    return Look(batch, len(new), raised, notes, failed, lambda: write_json(output / TOLD, alarms))


def _told(output: Path, rows: Sequence[Row]) -> set[int]:
    """Serials of the alarms that a finished look has told of.

    A look that is killed after its rows were added, or whose tables could not be written, has told
    nobody. Of a record that was never watched all are known.
    """
    try:
        return set(json.loads((output / TOLD).read_text()))
    except FileNotFoundError:
        known = [row["serial"] for row in rows if row["alarm"]]
        write_json(output / TOLD, known)  # before the first row, which may be the last of a look
        return set(known)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{output / TOLD} is damaged ({error}); remove it: the alarms that stand then count as "
            "known"
        ) from None


def _filled(
    sources: Sequence[str | Path], options: ReadOptions | None
) -> tuple[list[str | Path], list[str]]:
    """The sources without folders that hold nothing yet, and a note for each of those."""
    filled, notes = [], []
    for source in sources:
        try:
            discover([source], options)
        except ConfigError as error:
            if not Path(source).is_dir():
                raise
            notes.append(str(error))
        else:
            filled.append(source)
    return filled, notes


def watch(once: Callable[[], Look], every: float | None, say: Callable[[str], None] = print) -> int:
    """Look once, or for ever until the process is asked to stop (SIGTERM, Ctrl-C).

    Args:
        once: Looks at the sources.
        every: Seconds from the begin of a look to that of the next; None looks once.
        say: Told of each look.

    Returns:
        The exit status of the last look.

    Raises:
        HephaestusError: What a single look raises; of several, only what the first one does, since
            a disk or a server that is away for an hour must not end the watch.
    """
    if every is None:
        found = once()
        say(found.to_text())
        found.keep()
        return found.status
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    status, first = 0, True
    try:
        while not stop.is_set():
            due = time.monotonic() + every
            try:
                found = once()
                status = found.status
                say(found.to_text())
                found.keep()
            except (HephaestusError, OSError) as error:
                if first:
                    raise
                status = FAILED
                say(f"this look failed, the next one tries again: {error}")
            first = False
            stop.wait(max(0.0, due - time.monotonic()))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status
