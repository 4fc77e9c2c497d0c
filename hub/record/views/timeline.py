"""A record's pictures and its page: `timeline/*.png` and `index.html`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from dataset_script.errors import DataError
from dataset_script.safe_files import renamed
from hub.record.table import Record
from hub.record.views.drawing import draw_history
from hub.record.views.history import History, histories
from hub.record.views.page import render_page
from hub.record.writing import PARQUET

FOLDER, PAGE = "timeline", "index.html"


@dataclass(frozen=True)
class Timeline:
    """What was written.

    Attributes:
        page: The page.
        frames: Number of frames' pictures.
        volcanoes: Number of volcanoes' pictures.
        rows: Number of answers that stand.
    """

    page: Path
    frames: int
    volcanoes: int
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.rows} answers, {self.frames} frames and {self.volcanoes} volcanoes drawn: "
            f"open {self.page}"
        )


def open_record(folder: Path) -> Record:
    """A record that is there already.

    Raises:
        DataError: If the folder holds no predictions.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give the output folder of predict or watch")
    if not (folder / PARQUET).exists() and not any(folder.glob("*.json")):
        raise DataError(
            f"{folder} holds no predictions; give the output folder of predict or watch"
        )
    record = Record(folder)
    record.adopt()
    return record


def write_timeline(folder: Path, progress: bool = True) -> Timeline:
    """Draw every frame and volcano of a record, and write its page.

    Args:
        folder: The record.
        progress: Whether to show a bar where standard error is a terminal.

    Raises:
        DataError: If the folder holds no predictions, or cannot be written to.
    """
    rows = open_record(folder).flush()
    frames, volcanoes = histories(rows, folder)
    every = [*frames, *volcanoes]
    pictures: dict[str, str] = {}
    for history in tqdm(every, unit="picture", disable=None if progress else True):
        pictures[history.slug] = _picture(history, folder)
    page = folder / PAGE
    with renamed(page, shared=True) as path:
        path.write_text(render_page(frames, volcanoes, pictures), encoding="utf-8")
    stand = sum(not row["superseded"] for row in rows)
    return Timeline(page, len(frames), len(volcanoes), stand)


def _picture(history: History, folder: Path) -> str:
    name = f"{FOLDER}/{history.slug}.png"
    with renamed(folder / name, shared=True) as path:
        draw_history(history, folder).savefig(path, format="png", dpi=110)
    return name
