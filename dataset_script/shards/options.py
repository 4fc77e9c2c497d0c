"""What a user may choose about an export: spelt out here alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataset_script.channels import PUBLISHED_NAMES
from dataset_script.errors import ConfigError
from dataset_script.rows.options import RowOptions
from dataset_script.rows.recipe import Recipe

SHARD_BYTES = 256 * 2**20
"""Uncompressed pixels of a shard: about 110 MB of Parquet."""

FORMATS = ("parquet", "arrow", "webdataset")


@dataclass(kw_only=True)
class ExportOptions(RowOptions):
    """Parameters of an export, beside those of its rows.

    Attributes:
        configs: ts1, ts3, ts<N> (series of N) or groups (whole groups), several if wanted (default
            ts1 and ts3).
        format: parquet for the Hub, arrow for speed, webdataset in the authors' layout.
        annotations: Where the annotations are, if not beside the minicubes.
        preview: Add the preview config of pictures and captions (default yes).
        skip_bad: Set errors aside and list them in problems.json instead of stopping at the first;
            warnings, where cube and annotations differ without harm, never stop an export.
        overwrite: Replace an export with other parameters.
        workers: Processes.
        dask: Address of a Dask scheduler, whose workers see the same paths; they replace the
            processes.
        shard_bytes: Uncompressed pixels that a shard should hold.
        max_samples_per_shard: Most rows of a shard, however small they are (default any).
        progress: Show a progress bar.
    """

    configs: Sequence[str] = ("ts1", "ts3")
    format: Literal["parquet", "arrow", "webdataset"] = "parquet"
    annotations: str | Path | None = None
    preview: bool = True
    skip_bad: bool = False
    overwrite: bool = False
    workers: int = 1
    dask: str | None = None
    shard_bytes: int = SHARD_BYTES
    max_samples_per_shard: int | None = None
    progress: bool = True

    def recipes(self) -> list[Recipe]:
        """The checked parameters of each config, once each.

        Raises:
            ConfigError: If a parameter is out of range, or the format has no place for what is
                asked for.
        """
        if self.format not in FORMATS:
            raise ConfigError(f"unknown format {self.format!r}; choose one of {', '.join(FORMATS)}")
        if self.max_samples_per_shard is not None and self.max_samples_per_shard < 1:
            raise ConfigError(
                f"max_samples_per_shard must be at least 1, not {self.max_samples_per_shard}"
            )
        recipes = [self.recipe(name) for name in dict.fromkeys(self.configs)]
        if not recipes:
            raise ConfigError("no config is chosen; name at least one, such as ts3")
        if self.format == "webdataset":
            for recipe in recipes:
                _check_webdataset(recipe)
        return recipes


def _check_webdataset(recipe: Recipe) -> None:
    """Refuse what the authors' layout has no place for."""
    if recipe.timeseries_length is None:
        raise ConfigError(
            "the authors' WebDataset layout has series of one length; export ts<N>, or groups as "
            "parquet or arrow"
        )
    if recipe.channels != PUBLISHED_NAMES or recipe.atmosphere_nodes is not None:
        raise ConfigError(
            "the authors' WebDataset layout has all nine channels at full resolution, in its own "
            "order, and no other; leave out --channels and --atmosphere"
        )
    if recipe.correct_stratified:
        raise ConfigError(
            "the authors' WebDataset layout has the phase as it was observed; leave out "
            "--correct-stratified, or export as parquet or arrow"
        )
