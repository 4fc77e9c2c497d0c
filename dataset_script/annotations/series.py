"""Interferograms of one primary date as time series: groups, samples, and their targets."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from dataset_script.annotations.json_files import load_json
from dataset_script.annotations.record import Annotation
from dataset_script.errors import ConfigError
from dataset_script.problems import Problem, ProblemError, collecting
from dataset_script.seeding import generator


@dataclass(frozen=True)
class Group:
    """All interferograms of one primary date, by secondary date."""

    frame_id: str
    primary_date: datetime.date
    annotations: tuple[Annotation, ...]

    @property
    def positive(self) -> bool:
        """Whether any of them shows deformation."""
        return any(annotation.positive for annotation in self.annotations)


@dataclass(frozen=True)
class Sample(Group):
    """T interferograms of a group in time order; one may repeat where the group is short."""

    @property
    def sample_id(self) -> str:
        """`frame/primary/secondary-secondary-...`, dates as YYYYMMDD."""
        dates = "-".join(f"{a.secondary_date:%Y%m%d}" for a in self.annotations)
        return f"{self.frame_id}/{self.primary_date:%Y%m%d}/{dates}"


def derive_groups(annotations: Mapping[int, Annotation]) -> list[Group]:
    """Group the usable annotations by frame and primary date.

    Args:
        annotations: Annotations by unique id.

    Returns:
        The groups by frame and primary date.
    """
    return _grouped(annotation for annotation in annotations.values() if annotation.usable)


def read_groups(
    path: str | Path | None,
    annotations: Mapping[int, Annotation],
    problems: list[Problem] | None = None,
) -> list[Group]:
    """Read the groups that `timeseries.json` lists, or derive them where there is none.

    Args:
        path: `timeseries.json`, or a folder that may hold it; None derives the groups.
        annotations: Annotations by unique id.
        problems: If given, entries that do not match are listed here and left out.

    Returns:
        The groups by frame and primary date.

    Raises:
        DataError: If the file is malformed, or names a pair that the annotations lack.
    """
    file = None if path is None else Path(path)
    if file is not None and file.is_dir():
        file = file / "timeseries.json"
        file = file if file.exists() else None
    if file is None:
        return derive_groups(annotations)
    listed: dict[int, Annotation] = {}
    for frame, primary, secondary, unique_id in _entries(file):
        with collecting(problems):
            where = Problem("", "", str(file), frame, unique_id=unique_id)
            annotation = annotations.get(unique_id)
            if annotation is None:
                raise ProblemError(_say(where, f"there is no annotation {unique_id}"))
            said = (frame, primary, secondary)
            found = (annotation.frame_id, *(f"{date:%Y%m%d}" for date in annotation.pair))
            if said != found:
                theirs, ours = "_".join(map(str, said)), "_".join(found)
                raise ProblemError(_say(where, f"it says {theirs}, the annotation {ours}"))
            if unique_id in listed:
                raise ProblemError(_say(where, f"duplicate pair {'_'.join(found[1:])}"))
            listed[unique_id] = annotation
    return _grouped(listed.values())


def build_timeseries_record(
    annotations: Mapping[int, Annotation],
) -> dict[str, dict[str, dict[str, Any]]]:
    """The derived groups in the schema of `timeseries.json`: frame, primary date, lists."""
    record: dict[str, dict[str, dict[str, Any]]] = {}
    for group in derive_groups(annotations):
        record.setdefault(group.frame_id, {})[f"{group.primary_date:%Y%m%d}"] = {
            "length": len(group.annotations),
            "secondary_date": [f"{a.secondary_date:%Y%m%d}" for a in group.annotations],
            "uniqueID": [a.unique_id for a in group.annotations],
        }
    return record


def require_length(groups: Sequence[Group], length: int | None) -> None:
    """Check that time series of a length exist at all.

    A group may be shorter than T (its samples are padded), but samples that are padded one and
    all are no time series of T.

    Args:
        groups: Groups of all splits.
        length: Steps T; None, for whole groups, always exists.

    Raises:
        ConfigError: If no group is that long.
    """
    longest = max((len(group.annotations) for group in groups), default=0)
    if length is not None and not 1 <= length <= longest:
        raise ConfigError(
            f"there is no time series of length {length}: the longest group (interferograms of one "
            f"primary date) has {longest}; choose a length from 1 to {longest}"
        )


def make_samples(
    groups: Sequence[Group], length: int | None, split: str, seed: int = 0
) -> list[Sample]:
    """Turn groups into samples of T interferograms by the benchmark's protocol.

    A group shorter than T is padded by duplicating interferograms drawn at random, in order. A
    longer one gives its subsets of T in lexicographic order, keeping those that share fewer than
    m steps with each one kept before: m is 1 in validation and test; in train it is T - 1 for a
    group that holds a positive and T - 2 for one that does not, where 0 leaves the first subset
    alone. T = 1 gives every interferogram.

    Args:
        groups: Groups of one split.
        length: Steps T; None keeps each group whole.
        split: "train", or any other split for m = 1.
        seed: Seeds the duplication, by group.

    Returns:
        The samples, in the order of the groups.

    Raises:
        ConfigError: If the length is not positive.
    """
    if length is None:
        return [Sample(g.frame_id, g.primary_date, g.annotations) for g in groups]
    if length < 1:
        raise ConfigError(f"a time series has at least one step, not {length}")
    samples = []
    for group in groups:
        for chosen in _choices(group, length, split == "train", seed):
            steps = tuple(group.annotations[i] for i in chosen)
            samples.append(Sample(group.frame_id, group.primary_date, steps))
    return samples


def _grouped(annotations: Iterable[Annotation]) -> list[Group]:
    members: dict[tuple[str, datetime.date], list[Annotation]] = {}
    for annotation in annotations:
        members.setdefault((annotation.frame_id, annotation.primary_date), []).append(annotation)
    return [
        Group(*key, tuple(sorted(members[key], key=lambda a: a.secondary_date)))
        for key in sorted(members)
    ]


def _entries(file: Path) -> Iterator[tuple[str, str, str, int]]:
    record = load_json(file)
    try:
        for frame, primaries in record.items():
            for primary, group in primaries.items():
                dates, ids = group["secondary_date"], group["uniqueID"]
                if not len(dates) == len(ids) == group["length"]:
                    raise ValueError(f"frame {frame}, {primary}: the lists differ in length")
                for date, unique_id in zip(dates, ids, strict=True):
                    if not isinstance(date, str) or type(unique_id) is not int:
                        raise ValueError(f"{primary}: {date!r:.40} and {unique_id!r:.40}")
                    yield frame, primary, date, unique_id
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"it is not frame -> primary date -> length, secondary_date, uniqueID ({error})"
        problem = Problem(what, "repair it, or remove it to derive the groups", str(file))
        raise ProblemError(problem) from None


def _say(where: Problem, what: str) -> Problem:
    advice = "correct the file, or remove it to derive the groups"
    return Problem(what, advice, where.file, where.frame_id, unique_id=where.unique_id)


def _choices(group: Group, length: int, train: bool, seed: int) -> Iterator[tuple[int, ...]]:
    count = len(group.annotations)
    if length == 1:
        yield from ((i,) for i in range(count))
    elif count <= length:
        rng = generator(seed, "padding", group.frame_id, f"{group.primary_date:%Y%m%d}")
        extra = rng.integers(count, size=length - count)
        yield tuple(sorted([*range(count), *map(int, extra)]))
    else:
        shared = (length - 1 if group.positive else length - 2) if train else 1
        yield from greedy_subsets(count, length, shared)


def greedy_subsets(count: int, length: int, shared: int) -> Iterator[tuple[int, ...]]:
    """Subsets of `range(count)` taken greedily in lexicographic order.

    A subset is kept if it has fewer than `shared` members in common with each kept before it,
    that is, if no kept subset holds the same `shared` of its members. Those used-up combinations
    are remembered, and a beginning that contains one is never continued, so that the search does
    not walk through all the subsets.

    Args:
        count: Size of the whole.
        length: Size of a subset.
        shared: The overlap m that is too much; 0 keeps the first subset alone.

    Yields:
        Each kept subset, ascending.
    """
    if shared < 1:
        yield tuple(range(length))
        return
    if shared == 1:
        yield from (tuple(range(i, i + length)) for i in range(0, count - length + 1, length))
        return
    used: set[tuple[int, ...]] = set()

    def extend(start: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(start) == length:
            used.update(combinations(start, shared))
            yield start
            return
        first = start[-1] + 1 if start else 0
        for member in range(first, count - length + len(start) + 1):
            ends = ((*rest, member) for rest in combinations(start, shared - 1))
            if used.isdisjoint(ends):
                yield from extend((*start, member))
                if len(start) >= shared and not used.isdisjoint(combinations(start, shared)):
                    return

    yield from extend(())
