"""What there is to make a dataset from: cubes, annotations, groups, and where they disagree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.record import Annotation, Pair
from dataset_script.annotations.series import Group, read_groups
from dataset_script.cubes.archives import GROUP_FILES
from dataset_script.cubes.locations import file_name, file_system, find_minicubes, is_url, reaching
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError
from dataset_script.problems import Problem, ProblemError, collecting
from dataset_script.source.checks import check_words


@dataclass(frozen=True)
class Source:
    """Cubes with their annotations.

    Attributes:
        cubes: Path or URL of the cube by frame.
        groups: Annotated interferograms of these frames, by frame and primary date.
        volcanoes: Names of the volcanoes in each frame.
        problems: What was set aside on the way here.
        warnings: Where cubes and annotations differ though nothing had to be set aside.
        synthetic: Whether the pixels are simulated.
    """

    cubes: Mapping[str, str]
    groups: tuple[Group, ...]
    volcanoes: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    synthetic: bool = False

    def fingerprint(self) -> str:
        """A digest that changes when the annotations do, or a cube's file sizes or times."""
        digest = hashlib.sha256(repr((self.groups, sorted(self.volcanoes.items()))).encode())
        for frame, path in sorted(self.cubes.items()):
            digest.update(repr((frame, list(_stamps(path)))).encode())
        return digest.hexdigest()[:32]


def open_source(
    minicubes: str | Path, annotations: str | Path | None = None, skip_bad: bool = False
) -> Source:
    """Find the cubes of a folder and what is annotated in them.

    Annotated frames whose cube is not there are left out: the annotations come as one file for
    the whole archive, of which few have every cube.

    Args:
        minicubes: Folder (or fsspec URL) of cubes, or a single cube.
        annotations: Annotations, in any form that `annotations.read_annotations` takes, with
            `timeseries.json` and `frame_names.json` beside them; None looks in `minicubes`.
        skip_bad: List errors in `problems` and go on without what they concern.

    Returns:
        The source.

    Raises:
        DataError: If there are no cubes; and, unless bad input is skipped, at the first malformed
            annotation, unreadable cube, or annotated interferogram that the cube lacks.
    """
    cubes = find_minicubes(minicubes)
    if not cubes:
        raise DataError(
            f"{minicubes}: there are no minicubes here; expected <frame>.zarr, .zarr.zip or "
            ".zarr.tar, as `python -m dataset_script synthesize` writes"
        )
    place = Path(annotations) if annotations is not None else _beside(minicubes)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    listed = problems if skip_bad else None
    known = read_annotations(place, listed)
    folder = place if place.is_dir() else place.parent
    annotated: dict[str, list[Annotation]] = {frame: [] for frame in cubes}
    for annotation in known.values():
        annotated.get(annotation.frame_id, []).append(annotation)
    groups: dict[str, list[Group]] = {frame: [] for frame in cubes}
    for group in read_groups(folder, known, listed):
        groups.get(group.frame_id, []).append(group)
    readable: dict[str, str] = {}
    kept: list[Group] = []
    for frame, path in cubes.items():
        with collecting(listed):
            with Minicube.open(path) as cube:
                bad = _set_aside(cube, annotated[frame], listed, warnings)
            readable[frame] = path
            for group in groups[frame]:
                there = tuple(a for a in group.annotations if a.pair not in bad)
                if there:
                    kept.append(Group(group.frame_id, group.primary_date, there))
    if not kept:
        reason = f": {problems[0]}" if problems else ""
        raise DataError(f"{minicubes}: none of its interferograms is usable{reason}")
    volcanoes = {f: names for f, names in read_frame_names(folder).items() if f in readable}
    synthetic = (folder / "synthesis.json").exists()
    return Source(readable, tuple(kept), volcanoes, tuple(problems), tuple(warnings), synthetic)


def _set_aside(
    cube: Minicube,
    annotations: list[Annotation],
    problems: list[Problem] | None,
    warnings: list[Problem],
) -> set[Pair]:
    """Check a cube against the annotations of its frame; the pairs that cannot be used."""
    found = check_words(cube, annotations)
    warnings += [*cube.warnings, *(problem for problem in found if problem.severity == "warning")]
    errors = [problem for problem in found if problem.severity == "error"]
    for problem in errors:
        with collecting(problems):
            raise ProblemError(problem)
    return {problem.pair for problem in errors if problem.pair}


def _beside(minicubes: str | Path) -> Path:
    if is_url(minicubes):
        raise DataError(
            f"{minicubes}: give the annotations of remote cubes as a local path (--annotations)"
        )
    path = Path(minicubes)
    return path.parent if path.name.endswith((".zarr", ".zip", ".tar")) else path


def _stamps(path: str) -> Iterator[object]:
    """Each file's size and times; plain HTTP lists no files, there a folder's metadata must do."""
    if not is_url(path):
        if Path(path).is_dir():
            yield from _files(path, "")
        else:
            status = Path(path).stat()
            yield status.st_size, status.st_mtime_ns, status.st_ctime_ns
        return
    system, inner = file_system(path)
    with reaching(path):
        if file_name(path).endswith((".zip", ".tar")):
            files = {inner: system.info(inner)}
        elif path.startswith("http"):
            places = [f"{inner}/{name}" for name in GROUP_FILES]
            files = {place: system.info(place) for place in places if system.exists(place)}
        else:
            files = system.find(inner, detail=True)
    marks = ("size", "ETag", "etag", "blob_id", "mtime", "LastModified", "last_modified")
    for place, details in sorted(files.items()):
        yield place, [str(details.get(mark)) for mark in marks]


def _files(folder: str, below: str) -> Iterator[object]:
    """Name, size and time of every file under a folder: an archive has hundreds of thousands."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{below}/{entry.name}"
        if entry.is_dir():
            yield from _files(entry.path, name)
        else:
            status = entry.stat()
            yield name, status.st_size, status.st_mtime_ns
