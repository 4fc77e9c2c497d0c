"""One shard of an exported dataset: written whole or not at all, the same bytes every time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_script.pictures.preview import PREVIEW_FEATURES, preview_row
from dataset_script.problems import Problem
from dataset_script.rows.recipe import Recipe
from dataset_script.rows.tables import row_bytes
from dataset_script.safe_files import renamed
from dataset_script.shards.plan import Shard, generate_rows
from dataset_script.shards.writers import rows_file


@dataclass(frozen=True)
class ShardReport:
    """What a finished shard holds.

    Attributes:
        samples: Rows.
        positives: Rows with deformation.
        raster_bytes: Uncompressed bytes of the rows' rasters.
        file_bytes: Size of the file.
        file_digest: SHA-256 of the file.
        preview_bytes: Size of the preview's file; 0 without one.
        preview_digest: SHA-256 of the preview's file; "" without one.
        atmosphere_error: Largest error of the node grid by channel, in the channel's unit.
        problems: Interferograms that were set aside.
        warnings: What was odd but left pixels and labels usable.
    """

    samples: int
    positives: int
    raster_bytes: int
    file_bytes: int
    file_digest: str
    preview_bytes: int = 0
    preview_digest: str = ""
    atmosphere_error: dict[str, float] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class ShardTask:
    """A shard to write; a worker process needs nothing else.

    Attributes:
        shard: Its groups.
        recipe: Parameters of the rows.
        file: The shard's file; its suffix says the format (see `writers.rows_file`).
        note: Where the report is kept; it is written last: where it lies, the file is whole.
        preview: File of the preview's rows, or None.
        skip_bad: Set bad interferograms aside instead of stopping at the first.
    """

    shard: Shard
    recipe: Recipe
    file: Path
    note: Path
    preview: Path | None = None
    skip_bad: bool = False

    def finished(self) -> ShardReport | None:
        """The report of an earlier run, if the shard is complete and as this run wants it."""
        report = read_note(self.note)
        if report is None or (report.problems and not self.skip_bad):
            return None
        files = [(self.file, report.file_digest)]
        if self.preview is not None:
            files.append((self.preview, report.preview_digest))
        whole = all(_unchanged(file, digest, self.note) for file, digest in files)
        return report if whole else None


def write_shard(task: ShardTask) -> ShardReport:
    """Write a shard, its preview and its report, unless an earlier run did.

    Args:
        task: What to write.

    Returns:
        The report.

    Raises:
        DataError: If a bad interferogram is met and not to be skipped, or writing fails.
    """
    if report := task.finished():
        return report
    problems: list[Problem] = []
    warnings: list[Problem] = []
    errors: dict[str, float] = {}
    samples = positives = size = 0
    with ExitStack() as files:
        writer = files.enter_context(rows_file(task.file, task.recipe.features))
        preview = task.preview and files.enter_context(rows_file(task.preview, PREVIEW_FEATURES))
        collected = problems if task.skip_bad else None
        for row in generate_rows(task.shard, task.recipe, collected, warnings, errors):
            writer.write(row)
            if preview:
                preview.write(preview_row(row))
            samples += 1
            positives += row["label"]
            size += row_bytes(row)
            del row  # its pixels need not stay while the next is made
    report = ShardReport(
        samples,
        positives,
        size,
        task.file.stat().st_size,
        _digest(task.file),
        task.preview.stat().st_size if task.preview else 0,
        _digest(task.preview) if task.preview else "",
        dict(sorted(errors.items())),
        [problem.to_dict() for problem in problems],
        [problem.to_dict() for problem in warnings],
    )
    text = json.dumps(dataclasses.asdict(report))
    with renamed(task.note, shared=True) as temporary:
        temporary.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    return report


def read_note(note: Path) -> ShardReport | None:
    """The report in a shard's note; None where there is none that is whole, as its digest says."""
    try:
        digest, _, text = note.read_text().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        return None
    return ShardReport(**json.loads(text))


def _unchanged(file: Path, digest: str, note: Path) -> bool:
    """Whether a file is as it was when the note on it was written."""
    if not file.is_file():
        return False
    status = file.stat()
    older = max(status.st_mtime_ns, status.st_ctime_ns) <= note.stat().st_mtime_ns
    # Reading all the shards again would take long; a copied or touched one it is worth.
    return older or _digest(file) == digest


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
