"""Scenes from rows of the dataset, in memory, in a folder or on the Hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hub.scenes.checks import SceneError, as_steps
from hub.scenes.readers.conversions import (
    ARRAYS,
    NO_PLACE,
    any_step,
    full_size_atmosphere,
    parse_date,
    transform_of,
)
from hub.scenes.scene import Scene, make_scene


def read_row(row: Mapping[str, Any], name: str | None = None) -> Scene:
    """Make a scene of a row of the dataset, in any format of its columns.

    Raises:
        SceneError: If it has no phase, or one of another shape than [H, W] or [T, H, W].
    """
    if row.get("insar_difference") is None:
        raise SceneError("the row has no insar_difference, the wrapped phase in radians")
    arrays = {key: np.asarray(row[key]) for key in ARRAYS if row.get(key) is not None}
    phase = as_steps("the row", "insar_difference", arrays["insar_difference"])
    height, width = phase.shape[1:]
    place: dict[str, Any] = {}
    if row.get("bounds") is not None and row.get("crs"):
        place = {
            "crs": str(row["crs"]),
            "transform": transform_of([float(edge) for edge in row["bounds"]], height, width),
        }
    if row.get("primary_date") is not None:
        place["primary_date"] = parse_date("the row", row["primary_date"])
    if row.get("secondary_dates") is not None:
        place["secondary_dates"] = tuple(
            parse_date("the row", date) for date in row["secondary_dates"]
        )
    coherence = arrays.get("insar_coherence")
    if coherence is not None and coherence.dtype.kind in "iub":
        # `datasets` widens bytes; fractions stay what they are, 0..1.
        if coherence.size and not 0 <= coherence.min() <= coherence.max() <= 255:
            raise SceneError("the row's insar_coherence is not within 0..255")
        coherence = coherence.astype(np.uint8)
    return make_scene(
        name or str(row.get("sample_id") or "row"),
        phase,
        coherence,
        arrays.get("dem"),
        atmosphere=full_size_atmosphere(arrays, height, width),
        reference=any_step(row.get("deformation_mask")),
        warnings=() if "crs" in place else (NO_PLACE,),
        **place,
    )


def read_dataset_row(specification: str, name: str | None = None) -> Scene:
    """Read "DATASET::CONFIG/SPLIT/INDEX", decoding only the row group that the row lies in.

    Raises:
        SceneError: If the specification is malformed or there is no such row.
    """
    parts = re.fullmatch(r"(.+)::([^/]+)/([^/]+)/(\d+)", specification)
    if not parts:
        raise SceneError(f"{specification}: a row is given as DATASET::CONFIG/SPLIT/INDEX")
    dataset, config, split, index = parts.groups()
    return read_row(DatasetSplit(dataset, config, split)[int(index)], name)


class DatasetSplit:
    """The rows of one split, each read from the Parquet row group that it lies in.

    `datasets.load_dataset` would first convert the whole split to Arrow, tens of gigabytes for
    one row, and a stream would read all the rows before the one wanted.

    Args:
        dataset: Folder or repository.
        config: Configuration, such as "ts3".
        split: "train", "validation" or "test".

    Raises:
        SceneError: If there is no such dataset, configuration or split, or it is not Parquet.
    """

    def __init__(self, dataset: str, config: str, split: str) -> None:
        import fsspec
        import pyarrow.parquet
        from datasets import load_dataset_builder
        from datasets.exceptions import DatasetNotFoundError

        self.name = f"{dataset}::{config}/{split}"
        try:
            builder = load_dataset_builder(dataset, config)
        except (DatasetNotFoundError, FileNotFoundError, ValueError, ConnectionError) as error:
            raise SceneError(f"cannot open dataset {dataset}, config {config}: {error}") from None
        files = builder.config.data_files or {}
        if split not in files:
            raise SceneError(f"{dataset} ({config}) has no split {split!r}; it has {list(files)}")
        self._files = []
        for path in files[split]:
            if not str(path).endswith(".parquet"):
                raise SceneError(
                    f"{self.name} is not stored as Parquet, from which alone single rows are "
                    "read: export it with --format parquet"
                )
            file = fsspec.open(str(path), "rb").open()
            self._files.append(pyarrow.parquet.ParquetFile(file))

    def __len__(self) -> int:
        return sum(file.metadata.num_rows for file in self._files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One row, column name to value, rasters as numpy arrays; `SceneError` if there is none."""
        import datasets

        if not 0 <= index < len(self):
            raise SceneError(f"{self.name} has {len(self)} rows; there is no row {index}")
        for file in self._files:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if index < rows:
                    table = file.read_row_group(group).slice(index, 1)
                    row = datasets.Dataset(datasets.table.InMemoryTable(table))
                    return row.with_format("numpy")[0]
                index -= rows
        raise AssertionError("the row groups hold fewer rows than the files say")
