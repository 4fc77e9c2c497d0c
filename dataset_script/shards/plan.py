"""Which sample goes into which shard, decided before the first pixel is read."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from dataset_script.annotations.series import Group, Sample, make_samples, require_length
from dataset_script.annotations.splits import assign
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import ConfigError
from dataset_script.problems import Problem, collecting
from dataset_script.rows.encoding import Encoder
from dataset_script.rows.features import raster_features
from dataset_script.rows.recipe import Recipe
from dataset_script.rows.tables import Row
from dataset_script.shards.options import SHARD_BYTES
from dataset_script.source.source import Source

Planned = tuple[Group, tuple[Sample, ...]]
"""A group and the samples made of it."""

LEAST_SHARDS = 4
"""Shards that a split is cut into where it has so many groups, so that workers can share it."""


@dataclass(frozen=True)
class Shard:
    """Consecutive groups of one split; a group is never torn, as its samples share chunks.

    Attributes:
        split: Split the groups belong to.
        groups: The groups, by frame and primary date, each with the samples made of it.
        cubes: Path or URL of each frame's cube.
        volcanoes: Names of the volcanoes in each frame.
        positive: Whether to keep the samples with deformation alone, or those without; None keeps
            all.
    """

    split: str
    groups: tuple[Planned, ...]
    cubes: Mapping[str, str]
    volcanoes: Mapping[str, tuple[str, ...]]
    positive: bool | None = None

    @property
    def samples(self) -> int:
        """Rows, if no input is bad."""
        return sum(len(samples) for _, samples in self.groups)


def plan_shards(
    source: Source,
    recipe: Recipe,
    shard_bytes: int = SHARD_BYTES,
    apart: bool = False,
    most: int | None = None,
) -> dict[str, list[Shard]]:
    """Divide a source into splits, and each split into shards.

    Args:
        source: Where the groups and cubes are.
        recipe: Parameters of the rows.
        shard_bytes: Uncompressed pixels that a shard should hold.
        apart: Whether to keep train's samples with deformation and those without in different
            shards, the former first.
        most: Samples that a shard may have; None leaves it at the bytes.

    Returns:
        Shards by split; a split without samples has none.

    Raises:
        ConfigError: If the series' length exceeds every group, the split scheme is impossible, or
            a group alone has more samples than a shard may.
    """
    require_length(source.groups, recipe.timeseries_length)
    splits = assign(source.groups, recipe.split, recipe.seed, source.volcanoes, recipe.periods)
    return {
        split: [
            shard
            for positive in ((True, False) if apart and split == "train" else (None,))
            for shard in _divide(split, groups, source, recipe, shard_bytes, positive, most)
        ]
        for split, groups in splits.items()
    }


def generate_rows(
    shard: Shard,
    recipe: Recipe,
    problems: list[Problem] | None = None,
    warnings: list[Problem] | None = None,
    errors: dict[str, float] | None = None,
) -> Iterator[Row]:
    """Encode the samples of a shard.

    Args:
        shard: The shard.
        recipe: Parameters of the rows.
        problems: If given, a bad interferogram is listed here and set aside: its group goes on
            without it, as if it had never been annotated. So is a cube that cannot be read.
        warnings: If given, collects what is odd but leaves pixels and labels usable.
        errors: If given, collects the node grid's largest error by channel.

    Yields:
        Row by row, in the order of the groups.

    Raises:
        DataError: At the first bad interferogram or cube, if `problems` is not given.
    """
    for frame, groups in groupby(shard.groups, key=lambda planned: planned[0].frame_id):
        with collecting(problems), Minicube.open(shard.cubes[frame]) as cube:
            encoder = Encoder(cube, recipe, shard.volcanoes.get(frame, ()))
            for group, samples in groups:
                sound = group if problems is None else encoder.sound(group, problems)
                if sound != group:
                    samples = _samples(sound, recipe, shard.split, shard.positive)
                for number, sample in enumerate(samples, 1):
                    yield encoder.encode(sample, samples[number:])
            if warnings is not None:
                warnings += encoder.warnings
            for channel, error in encoder.atmosphere_error.items():
                if errors is not None:
                    errors[channel] = max(error, errors.get(channel, 0.0))


def _divide(
    split: str,
    groups: Sequence[Group],
    source: Source,
    recipe: Recipe,
    shard_bytes: int,
    positive: bool | None,
    most: int | None,
) -> list[Shard]:
    """Cut the groups into shards of nearly equal size, in order."""
    planned = [(group, _samples(group, recipe, split, positive)) for group in groups]
    weights = np.array([_bytes(samples, recipe) for _, samples in planned], float)
    count = max(
        math.ceil(weights.sum() / shard_bytes), min(LEAST_SHARDS, np.count_nonzero(weights))
    )
    middles = np.cumsum(weights) - weights / 2
    place = np.minimum(middles / max(weights.sum(), 1) * count, count - 1).astype(int)
    # A group whose samples all deform may, without a bad interferogram, have some that do not.
    belongs = (weights > 0) | (positive is False)
    numbers = np.unique(place[weights > 0])
    shards = []
    for number, after in zip(numbers, [*numbers[1:], count], strict=False):
        least = 0 if number == numbers[0] else number
        held = belongs & (place >= least) & (place < after)
        for chosen in _pieces([planned[i] for i in np.flatnonzero(held).tolist()], most):
            shards.append(_shard(split, chosen, source, positive))
    return shards


def _shard(split: str, chosen: tuple[Planned, ...], source: Source, positive: bool | None) -> Shard:
    frames = sorted({group.frame_id for group, _ in chosen})
    cubes = {frame: source.cubes[frame] for frame in frames}
    names = {frame: source.volcanoes.get(frame, ()) for frame in frames}
    return Shard(split, chosen, cubes, names, positive)


def _pieces(planned: Sequence[Planned], most: int | None) -> Iterator[tuple[Planned, ...]]:
    """Consecutive groups that have no more samples together than a shard may."""
    piece: list[Planned] = []
    held = 0
    for group, samples in planned:
        if most is not None and len(samples) > most:
            raise ConfigError(
                f"max_samples_per_shard is {most}, but {group.frame_id} has {len(samples)} samples "
                f"of primary date {group.primary_date}, which stay together; give at least that"
            )
        if piece and most is not None and held + len(samples) > most:
            yield tuple(piece)
            piece, held = [], 0
        piece.append((group, samples))
        held += len(samples)
    yield tuple(piece)


def _samples(group: Group, recipe: Recipe, split: str, positive: bool | None) -> tuple[Sample, ...]:
    """The samples of one group; see `Shard.positive` for which."""
    if not group.annotations:
        return ()
    samples = make_samples([group], recipe.timeseries_length, split, recipe.seed)
    return tuple(sample for sample in samples if positive in (None, sample.positive))


def _bytes(samples: Sequence[Sample], recipe: Recipe) -> int:
    """Uncompressed bytes of the rasters of some samples."""
    return sum(_row_bytes(len(sample.annotations), recipe) for sample in samples)


@functools.cache
def _row_bytes(length: int, recipe: Recipe) -> int:
    columns = raster_features(length, recipe.image_size, recipe.channels, recipe.atmosphere_nodes)
    return sum(math.prod(c.shape) * np.dtype(c.dtype).itemsize for c in columns.values())
