"""What a folder of minicubes or annotations holds, how it splits, and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataset_script.annotations.reading import (
    FORMS,
    Annotation,
    Pair,
    read_annotations,
    read_frame_names,
)
from dataset_script.annotations.series import (
    Group,
    derive_groups,
    make_samples,
    read_groups,
    require_length,
)
from dataset_script.annotations.splits import assign, crosses, shared_acquisitions
from dataset_script.cubes.locations import SUFFIXES, file_name, is_url
from dataset_script.cubes.minicube import Minicube, find_minicubes
from dataset_script.errors import ConfigError
from dataset_script.problems import Problem, ProblemError
from dataset_script.source.checks import check_cube
from dataset_script.source.report_text import report_text

LENGTHS = (1, 3)
SIDE_BY_SIDE = ("paper", "strict")


@dataclass(frozen=True)
class Frame:
    """One frame: its cube, if it is there, and its annotations.

    Attributes:
        frame_id: LiCSAR frame.
        volcanoes: Names of the volcanoes in it.
        path: Where the cube lies, or "".
        size: Height and width in pixels, or None without a cube.
        pixel_size: Width and height of a pixel in degrees, or None.
        pairs: Interferograms in the cube, or None.
        annotated: Annotations.
        usable: Annotations that the quality rule lets pass.
        positive: Usable annotations with deformation.
        dates: First and last date of its interferograms, YYYY-MM-DD, or None without any.
    """

    frame_id: str
    volcanoes: tuple[str, ...]
    path: str
    size: tuple[int, int] | None
    pixel_size: tuple[float, float] | None
    pairs: int | None
    annotated: int
    usable: int
    positive: int
    dates: tuple[str, str] | None


@dataclass(frozen=True)
class Count:
    """Samples and how many of them show deformation."""

    samples: int
    positive: int


@dataclass(frozen=True)
class Report:
    """What `inspect` found.

    Attributes:
        path: What was inspected.
        frames: The frames, by id.
        left_out: Annotations that fail the quality rule, by flag (one may have several).
        counts: Scheme, series length and split to samples; a length that no group has is absent.
        shared: Acquisitions (a frame and a date) that a scheme puts on more than one side.
        crossing: Interferograms whose dates fall into different splits' periods.
        timeseries: Pairs and groups of `timeseries.json`, or None where there is no such file.
        derived: Pairs and groups as derived from the annotations; None without annotations.
        missing: Pairs that the annotations yield and `timeseries.json` lacks.
        surplus: Pairs that `timeseries.json` lists against the quality rule.
        problems: Everything that is wrong.
    """

    path: str
    frames: tuple[Frame, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[int, Mapping[str, Count]]] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)
    crossing: int = 0
    timeseries: tuple[int, int] | None = None
    derived: tuple[int, int] | None = None
    missing: tuple[Annotation, ...] = ()
    surplus: tuple[Annotation, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_text(self) -> str:
        """The report for reading."""
        return report_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {
            "path": self.path,
            "left_out": dict(self.left_out),
            "crossing_pairs": self.crossing,
            "frames": [asdict(frame) for frame in self.frames],
            "shared_acquisitions": dict(self.shared),
            "counts": {
                scheme: {
                    f"ts{length}": {split: asdict(count) for split, count in splits.items()}
                    for length, splits in lengths.items()
                }
                for scheme, lengths in self.counts.items()
            },
            "timeseries": self.timeseries and _sizes(*self.timeseries),
            "derived": self.derived and _sizes(*self.derived),
            "missing_from_timeseries": list(map(_pair_record, self.missing)),
            "surplus_in_timeseries": list(map(_pair_record, self.surplus)),
            "problems": [problem.to_dict() for problem in self.problems],
        }

    def to_json(self) -> str:
        """The report for programs."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)


def inspect(path: str | Path, deep: bool = False) -> Report:
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
        return Report(str(path), tuple(frames), problems=tuple(problems))
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
                size, pixel_size = (cube.height, cube.width), cube.pixel_size
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
) -> Report:
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
    return Report(
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


def _sizes(pairs: int, groups: int) -> dict[str, int]:
    return {"pairs": pairs, "groups": groups}


def _pair_record(annotation: Annotation) -> dict[str, Any]:
    return {
        "frame": annotation.frame_id,
        "dates": [f"{date:%Y%m%d}" for date in annotation.pair],
        "unique_id": annotation.unique_id,
    }
