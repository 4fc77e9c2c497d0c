"""From what a user names on the command line to the scenes that are meant."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataset_script.errors import ConfigError, HephaestusError
from hub.scenes.checks import MAX_PIXELS, SceneError
from hub.scenes.licsar import (
    COHERENCE,
    HEIGHT,
    PHASE,
    frame_of,
    is_phase,
    pair_dates,
    read_licsar,
    stem_of,
)
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene

_CUBES = (".zarr", ".zarr.zip", ".zarr.tar")


@dataclass(frozen=True)
class Source:
    """A scene yet to be read.

    Attributes:
        said: What messages call it.
        load: Reads it.
    """

    said: str
    load: Callable[[], Scene]


def find_sources(inputs: Sequence[str | Path], length: int) -> list[Source]:
    """Resolve inputs: files, folders, patterns, minicubes and dataset rows.

    A folder stands for all `.npz`, `*.geo.diff_pha.tif` and minicubes below it, DATASET::CONFIG/
    SPLIT for all its rows, a minicube without dates for all its pairs. Pairs of one frame and
    primary date make series of `length`; where there are more, the last series overlaps the one
    before, so that each is full.

    Args:
        inputs: What the user named; see `scene.SPECIFICATIONS`.
        length: Steps T that the model takes.

    Returns:
        The scenes, in the inputs' order, except that LiCSAR pairs come last, by frame and date.
        A minicube or a dataset that cannot be opened is one that says so when it is read.

    Raises:
        ConfigError: If an input stands for nothing.
    """
    sources: list[Source] = []
    phases: list[Path] = []
    companions: list[Path] = []
    for text in (text for given in inputs for text in _expand(str(given))):
        path = Path(text)
        if is_phase(path):
            phases.append(path)
        elif text.endswith((COHERENCE, HEIGHT)):
            companions.append(path)
        elif "::" in text and not text.rpartition("/")[2].isdigit():
            sources += _or_broken(text, partial(_rows, text))
        elif text.endswith(_CUBES) and path.exists():
            sources += _or_broken(text, partial(_pairs, text, length))
        else:
            sources.append(Source(text, partial(load_scene, text)))
    sources += _series(phases, companions, length)
    if not sources:
        raise ConfigError(f"nothing to predict on in {', '.join(map(str, inputs))}")
    return sources


def in_series(dates: Sequence[datetime.date], length: int) -> Iterator[tuple[datetime.date, ...]]:
    """Cut a primary date's secondaries into series of a length, the last ones always full.

    Args:
        dates: Secondary dates.
        length: Steps T.

    Yields:
        Series of T dates in order; all dates at once where there are fewer.
    """
    ordered = sorted(dates)
    last = max(len(ordered) - length, 0)
    for start in [*range(0, last, length), last]:
        yield tuple(ordered[start : start + length])


def _or_broken(text: str, find: Callable[[], list[Source]]) -> list[Source]:
    """What is found, or the reason why it is not, told in its turn: it stops no other input."""
    try:
        return find()
    except HephaestusError as error:
        return [Source(text, partial(_fail, error))]


def _fail(error: HephaestusError) -> Scene:
    raise error


def _expand(text: str) -> list[str]:
    if "::" in text:
        return [text]
    path = Path(text)
    text = text.rstrip("/") or text  # the shell completes a folder's name with a slash
    if text.endswith(_CUBES):
        return [text]
    if path.is_dir():
        found = sorted(_below(path))
    elif not path.exists() and any(mark in text for mark in "*?["):
        matched = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
        found = [
            name
            for match in matched
            for name in (
                sorted(_below(match))
                if match.is_dir() and not match.name.endswith(_CUBES)
                else [str(match)]
            )
        ]
    else:
        return [text]
    if not found:
        raise ConfigError(
            f"{text} stands for nothing: no .npz, *{PHASE} or minicube was found there"
        )
    return found


def _below(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        cubes = [name for name in folders if name.endswith(".zarr")]
        folders[:] = [name for name in folders if not name.endswith(".zarr")]
        for name in (*cubes, *files):
            path = Path(place, name)
            if name.endswith((".npz", *_CUBES)) or is_phase(path):
                yield str(path)


def _rows(text: str) -> list[Source]:
    from hub.scenes.dataset_rows import DatasetSplit, read_row

    dataset, _, rest = text.partition("::")
    config, _, split = rest.partition("/")
    if not split:
        raise ConfigError(f"{text}: rows are given as DATASET::CONFIG/SPLIT[/INDEX]")
    rows = DatasetSplit(dataset, config, split)
    return [
        Source(f"{text}/{index}", lambda index=index: read_row(rows[index]))  # type: ignore[misc]
        for index in range(len(rows))
    ]


def _pairs(path: str, length: int) -> list[Source]:
    from dataset_script.cubes.minicube import Minicube

    with Minicube.open(path) as cube:
        pairs = sorted(cube.pairs)
    sources = []
    for primary in sorted({pair[0] for pair in pairs}):
        for dates in in_series([second for first, second in pairs if first == primary], length):
            text = f"{path}@{primary:%Y%m%d}_" + ",".join(f"{date:%Y%m%d}" for date in dates)
            sources.append(Source(text, partial(load_scene, text)))
    return sources


def _series(phases: Sequence[Path], companions: Sequence[Path], length: int) -> list[Source]:
    groups: dict[tuple[str, str], dict[datetime.date, Path]] = {}
    sources = []
    for path in phases:
        dates = pair_dates(path)
        if dates is None:
            sources.append(Source(str(path), partial(load_scene, path)))
            continue
        # LiCSAR keeps each pair in a folder of its own; the frame's name is above, if anywhere.
        paired = path.absolute().parent.name == stem_of(path)
        place = path.absolute().parents[1 if paired else 0]
        key = (f"{frame_of(path) or ''} {place}", f"{dates[0]:%Y%m%d}")
        if (twin := groups.setdefault(key, {}).setdefault(dates[1], path)) != path:
            raise ConfigError(f"{twin} and {path} have the same dates")
    for key in sorted(groups):
        by_date = groups[key]
        for dates_of_series in in_series(list(by_date), length):
            paths = [by_date[date] for date in dates_of_series]
            stems = {stem_of(path) for path in paths}
            heights = [path for path in companions if path.name.endswith(HEIGHT)]
            files = [*paths, *(path for path in companions if stem_of(path) in stems)]
            files += heights if len(heights) == 1 else []
            said = ", ".join(map(str, paths))
            sources.append(Source(said, partial(_read, files)))
    return sources


def _read(files: Sequence[Path]) -> Scene:
    for path in files:
        if not path.exists():
            raise SceneError(f"{path} does not exist")
    return read_licsar(files, None, MAX_PIXELS)
