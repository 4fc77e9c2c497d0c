"""From what a user names on the command line to the scenes to predict on."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dataset_script.errors import ConfigError, HephaestusError
from hub.scenes.assemble import name_of, scene_of
from hub.scenes.checks import MAX_PIXELS, SceneError
from hub.scenes.load import holds_cube, load_scene
from hub.scenes.pairs import Found, find_pairs
from hub.scenes.products.product import Pair, ReadOptions
from hub.scenes.rasters.files import StoredFile, archived, below, is_zip
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


@dataclass
class Inputs:
    """What was found of what a user named, before any model is loaded.

    Attributes:
        others: Minicubes, dataset rows and arrays, as they were named.
        found: Interferograms of any product.
        options: How they are read.
    """

    others: list[str] = field(default_factory=list)
    found: Found = field(default_factory=Found)
    options: ReadOptions = field(default_factory=ReadOptions)

    def scenes(self, length: int, max_pixels: int = MAX_PIXELS) -> list[SceneInput]:
        """The scenes, for series of at most `length` dates.

        Args:
            length: Interferograms of one place and primary date that are put together.
            max_pixels: Largest height x width of a product's scene that is read.

        Returns:
            In the inputs' order, except that pairs come after minicubes, rows and arrays, by frame
            and date, and what cannot be used last; it says so when it is read.
        """
        scenes: list[SceneInput] = []
        for text in self.others:
            if "::" in text and not text.rpartition("/")[2].isdigit():
                scenes += _or_broken(text, partial(_rows, text))
            elif text.endswith(_CUBES) and Path(text).exists():
                scenes += _or_broken(text, partial(_pairs, text, length))
            else:
                scenes.append(SceneInput(text, partial(load_scene, text, options=self.options)))
        scenes += _series(self.found.pairs, self.options, length, max_pixels)
        return scenes + [
            SceneInput(label, partial(_fail, error)) for label, error in self.found.refused
        ]


def discover(inputs: Sequence[str | Path], options: ReadOptions | None = None) -> Inputs:
    """Find the interferograms in files, folders, zip archives and patterns.

    A folder stands for all that is below it, symbolic links followed: the phases of every product
    of `products.table`, `.npz`, minicubes, and zips of products. DATASET::CONFIG/SPLIT stands for
    all its rows, a minicube without dates for all its pairs. No pixel is read.

    Args:
        inputs: What the user named; see `load.SPECIFICATIONS`.
        options: How to read them.

    Raises:
        ConfigError: If an input stands for nothing, or none of the files exists.
    """
    options = options or ReadOptions()
    inputs_found = Inputs(options=options)
    named: list[StoredFile] = []
    walked: list[StoredFile] = []
    holders: list[Path] = []
    for text in expand_inputs(inputs):
        path = Path(text)
        if path.is_dir() and not text.endswith(_CUBES):
            holders.append(path)
            _walk(path, inputs_found, walked)
        elif path.is_file() and is_zip(path) and not holds_cube(path):
            holders.append(path)
            walked += _of_archive(path, inputs_found.found)
        elif path.is_file() and not text.endswith((".npz", *_CUBES)) and "@" not in path.name:
            named.append(StoredFile(path))
        else:
            inputs_found.others.append(text)
    refused = inputs_found.found.refused
    found = find_pairs(named, walked, options)
    inputs_found.found = found = Found(found.pairs, [*refused, *found.refused], found.passed)
    held = [*inputs_found.others, *(pair.label for pair in found.pairs)]
    held += [label for label, _ in found.refused]
    for holder in holders:
        if not any(Path(label).is_relative_to(holder) for label in held):
            found.refused.append((str(holder), SceneError(_nothing(holder, found))))
    if not held:
        raise ConfigError("; ".join(str(error) for _, error in found.refused))
    return inputs_found


def expand_inputs(inputs: Sequence[str | Path]) -> list[str]:
    """Put the files and folders that patterns stand for in their place.

    Raises:
        ConfigError: If a pattern stands for nothing, or none of the files exists.
    """
    texts = [text for given in inputs for text in _matches(str(given))]
    # What may be a cube's dates, a dataset or a URL is left to its reader.
    if not any("@" in text or ":" in text or Path(text).exists() for text in texts):
        raise ConfigError(f"{' and '.join(texts)}: no such file")
    return texts


def find_inputs(
    inputs: Sequence[str | Path], length: int, options: ReadOptions | None = None
) -> list[SceneInput]:
    """Find the scenes in files, folders, zip archives, patterns, minicubes and dataset rows.

    Args:
        inputs: What the user named; see `discover`.
        length: Interferograms of one place and primary date that are put together.
        options: How to read them.

    Returns:
        The scenes; see `Inputs.scenes`.

    Raises:
        ConfigError: See `discover`.
    """
    return discover(inputs, options).scenes(length)


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


def _matches(text: str) -> list[str]:
    """The files and folders that a pattern stands for; any other text itself."""
    if "::" in text:
        return [text]
    path = Path(text)
    text = text.rstrip("/") or text  # the shell completes a folder's name with a slash
    if path.exists() or not any(mark in text for mark in "*?["):
        return [text]
    root = path.anchor or "."
    found = [str(match) for match in sorted(Path(root).glob(str(path.relative_to(path.anchor))))]
    if not found:
        raise ConfigError(f"{text} stands for nothing: no file has such a name")
    return found


def _walk(folder: Path, inputs: Inputs, walked: list[StoredFile]) -> None:
    def unreadable(error: OSError) -> None:
        place = str(error.filename)
        if Path(place).name != "lost+found":  # a disk's own, which root alone lists
            reason = SceneError(f"{place} cannot be listed: {error.strerror}")
            inputs.found.refused.append((place, reason))

    paths = list(below(folder, (".zarr",), unreadable))
    for path in paths:
        name = path.name
        if name.endswith((".npz", *_CUBES)):
            inputs.others.append(str(path))
        elif is_zip(path):
            # A product that lies unpacked beside its zip is judged once.
            if not path.with_suffix("").is_dir():
                walked += _of_archive(path, inputs.found)
        else:
            walked.append(StoredFile(path))


def _of_archive(path: Path, found: Found) -> list[StoredFile]:
    try:
        return archived(path)
    except HephaestusError as error:
        found.refused.append((str(path), error))  # type: ignore[arg-type]
        return []


def _nothing(holder: Path, found: Found) -> str:
    text = f"{holder} stands for nothing: no phase was found there"
    if found.passed:
        text += f" ({'; '.join(found.passed[:3])}{'; ...' if len(found.passed) > 3 else ''})"
        text += "; if one of its files is a phase after all, name it with --as phase"
    return text


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


def _series(
    pairs: Sequence[Pair], options: ReadOptions, length: int, max_pixels: int
) -> list[SceneInput]:
    """Pairs of one place and primary date in series, and all others alone."""
    groups: dict[tuple[str, str, str, str], dict[datetime.date, Pair]] = defaultdict(dict)
    found: list[SceneInput] = []
    for pair in pairs:
        if pair.dates is None or not pair.product.stacks:
            found.append(_input([pair], options, max_pixels))
            continue
        primary, secondary = pair.dates
        key = (pair.product.name, pair.frame or "", pair.place, f"{primary:%Y%m%d}")
        if (twin := groups[key].setdefault(secondary, pair)) is not pair:
            error = ConfigError(f"{twin.label} and {pair.label} have the same dates")
            found.append(SceneInput(pair.label, partial(_fail, error)))
    for key in sorted(groups):
        by_date = groups[key]
        for dates in in_series(list(by_date), length):
            found.append(_input([by_date[date] for date in dates], options, max_pixels))
    return found


def _input(pairs: list[Pair], options: ReadOptions, max_pixels: int) -> SceneInput:
    label = ", ".join(pair.label for pair in pairs)
    return SceneInput(label, partial(scene_of, pairs, options, name_of(pairs), max_pixels))
