"""Train, validation and test: by date as the paper or the user has it, leakless, or by volcano."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from dataset_script.annotations.periods import Period, split_of
from dataset_script.annotations.record import Annotation
from dataset_script.annotations.series import Group
from dataset_script.errors import ConfigError
from dataset_script.seeding import generator

SCHEMES = ("paper", "strict", "spatial", "dates")
SPLITS = ("train", "validation", "test")

VALIDATION_START = datetime.date(2019, 6, 1)
TEST_START = datetime.date(2020, 1, 1)
# What the paper's split comes to on the archive, in tenths.
_SHARES = {"train": 5, "validation": 2, "test": 3}


def period(date: datetime.date) -> str:
    """The split whose period a date falls into (Papadopoulos et al.: by primary date)."""
    if date < VALIDATION_START:
        return "train"
    return "validation" if date < TEST_START else "test"


def crosses(annotation: Annotation) -> bool:
    """Whether the two dates of an interferogram fall into different periods."""
    return period(annotation.primary_date) != period(annotation.secondary_date)


def assign(
    groups: Sequence[Group],
    scheme: str = "paper",
    seed: int = 0,
    frame_names: Mapping[str, Sequence[str]] | None = None,
    periods: Mapping[str, Sequence[Period]] | None = None,
) -> dict[str, list[Group]]:
    """Assign groups to splits.

    `paper` goes by primary date and leaks: an acquisition may be a secondary in train and a
    primary in validation. `strict` drops the interferograms whose dates fall into different
    periods, so that no acquisition of a frame is on two sides. `spatial` keeps frames whole, and
    frames that share a volcano together. `dates` goes by primary date too, in periods of the user's
    own, and leaves out what lies in none; it leaks as `paper` does.

    Args:
        groups: Groups of all frames.
        scheme: One of `SCHEMES`.
        seed: Seeds the spatial assignment.
        frame_names: Volcano names by frame, for the spatial scheme; a frame without names stands
            alone.
        periods: Periods of each split, for the scheme `dates`.

    Returns:
        Groups by split, in their given order.

    Raises:
        ConfigError: If the scheme is unknown, there are too few volcanoes for a spatial split, or
            no group lies in any period.
    """
    if scheme == "dates":
        own = periods or {}
        kept = [group for group in groups if split_of(group.primary_date, own)]
        if not kept:
            raise ConfigError("no primary date lies in the periods of the split; choose others")
        return _distribute(kept, lambda group: split_of(group.primary_date, own) or "")
    if scheme == "spatial":
        return _spatial(groups, seed, frame_names or {})
    if scheme == "strict":
        kept = [
            Group(g.frame_id, g.primary_date, tuple(a for a in g.annotations if not crosses(a)))
            for g in groups
        ]
        groups = [group for group in kept if group.annotations]
    elif scheme != "paper":
        raise ConfigError(f"unknown split scheme {scheme!r}; choose one of {', '.join(SCHEMES)}")
    return _distribute(groups, lambda group: period(group.primary_date))


def shared_acquisitions(splits: Mapping[str, Sequence[Group]]) -> int:
    """How many acquisitions (a frame and a date) are on more than one side of a split."""
    sides: dict[tuple[str, datetime.date], set[str]] = {}
    for split, groups in splits.items():
        for group in groups:
            for date in (group.primary_date, *(a.secondary_date for a in group.annotations)):
                sides.setdefault((group.frame_id, date), set()).add(split)
    return sum(len(on) > 1 for on in sides.values())


def _distribute(
    groups: Sequence[Group], split_of: Callable[[Group], str]
) -> dict[str, list[Group]]:
    splits: dict[str, list[Group]] = {split: [] for split in SPLITS}
    for group in groups:
        splits[split_of(group)].append(group)
    return splits


def _spatial(
    groups: Sequence[Group], seed: int, frame_names: Mapping[str, Sequence[str]]
) -> dict[str, list[Group]]:
    clusters = _clusters(sorted({group.frame_id for group in groups}), frame_names)
    if len(clusters) < len(SPLITS):
        raise ConfigError(
            f"a spatial split needs frames of {len(SPLITS)} different volcanoes, there are "
            f"{len(clusters)}; use the strict split"
        )
    weight = {frame: [0, 0] for cluster in clusters for frame in cluster}
    for group in groups:
        for annotation in group.annotations:
            weight[group.frame_id][annotation.positive] += 1
    totals = [max(1, sum(counts[i] for counts in weight.values())) for i in (0, 1)]
    loads = [[sum(weight[frame][i] for frame in c) / totals[i] for i in (0, 1)] for c in clusters]
    # Roughly the largest first (the jitter is what the seed changes), positives before negatives;
    # each goes where a split so far falls shortest of its share.
    jitter = generator(seed, "spatial").uniform(0.5, 1.5, len(clusters))
    order = sorted(
        range(len(clusters)), key=lambda i: (-loads[i][1] * jitter[i], -loads[i][0] * jitter[i])
    )
    filled = {split: [0.0, 0.0, 0] for split in SPLITS}
    split_of: dict[str, str] = {}
    for position, i in enumerate(order):
        kind = 1 if loads[i][1] else 0
        empty = [split for split in SPLITS if not filled[split][2]]
        must_open = len(empty) >= len(order) - position
        split = min(
            empty if must_open else SPLITS,
            key=lambda name: (filled[name][kind] / _SHARES[name], -_SHARES[name]),
        )
        filled[split] = [*(filled[split][j] + loads[i][j] for j in (0, 1)), filled[split][2] + 1]
        split_of.update(dict.fromkeys(clusters[i], split))
    return _distribute(groups, lambda group: split_of[group.frame_id])


def _clusters(
    frames: Sequence[str], frame_names: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Frames joined by shared volcanoes, transitively."""
    clusters: list[tuple[set[str], set[str]]] = []
    for frame in frames:
        members, volcanoes = {frame}, {name.casefold() for name in frame_names.get(frame, ())}
        apart = []
        for cluster in clusters:
            if cluster[1] & volcanoes:
                members |= cluster[0]
                volcanoes |= cluster[1]
            else:
                apart.append(cluster)
        clusters = [*apart, (members, volcanoes)]
    return sorted(tuple(sorted(members)) for members, _ in clusters)
