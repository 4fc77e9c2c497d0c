"""Where scenes come from: whether a source has changed since, and what kind of product it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from hub.record.columns import digest
from hub.scenes.products.table import PRODUCTS

_DAY = re.compile(r"(?<!\d)(?:19|20)\d{6}(?!\d)")
_CUBE = re.compile(r"(.+?\.zarr(?:\.zip|\.tar)?)(@[\d_,]+)?$")


def source_state(source: str) -> str | None:
    """A hash of names, sizes and times of the files behind a source.

    Equal states mean that nothing was written there; it is what saves reading thousands of scenes
    again to find that they are known.

    Args:
        source: An input's label: a file, files joined by ", ", CUBE@DATES or DATASET::CONFIG/SPLIT.

    Returns:
        The hash; None where it cannot be told, as of a dataset on the Hub.
    """
    found: list[tuple[str, int, int]] = []
    try:
        for path in _files(source):
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    except OSError:
        return None
    return digest(sorted(found)) if found else None


def product_of(source: str) -> str | None:
    """What a source is that is no processor's product: minicube, dataset or npz; else None."""
    if "::" in source:
        return "dataset"
    if _CUBE.match(source):
        return "minicube"
    return "npz" if Path(source).suffix.lower() == ".npz" else None


def _files(source: str) -> Iterator[Path]:
    if "::" in source:
        folder = Path(source.partition("::")[0])
        if folder.is_dir():
            yield from sorted(folder.rglob("*.parquet"))
        return
    if cube := _CUBE.match(source):
        path = Path(cube[1])
        if path.is_dir():
            # A chunk is written under another name and renamed, which its folder's time shows.
            arrays = (item for item in path.iterdir() if item.is_dir())
            yield from (path, *arrays, *path.glob("*.json"), *path.glob(".z*"))
        else:
            yield path
        return
    paths = [Path(source)] if Path(source).exists() else list(map(Path, source.split(", ")))
    for path in paths:
        yield path
        yield from _companions(path)


def _companions(path: Path) -> Iterator[Path]:
    """Files that may be read with a scene's own: beside it, and elevation in the folders above.

    That is everything there but what bears the dates of another pair: products name coherence and
    elevation as they like. One file too many costs a reading, one too few an answer that is old.
    """
    if path.is_dir():
        yield from (item for item in path.rglob("*") if item.is_file())
        return
    data = path.with_suffix(".data")  # BEAM-DIMAP's rasters
    if path.suffix.lower() == ".dim" and data.is_dir():
        yield from (item for item in data.rglob("*") if item.is_file())
    dates = _dates(path.name)
    places = {place for product in PRODUCTS for place in product.elevations} | {"."}
    for folder in sorted({Path(os.path.normpath(path.absolute().parent / p)) for p in places}):
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            yield from (
                Path(entry.path)
                for entry in entries
                if entry.is_file() and (not dates or _dates(entry.name) in (dates, ()))
            )


def _dates(name: str) -> tuple[str, ...]:
    """The days in a file's name."""
    return tuple(_DAY.findall(name))
