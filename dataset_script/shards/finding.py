"""Single samples found by their ids, in cubes or in an exported dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataset_script.annotations.series import make_samples, require_length
from dataset_script.annotations.splits import SPLITS, assign
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import ConfigError, DataError
from dataset_script.problems import Problem, ProblemError
from dataset_script.rows.encoding import Encoder
from dataset_script.rows.recipe import Recipe, length_of
from dataset_script.rows.tables import Row
from dataset_script.shards.metadata import read_metadata
from dataset_script.source.source import open_source
from dataset_script.webdataset.shards import find_shards, read_shard


def find_samples(
    path: str | Path,
    config: str = "ts3",
    split: str | None = None,
    beginnings: Sequence[str] = (),
    count: int = 1,
    image_size: int = 512,
) -> Iterator[Row]:
    """Find samples to look at.

    Args:
        path: Folder of cubes, a cube, or a folder that `export` wrote.
        config: "ts<N>" or "groups".
        split: Split to look in; None looks in all.
        beginnings: Beginnings of the ids wanted: a frame, a frame and a primary date
            ("frame/YYYYMMDD"), or more. Without any, samples with deformation come first.
        count: Most samples to give, at least 1.
        image_size: Side of the crop in pixels, for cubes.

    Yields:
        Rows.

    Raises:
        ConfigError: If there is no such config or split, or the count is not positive.
        DataError: If there is no such sample, or the input is bad.
    """
    length = length_of(config)
    if split not in (None, *SPLITS):
        raise ConfigError(f"unknown split {split!r}; the splits are {', '.join(SPLITS)}")
    if count < 1:
        raise ConfigError(f"the count of samples is at least 1, not {count}")
    splits = [split] if split else list(SPLITS)
    known = read_metadata(path)
    wanted = tuple(beginnings) or ("",)
    # Other programs too leave a file of this name, beside cubes for instance.
    if "format" in known:
        found = _exported(Path(path), known, config, splits, wanted)
    else:
        found = _encoded(path, Recipe(length, image_size), splits, wanted)
    given = 0
    for row in islice(found, count):
        yield row
        given += 1
    if not given:
        said = f" whose id begins with {' or '.join(beginnings)}" if beginnings else ""
        raise DataError(f"{path}: {config} has no sample{said} in {', '.join(splits)}")


def _encoded(
    path: str | Path, recipe: Recipe, splits: Sequence[str], wanted: tuple[str, ...]
) -> Iterator[Row]:
    """Rows made from cubes, those with deformation first."""
    source = open_source(path)
    require_length(source.groups, recipe.timeseries_length)
    assigned = assign(source.groups, recipe.split, recipe.seed, source.volcanoes, recipe.periods)
    samples = [
        sample
        for split in splits
        for sample in make_samples(assigned[split], recipe.timeseries_length, split, recipe.seed)
        if sample.sample_id.startswith(wanted)
    ]
    for sample in sorted(samples, key=lambda sample: not sample.positive):
        with Minicube.open(source.cubes[sample.frame_id]) as cube:
            names = source.volcanoes.get(sample.frame_id, ())
            yield Encoder(cube, recipe, names).encode(sample)


def _exported(
    folder: Path,
    known: Mapping[str, Any],
    config: str,
    splits: Sequence[str],
    wanted: tuple[str, ...],
) -> Iterator[Row]:
    """Rows of an exported dataset, those with deformation first."""
    if config not in known["configs"]:
        names = ", ".join(known["configs"])
        raise ConfigError(f"{folder} has no config {config}; it has {names}")
    for positive in (True, False):
        if known["format"] == "webdataset":
            root = folder / config.removeprefix("ts")
            shards = (shard for split in splits for shard in find_shards(root, split))
            yield from (
                row
                for shard in shards
                for row in read_shard(shard)
                if row["label"] == positive and row["sample_id"].startswith(wanted)
            )
            continue
        read = _parquet_rows if known["format"] == "parquet" else _arrow_rows
        for split in splits:
            for file in sorted((folder / "data" / config).glob(f"{split}-*")):
                try:
                    yield from map(_row, read(file, positive, wanted))
                except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
                    what = f"truncated or damaged shard ({error})"
                    problem = Problem(what, "export or fetch it again", str(file))
                    raise ProblemError(problem) from None


def _parquet_rows(file: Path, positive: bool, wanted: tuple[str, ...]) -> Iterator[pa.Table]:
    """One-row tables; only row groups that hold a wanted row are read."""
    parquet = pq.ParquetFile(file)
    for number in range(parquet.num_row_groups):
        heads = parquet.read_row_group(number, columns=["sample_id", "label"])
        places = _places(heads, positive, wanted)
        if places:
            table = parquet.read_row_group(number)
            yield from (table.slice(place, 1) for place in places)


def _arrow_rows(file: Path, positive: bool, wanted: tuple[str, ...]) -> Iterator[pa.Table]:
    with pa.ipc.open_stream(str(file)) as reader:
        for batch in reader:
            table = pa.Table.from_batches([batch])
            yield from (table.slice(place, 1) for place in _places(table, positive, wanted))


def _places(table: pa.Table, positive: bool, wanted: tuple[str, ...]) -> list[int]:
    heads = zip(table["sample_id"].to_pylist(), table["label"].to_pylist(), strict=True)
    return [
        place
        for place, (name, label) in enumerate(heads)
        if label == positive and name.startswith(wanted)
    ]


def _row(table: pa.Table) -> dict[str, Any]:
    """A one-row table as a row."""
    from datasets import Array2D, Array3D, Dataset

    dataset = Dataset(table)
    kinds = dataset.features.items()
    rasters = [name for name, kind in kinds if isinstance(kind, (Array2D, Array3D))]
    return {
        **dataset.remove_columns(rasters)[0],
        **dataset.select_columns(rasters).with_format("numpy")[0],
    }
