"""Rows of one split, memory-mapped, as numpy views in the types they are stored in."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Array2D, Array3D, Dataset, Features

from dataset_script.errors import DataError
from dataset_script.labels import CONFOUNDERS
from dataset_script.rows.tables import RasterColumn
from training.data.tasks import StepLabels

_ANNOTATIONS = (
    "sample_id",
    "frame_id",
    "volcanoes",
    "primary_date",
    "secondary_dates",
    "labels",
    "activity_types",
    "intensity_levels",
    "phases",
    "confidence",
    *CONFOUNDERS,
)
_CAPTIONS = "captions"


@dataclass(frozen=True)
class RowMetadata:
    """A row without its pixels.

    Attributes:
        sample_id: Id of the row.
        frame_id: Frame.
        volcanoes: Names of the volcanoes in it; empty where they are not known.
        primary_date: Primary date.
        secondary_dates: Secondary date of each step.
        steps: Labels of each step.
        confidence: The annotators' confidence in each step.
        confounders: Strength of each of `CONFOUNDERS` in each step, 0 where absent.
        captions: The annotators' sentence on each step, with single spaces between its words;
            none where they were not asked for.
    """

    sample_id: str
    frame_id: str
    volcanoes: Sequence[str]
    primary_date: datetime.date
    secondary_dates: Sequence[datetime.date]
    steps: StepLabels
    confidence: Sequence[float]
    confounders: Mapping[str, Sequence[int]]
    captions: Sequence[str] = ()

    @property
    def group(self) -> str:
        """Frame and primary date, within which samples are not independent."""
        return f"{self.frame_id}/{self.primary_date}"


class Rows:
    """Random access to the rasters of one split.

    Args:
        dataset: The split; any format.
        columns: Raster columns to read.
        captions: Whether to read the sentences.

    Raises:
        DataError: If a column is not there, or a caption is empty.

    Attributes:
        fingerprint: Of the split's contents, as `datasets` keeps it.
    """

    def __init__(self, dataset: Dataset, columns: Sequence[str], captions: bool = False) -> None:
        annotations = (*_ANNOTATIONS, *[_CAPTIONS] * captions)
        features = dataset.features  # `datasets` copies all of them each time
        missing = [name for name in (*columns, *annotations) if name not in features]
        if missing:
            raise DataError(
                f"the dataset has no column {', '.join(missing)}; it has {', '.join(features)}"
            )
        self.columns, self.fingerprint = tuple(columns), dataset._fingerprint
        self.shapes = {name: tuple(_shape(features, name)) for name in columns}
        self.dtypes = {name: getattr(torch, features[name].dtype) for name in columns}
        table = dataset.select_columns(list(columns)).with_format("arrow")[:]
        self._rasters = {name: RasterColumn(table.column(name)) for name in columns}
        self.metadata = _metadata(dataset, annotations)

    def __len__(self) -> int:
        return len(self.metadata)

    def read(self, row: int) -> dict[str, np.ndarray]:
        """Read one row without copying a pixel.

        Args:
            row: Row number.

        Returns:
            Read-only arrays by column, `[T, H, W]` or `[H, W]`, in their storage types.
        """
        return {name: rasters[row] for name, rasters in self._rasters.items()}


def _shape(features: Features, name: str) -> tuple[int | None, ...]:
    feature = features[name]
    if not isinstance(feature, (Array2D, Array3D)):
        raise DataError(f"column {name} holds no raster but {feature}")
    return feature.shape


def _metadata(dataset: Dataset, annotations: Sequence[str]) -> list[RowMetadata]:
    columns = dataset.select_columns(list(annotations)).with_format("arrow")[:].to_pydict()
    return [
        RowMetadata(
            columns["sample_id"][row],
            columns["frame_id"][row],
            columns["volcanoes"][row],
            columns["primary_date"][row],
            columns["secondary_dates"][row],
            StepLabels(
                columns["labels"][row],
                columns["activity_types"][row],
                columns["intensity_levels"][row],
                columns["phases"][row],
            ),
            columns["confidence"][row],
            {name: columns[name][row] for name in CONFOUNDERS},
            _sentences(columns, row) if _CAPTIONS in columns else (),
        )
        for row in range(len(dataset))
    ]


def _sentences(columns: Mapping[str, Sequence], row: int) -> list[str]:
    found = [" ".join((text or "").split()) for text in columns[_CAPTIONS][row]]
    if not all(found):
        raise DataError(
            f"sample {columns['sample_id'][row]} has a step without a caption: leave such rows out "
            "of the dataset"
        )
    return found
