"""The builder: a dataset straight from the cubes, prepared on disk or streamed.

    HephaestusMinicubes(config_name="ts3", data_dir="cubes", image_size=256).as_streaming_dataset()

What is published is data; this class is for those who have the cubes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import pyarrow as pa
from datasets.builder import Key

from dataset_script.card.summary import CITATION, LICENSE
from dataset_script.errors import ConfigError
from dataset_script.rows.options import RowOptions
from dataset_script.rows.recipe import length_of
from dataset_script.rows.tables import rows_to_table
from dataset_script.shards.plan import Shard, generate_rows, plan_shards
from dataset_script.source.source import Source, open_source

_DEFAULT = "default"


@dataclass
class HephaestusConfig(datasets.BuilderConfig, RowOptions):
    """A dataset config; its parameters are those of `RowOptions`, and two more.

    Attributes:
        timeseries_length: Steps T; taken from the name ("ts3", "groups") where it is not given.
        annotations: Where the annotations are, if not in `data_dir`.

    Raises:
        ConfigError: If a parameter is out of range, or name and length contradict each other.
    """

    name: str = _DEFAULT
    timeseries_length: int | None = None
    annotations: str | None = None

    def __post_init__(self) -> None:
        if self.name == _DEFAULT:
            self.name = f"ts{self.timeseries_length or 3}"
        length = length_of(self.name)
        if self.timeseries_length not in (None, length):
            raise ConfigError(
                f"config {self.name!r} contradicts the length {self.timeseries_length}; give one "
                "of the two"
            )
        self.timeseries_length = length
        self.channels = tuple(self.channels)
        super().__post_init__()
        self.recipe(self.name)


class HephaestusMinicubes(datasets.ArrowBasedBuilder, datasets.GeneratorBasedBuilder):
    """Hephaestus Minicubes as a dataset, from a folder of cubes given as `data_dir`.

    Configs are "ts1", "ts3", "ts<N>" and "groups"; the parameters are those of
    `HephaestusConfig`. Rows are made as Arrow tables, which spares pixels the way through Python.
    """

    VERSION = datasets.Version("1.0.0")
    BUILDER_CONFIG_CLASS = HephaestusConfig
    # A row has megabytes.
    DEFAULT_WRITER_BATCH_SIZE = 4

    def __init__(self, *args: Any, data_dir: str | None = None, **kwargs: Any):
        """Open the cubes' metadata and annotations.

        Args:
            *args: As `datasets.DatasetBuilder`.
            data_dir: Folder (or fsspec URL) of the cubes.
            **kwargs: As `datasets.DatasetBuilder`, and the parameters of `HephaestusConfig`.

        Raises:
            ConfigError: If `data_dir` is missing or a parameter is out of range.
            DataError: If the cubes or annotations are bad (see `source.open_source`).
        """
        if data_dir is None:
            raise ConfigError("data_dir is missing: give the folder of the cubes")
        self._source: Source = open_source(str(data_dir), kwargs.get("annotations"))
        # The fingerprint names the folder in the cache, so that changed cubes are read anew.
        kwargs.setdefault("hash", self._source.fingerprint())
        super().__init__(*args, data_dir=str(data_dir), **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Sentinel-1 interferograms over volcanoes, annotated, as time series.",
            features=self.config.recipe(self.config.name).features,
            citation=CITATION,
            license=LICENSE,
        )

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        plan = plan_shards(self._source, self.config.recipe(self.config.name))
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": shards})
            for split, shards in plan.items()
            if shards
        ]

    def _generate_tables(self, shards: Sequence[Shard]) -> Iterator[tuple[Key, pa.Table]]:
        recipe = self.config.recipe(self.config.name)
        for number, shard in enumerate(shards):
            for place, row in enumerate(generate_rows(shard, recipe)):
                yield Key(number, place), rows_to_table([row], recipe.features)
