"""What an export came to: its configs, files and counts, for all that describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_script.channels import select
from dataset_script.rows.recipe import Recipe
from dataset_script.shards.metadata import FORMAT_VERSION
from dataset_script.shards.shard_file import ShardReport

TITLE = "Hephaestus Minicubes"
FOLDER = "hephaestus-minicubes"
LICENSE = "mit"
LICENSE_URL = "https://spdx.org/licenses/MIT.html"
URL = "https://arxiv.org/abs/2505.17782"
CITATION = """\
@article{papadopoulos2025hephaestus,
  title   = {Hephaestus Minicubes: A Global, Multi-Modal Dataset for Volcanic Unrest Monitoring},
  author  = {Papadopoulos, Nikolas and Bountos, Nikolaos Ioannis and Sdraka, Maria and
             Karavias, Andreas and Papoutsis, Ioannis},
  journal = {arXiv preprint arXiv:2505.17782},
  year    = {2025}
}"""


@dataclass(frozen=True)
class Finished:
    """A finished shard: its paths in the dataset's folder, and what it holds."""

    path: str
    preview: str | None
    report: ShardReport


@dataclass(frozen=True)
class Summary:
    """A finished export.

    Attributes:
        recipes: The configs; they differ in the length of the series alone.
        format: "parquet", "arrow" or "webdataset".
        shards: The shards by config and split, in order; a split without rows is not there.
        problems: What was set aside, as plain JSON types.
        warnings: Where cubes and annotations differ, as plain JSON types.
        synthetic: Whether the pixels are simulated.
    """

    recipes: Sequence[Recipe]
    format: str
    shards: Mapping[str, Mapping[str, Sequence[Finished]]]
    problems: Sequence[Mapping[str, Any]]
    warnings: Sequence[Mapping[str, Any]]
    synthetic: bool

    @property
    def default(self) -> Recipe:
        """The config that loads when none is named."""
        return default_recipe(self.recipes)

    @property
    def splits(self) -> list[str]:
        """Splits that any config has rows of."""
        return list(dict.fromkeys(split for config in self.shards.values() for split in config))

    @property
    def previewed(self) -> bool:
        """Whether there is a preview, of the default config's rows."""
        splits = self.shards[self.default.name].values()
        return any(shard.preview for shards in splits for shard in shards)

    def counts(self, config: str) -> dict[str, dict[str, int]]:
        """Samples and positives of a config, by split."""
        return {
            split: {
                "samples": sum(shard.report.samples for shard in shards),
                "positives": sum(shard.report.positives for shard in shards),
            }
            for split, shards in self.shards[config].items()
        }

    def atmosphere_error(self) -> dict[str, float]:
        """The node grid's largest error by channel, over the archive's standard deviation."""
        reports = [
            shard.report
            for config in self.shards.values()
            for shards in config.values()
            for shard in shards
        ]
        return {
            channel.name: max(errors) / channel.std
            for channel in select(self.default.channels)
            if (
                errors := [
                    report.atmosphere_error[channel.name]
                    for report in reports
                    if channel.name in report.atmosphere_error
                ]
            )
        }

    def metadata(self) -> dict[str, Any]:
        """What other programs need to know, as plain JSON types."""
        return {
            "format_version": FORMAT_VERSION,
            "name": TITLE + (" (simulated)" if self.synthetic else ""),
            "format": self.format,
            "default": self.default.name,
            "configs": {
                recipe.name: {**recipe.to_dict(), "counts": self.counts(recipe.name)}
                for recipe in self.recipes
            },
            "atmosphere_error": self.atmosphere_error(),
            "set_aside": len(self.problems),
            "warnings": len(self.warnings),
        }


def default_recipe(recipes: Sequence[Recipe]) -> Recipe:
    """The config that loads when none is named: ts3 where it is, else the first."""
    return next((recipe for recipe in recipes if recipe.name == "ts3"), recipes[0])
