"""The YAML at the head of a dataset card: what the Hub and `load_dataset` go by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dataset_script.card.summary import LICENSE, TITLE, Summary
from dataset_script.pictures.preview import PREVIEW_FEATURES
from dataset_script.rows.recipe import Recipe
from dataset_script.webdataset.columns import file_features

if TYPE_CHECKING:
    from datasets import Features

TAGS = ["InSAR", "Sentinel-1", "volcano", "deformation", "earth-observation", "time-series"]


def card_metadata(summary: Summary) -> str:
    """Write the YAML: configs with their files, features, sizes, task, licence and tags.

    Args:
        summary: The finished export.

    Returns:
        YAML without the enclosing dashes.
    """
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    rows = sum(count["samples"] for count in summary.counts(summary.default.name).values())
    data = DatasetCardData(
        pretty_name=TITLE,
        license=LICENSE,
        language=["en"],
        task_categories=["image-classification", "image-segmentation"],
        size_categories=[_size_category(rows)],
        tags=[*TAGS, *(["synthetic"] if summary.synthetic else [])],
    )
    DatasetInfosDict(_infos(summary)).to_dataset_card_data(data)
    data["configs"] = _configs(summary)
    return data.to_yaml()


def _infos(summary: Summary) -> dict[str, Any]:
    """`DatasetInfo` by config, the preview among them."""
    from datasets import DatasetInfo, SplitDict, SplitInfo

    features = {recipe.name: _features(recipe, summary.format) for recipe in summary.recipes}
    # Split -> bytes in memory, rows, bytes on disk.
    sizes: dict[str, dict[str, tuple[int, int, int]]] = {}
    for name, splits in summary.shards.items():
        for split, shards in splits.items():
            reports = [shard.report for shard in shards]
            samples = sum(report.samples for report in reports)
            raw = sum(report.raster_bytes for report in reports)
            packed = sum(report.file_bytes for report in reports)
            pictures = sum(report.preview_bytes for report in reports)
            sizes.setdefault(name, {})[split] = raw, samples, packed
            if summary.previewed and name == summary.default.name:
                sizes.setdefault("preview", {})[split] = pictures, samples, pictures
    if summary.previewed:
        features["preview"] = PREVIEW_FEATURES
    infos = {}
    for name, by_split in sizes.items():
        splits = SplitDict()
        for split, (raw, samples, _) in by_split.items():
            splits.add(SplitInfo(split, num_bytes=raw, num_examples=samples))
        infos[name] = DatasetInfo(
            config_name=name,
            features=features[name],
            splits=splits,
            download_size=sum(size[2] for size in by_split.values()),
            dataset_size=sum(size[0] for size in by_split.values()),
        )
    return infos


def _features(recipe: Recipe, format: str) -> Features:
    if format == "webdataset" and recipe.timeseries_length is not None:
        return file_features(recipe.timeseries_length, recipe.image_size)
    return recipe.features


def _configs(summary: Summary) -> list[dict[str, Any]]:
    """Files by config and split, the default config first."""
    # Path and digest of each file, by config and split.
    files = {
        name: {
            split: [(shard.path, shard.report.file_digest) for shard in shards]
            for split, shards in splits.items()
        }
        for name, splits in summary.shards.items()
    }
    default = summary.default.name
    if summary.previewed:
        files["preview"] = {
            split: [
                (shard.preview, shard.report.preview_digest) for shard in shards if shard.preview
            ]
            for split, shards in summary.shards[default].items()
        }
    return [
        {
            "config_name": name,
            **({"default": True} if name == default else {}),
            "data_files": [
                {"split": split, "path": [path for path, _ in shards]}
                for split, shards in files[name].items()
            ],
            # `datasets` goes by the card alone when it looks for a local folder in its cache.
            "description": f"sha256 of the shards: {_digest(files[name])}",
        }
        for name in sorted(files, key=lambda name: name != default)
    ]


def _digest(files: dict[str, list[tuple[str, str]]]) -> str:
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _size_category(rows: int) -> str:
    bounds = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "n>1M")
