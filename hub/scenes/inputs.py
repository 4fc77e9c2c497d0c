"""From what a user names on the command line to the scenes to predict on."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataset_script.errors import ConfigError, HephaestusError
from hub.scenes.load import load_scene
from hub.scenes.readers.licsar import (
    COHERENCE_SUFFIX,
    HEIGHT_SUFFIX,
    PHASE_SUFFIX,
    frame_of,
    is_phase,
    pair_dates,
    stem_of,
)
from hub.scenes.scene import Scene

_CUBES = (".zarr", ".zarr.zip", ".zarr.tar")


@dataclass(frozen=True)
class SceneInput:
    """A scene that is not read yet.

    Attributes:
        label: What messages call it.
        load: Reads it.
    """

    label: str
    load: Callable[[], Scene]


def expand_inputs(inputs: Sequence[str | Path]) -> list[str]:
    """Put the files that folders and patterns stand for in their place.

    Raises:
        ConfigError: If an input stands for nothing, or all are files that do not exist.
    """
    texts = [text for given in inputs for text in _expand(str(given))]
    # What may be a cube's dates, a dataset or a URL is left to its reader.
    if not any("@" in text or ":" in text or Path(text).exists() for text in texts):
        raise ConfigError(f"{' and '.join(texts)}: no such file")
    return texts


def find_inputs(inputs: Sequence[str | Path], length: int) -> list[SceneInput]:
    """Resolve inputs: files, folders, patterns, minicubes and dataset rows.

    A folder stands for all `.npz`, `*.geo.diff_pha.tif` and minicubes below it, DATASET::CONFIG/
    SPLIT for all its rows, a minicube without dates for all its pairs. Pairs of one frame and
    primary date make series of `length`; where there are more, the last series overlaps the one
    before, so that each is full.

    Args:
        inputs: What the user named; see `load.SPECIFICATIONS`.
        length: Steps T that the model takes.

    Returns:
        The scenes, in the inputs' order, except that LiCSAR pairs come last, by frame and date.
        A minicube or a dataset that cannot be opened is one that says so when it is read.

    Raises:
        ConfigError: If an input stands for nothing, or two files have the same dates.
    """
    found: list[SceneInput] = []
    phases: list[Path] = []
    companions: list[Path] = []
    for text in expand_inputs(inputs):
        path = Path(text)
        if is_phase(path):
            phases.append(path)
        elif text.endswith((COHERENCE_SUFFIX, HEIGHT_SUFFIX)):
            companions.append(path)
        elif "::" in text and not text.rpartition("/")[2].isdigit():
            found += _or_broken(text, partial(_rows, text))
        elif text.endswith(_CUBES) and path.exists():
            found += _or_broken(text, partial(_pairs, text, length))
        else:
            found.append(SceneInput(text, partial(load_scene, text)))
    found += _series(phases, companions, length)
    if not found:
        raise ConfigError(f"there is no phase in {', '.join(map(str, inputs))}")
    return found


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


def _or_broken(text: str, find: Callable[[], list[SceneInput]]) -> list[SceneInput]:
    """What is found; else one input that fails with the reason when it is read, as others go on."""
    try:
        return find()
    except HephaestusError as error:
        return [SceneInput(text, partial(_fail, error))]


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
            f"{text} stands for nothing: no .npz, *{PHASE_SUFFIX} or minicube was found there"
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


def _rows(text: str) -> list[SceneInput]:
    from hub.scenes.readers.dataset_rows import DatasetSplit, read_row

    dataset, _, rest = text.partition("::")
    config, _, split = rest.partition("/")
    if not split:
        raise ConfigError(f"{text}: rows are given as DATASET::CONFIG/SPLIT[/INDEX]")
    rows = DatasetSplit(dataset, config, split)
    return [
        SceneInput(f"{text}/{index}", lambda index=index: read_row(rows[index]))  # type: ignore[misc]
        for index in range(len(rows))
    ]


def _pairs(path: str, length: int) -> list[SceneInput]:
    from dataset_script.cubes.minicube import Minicube

    with Minicube.open(path) as cube:
        pairs = sorted(cube.pairs)
    found = []
    for primary in sorted({pair[0] for pair in pairs}):
        for dates in in_series([second for first, second in pairs if first == primary], length):
            text = f"{path}@{primary:%Y%m%d}_" + ",".join(f"{date:%Y%m%d}" for date in dates)
            found.append(SceneInput(text, partial(load_scene, text)))
    return found


def _series(phases: Sequence[Path], companions: Sequence[Path], length: int) -> list[SceneInput]:
    groups: dict[tuple[str, str], dict[datetime.date, Path]] = {}
    found = []
    for path in phases:
        dates = pair_dates(path)
        if dates is None:
            found.append(SceneInput(str(path), partial(load_scene, path)))
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
            heights = [path for path in companions if path.name.endswith(HEIGHT_SUFFIX)]
            files = [*paths, *(path for path in companions if stem_of(path) in stems)]
            files += heights if len(heights) == 1 else []
            label = ", ".join(map(str, paths))
            found.append(SceneInput(label, partial(load_scene, files)))
    return found
