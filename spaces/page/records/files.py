"""The files of a record's pair as they are handed out: pictures, and downloads without folders."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from hub.record.columns import Row, digest
from page.answers import downloads
from page.errors import PageError
from page.inputs.private import without_folders
from page.view import images

_LOG = logging.getLogger(__name__)

NAMES = downloads.NAMES
"""What can be downloaded of a pair."""

_TEXTS = ("json", "csv", "geojson")
"""Files of words, out of which folders are taken when they are sent."""

_OPERATORS = ("source", "source_state", "made_from")
"""What a scene's JSON tells the operator alone."""


def kinds_of(folder: Path, row: Row) -> set[str]:
    """Which files of a pair are there; none while another answer's are in their place."""
    path = folder / f"{row['scene']}.json"
    try:
        record = json.loads(path.read_text())
        if digest(record["made_from"]) != row["answer"]:
            return set()
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, KeyError, TypeError):
        _LOG.warning("%s is damaged", path)
        return set()
    files: dict[str, str] = {**(row["files"] or {}), "json": path.name}
    return {kind for kind, name in files.items() if _plain(name) and (folder / name).is_file()}


def downloads_of(row: Row, kinds: set[str]) -> set[str]:
    """Which of a pair's files are handed out.

    What is no text is left out where it tells a folder of this server: rasters and maps carry the
    model's name, which records of old have with its folder, and the figure's caption has warnings.
    """
    told = kinds & set(NAMES)
    if Path(row["model"] or "").is_absolute():
        told -= {"probability", "mask", "kmz"}
    if any(without_folders(each) != each for each in row["warnings"] or []):
        told -= {"figure"}
    return told


def download(folder: Path, row: Row, kind: str) -> tuple[str, bytes]:
    """A file of a pair.

    Args:
        folder: The record.
        row: The pair's answer that stands.
        kind: One of `NAMES`.

    Returns:
        Its name and its content.

    Raises:
        PageError: If there is none.
    """
    path = _path(folder, row, kind, downloads_of(row, kinds_of(folder, row)))
    content = path.read_bytes()
    if kind == "json":
        record = json.loads(content)
        record = {key: value for key, value in record.items() if key not in _OPERATORS}
        content = (json.dumps(_without_folders(record), indent=2) + "\n").encode()
    elif kind in _TEXTS:
        content = without_folders(content.decode()).encode()
    return path.name, content


def picture(folder: Path, row: Row, kind: str) -> bytes:
    """A picture of a pair, as PNG.

    Args:
        folder: The record.
        row: The pair's answer that stands.
        kind: quicklook (phase around the place), probability, or mask, which is its outline.

    Raises:
        PageError: If there is none.
    """
    path = _path(folder, row, kind, kinds_of(folder, row) & {"quicklook", "probability", "mask"})
    if kind == "quicklook":
        return path.read_bytes()
    try:
        with rasterio.open(path) as file:
            factor = math.ceil(max(file.shape) / images.LONGEST_SIDE)
            shape = tuple(math.ceil(side / factor) for side in file.shape)
            values = file.read(1, out_shape=shape)
    except (RasterioError, OSError):
        _LOG.warning("%s is damaged", path)
        raise PageError("The record's raster cannot be read.") from None
    if kind == "mask":
        return images.outline(values == 1)
    return images.probability(values, ~np.isfinite(values))


def _path(folder: Path, row: Row, kind: str, there: set[str]) -> Path:
    if kind not in there:
        raise PageError("The record has no such file of this pair.")
    name = f"{row['scene']}.json" if kind == "json" else row["files"][kind]
    return folder / name


def _plain(name: Any) -> bool:
    """Whether a name lies in the record itself, wherever a file of the record may point."""
    return isinstance(name, str) and Path(name).name == name


def _without_folders(value: Any) -> Any:
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, list):
        return [_without_folders(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_folders(each) for key, each in value.items()}
    return value
