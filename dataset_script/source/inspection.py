"""What a folder of minicubes or annotations holds, how it splits, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_script.annotations.reading import FORMS, read_annotations, read_frame_names
from dataset_script.annotations.record import Annotation, Pair
from dataset_script.annotations.series import (
    Group,
    derive_groups,
    make_samples,
    read_groups,
    require_length,
)
from dataset_script.annotations.splits import assign, crosses, shared_acquisitions
from dataset_script.cubes.locations import SUFFIXES, file_name, find_minicubes, is_url
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import ConfigError
from dataset_script.problems import Problem, ProblemError
from dataset_script.source.checks import check_cube
from dataset_script.source.report import Count, Frame, Inspection

LENGTHS = (1, 3)
SIDE_BY_SIDE = ("paper", "strict")


def inspect(path: str | Path, deep: bool = False) -> Inspection:
    """Look at a folder of cubes, of annotations, or of both, or at a single cube.

    A single cube is checked against the annotations beside it, if there are any.

    Args:
        path: Folder, cube, or `annotations.json` (or another form of it); cubes may lie at a URL.
        deep: Whether to decode every raster of every interferogram, which takes as long as
            reading the cubes does.

    Returns:
        The report; what is wrong is listed in it.

    Raises:
        DataError: If nothing is there to inspect, or a whole file of annotations is unreadable.
    """
    problems: list[Problem] = []
    cubes, folder = _locate(path)
    annotations: dict[int, Annotation] = {}
    names: Mapping[str, tuple[str, ...]] = {}
    if folder is not None:
        try:
            annotations = read_annotations(folder, problems)
        except ProblemError as error:
            if not cubes:
                raise
            problems.append(error.problem)
        names = read_frame_names(folder)
    shown = set(cubes)
    if not is_cube(path):
        shown |= {annotation.frame_id for annotation in annotations.values()}
    frames = [
        _frame(frame, cubes.get(frame), annotations, names, deep, problems)
        for frame in sorted(shown)
    ]
    if not annotations:
        return Inspection(str(path), tuple(frames), problems=tuple(problems))
    return _with_groups(str(path), frames, annotations, folder, problems)


def is_cube(path: str | Path) -> bool:
    """Whether a path or URL is named like a single cube."""
    return file_name(path).endswith(SUFFIXES)


def _locate(path: str | Path) -> tuple[dict[str, str], Path | None]:
    """The cubes of a path, and where to look for annotations."""
    if is_url(path):
        return find_minicubes(path), None
    local = Path(path)
    if not is_cube(path) and not local.is_dir():
        return {}, local
    cubes = find_minicubes(path)
    folder = local.parent if is_cube(path) else local
    has_annotations = any((folder / name).exists() for name in FORMS)
    return cubes, folder if has_annotations or not cubes else None


def _frame(
    frame_id: str,
    path: str | None,
    annotations: Mapping[int, Annotation],
    names: Mapping[str, tuple[str, ...]],
    deep: bool,
    problems: list[Problem],
) -> Frame:
    mine = [a for a in annotations.values() if a.frame_id == frame_id]
    pairs: set[Pair] = {a.pair for a in mine}
    size = pixel_size = count = None
    if path is not None:
        try:
            with Minicube.open(path) as cube:
                size, pixel_size = (cube.height, cube.width), cube.grid.pixel_size
                pairs, count = set(cube.pairs), len(cube.pairs)
                if annotations:
                    problems += check_cube(cube, annotations.values(), deep)
        except ProblemError as error:
            problems.append(error.problem)
    days = sorted(date for pair in pairs for date in pair)
    return Frame(
        frame_id,
        tuple(names.get(frame_id, ())),
        path or "",
        size,
        pixel_size,
        count,
        len(mine),
        sum(a.usable for a in mine),
        sum(a.usable and a.positive for a in mine),
        (str(days[0]), str(days[-1])) if days else None,
    )


def _with_groups(
    path: str,
    frames: Sequence[Frame],
    annotations: Mapping[int, Annotation],
    folder: Path | None,
    problems: list[Problem],
) -> Inspection:
    file = folder and (folder if folder.is_dir() else folder.parent) / "timeseries.json"
    shown = {frame.frame_id for frame in frames}
    derived = [group for group in derive_groups(annotations) if group.frame_id in shown]
    given = None
    if file is not None and file.exists():
        try:
            listed = read_groups(file, annotations, problems)
            given = [group for group in listed if group.frame_id in shown]
        except ProblemError as error:
            problems.append(error.problem)
    groups = derived if given is None else given
    ours, theirs = _members(derived), _members(groups)
    unusable = ("corrupted", "processing_error", "no_info")
    mine = [a for a in annotations.values() if a.frame_id in shown]
    left_out = Counter(flag for a in mine for flag in unusable if getattr(a, flag))
    splits = {scheme: assign(groups, scheme) for scheme in SIDE_BY_SIDE}
    return Inspection(
        path,
        tuple(frames),
        dict(left_out),
        {scheme: _counts(groups, splits[scheme]) for scheme in SIDE_BY_SIDE},
        {scheme: shared_acquisitions(splits[scheme]) for scheme in SIDE_BY_SIDE},
        sum(crosses(a) for a in theirs.values()),
        None if given is None else (len(theirs), len(groups)),
        (len(ours), len(derived)),
        tuple(ours[key] for key in sorted(set(ours) - set(theirs))),
        tuple(theirs[key] for key in sorted(set(theirs) - set(ours))),
        tuple(problems),
    )


def _members(groups: Sequence[Group]) -> dict[int, Annotation]:
    return {a.unique_id: a for group in groups for a in group.annotations}


def _counts(
    groups: Sequence[Group], splits: Mapping[str, Sequence[Group]]
) -> dict[int, dict[str, Count]]:
    counts = {}
    for length in LENGTHS:
        try:
            require_length(groups, length)
        except ConfigError:
            continue
        samples = {split: make_samples(chosen, length, split) for split, chosen in splits.items()}
        counts[length] = {
            split: Count(len(made), sum(sample.positive for sample in made))
            for split, made in samples.items()
        }
    return counts
