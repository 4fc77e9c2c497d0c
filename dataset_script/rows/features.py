"""One row of the dataset: its `datasets.Features` for a time-series length and an image size."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import Array2D, Array3D, ClassLabel, Features, List, Value

from dataset_script.channels import MASKS, PUBLISHED_NAMES, select
from dataset_script.errors import ConfigError
from dataset_script.labels import (
    ACTIVITY_TYPES,
    BINARY_LABELS,
    FLAGS,
    INTENSITY_LEVELS,
    LABELS,
    PHASES,
)


def raster_features(
    timeseries_length: int | None,
    image_size: int,
    channels: Sequence[str] = PUBLISHED_NAMES,
    atmosphere_nodes: int | None = None,
) -> Features:
    """Columns of the rasters of a row; each is stored once, in its native type.

    Args:
        timeseries_length: Steps T of the series; None for a length that varies from row to row.
        image_size: Height and width of the crop in pixels.
        channels: Channels to keep, in order (see `channels.CHANNELS`).
        atmosphere_nodes: Side of the corner-aligned node grid that smooth channels (the ERA5
            fields) are kept on; None keeps them at full resolution.

    Returns:
        `Array3D (T, H, W)` for what changes from step to step and `Array2D (H, W)` for the rest.
    """
    columns: dict[str, Array2D | Array3D] = {}
    for channel in select(channels):
        coarse = channel.storage == "smooth" and atmosphere_nodes is not None
        side = atmosphere_nodes if coarse else image_size
        columns[channel.name] = (
            Array3D((timeseries_length, side, side), channel.dtype)
            if channel.per_step
            else Array2D((side, side), channel.dtype)
        )
    for mask in MASKS:
        columns[mask] = Array3D((timeseries_length, image_size, image_size), "uint8")
    return Features(columns)


def annotation_features() -> Features:
    """Columns of everything that is no raster.

    Returns:
        Ids, dates, georeference, and every annotation field; lists run over the T steps.
    """
    return Features(
        {
            "sample_id": Value("string"),
            "frame_id": Value("string"),
            "volcanoes": List(Value("string")),
            "primary_date": Value("date32"),
            "secondary_dates": List(Value("date32")),
            "unique_ids": List(Value("int64")),
            "label": ClassLabel(names=list(BINARY_LABELS)),
            "labels": List(List(ClassLabel(names=list(LABELS)))),
            "activity_types": List(List(ClassLabel(names=list(ACTIVITY_TYPES)))),
            "intensity_levels": List(List(ClassLabel(names=list(INTENSITY_LEVELS)))),
            "phases": List(ClassLabel(names=list(PHASES))),
            "confidence": List(Value("float32")),
            **{flag: List(Value("int8")) for flag in FLAGS},
            "captions": List(Value("string")),
            "segmentation_mask": List(List(List(Value("float32")))),
            "bounds": List(Value("float64"), length=4),
            "crs": Value("string"),
            "pixel_size": List(Value("float64"), length=2),
            "window": List(Value("int32"), length=4),
        }
    )


def row_features(
    timeseries_length: int | None,
    image_size: int,
    channels: Sequence[str] = PUBLISHED_NAMES,
    atmosphere_nodes: int | None = None,
) -> Features:
    """All columns of a row: `raster_features` and `annotation_features`.

    `label` is Deformation when any step is positive, that is, when Non_Deformation is not among
    its labels. `segmentation_mask` keeps the annotators' polygons, in the pixels of their own
    333 m picture of the whole frame (0.3 of them to a pixel of the cube). `bounds` are west,
    south, east, north of the crop in `crs`, beyond 180 degrees across the antimeridian;
    `window` is its row offset, column offset, height and width in the cube; `pixel_size` is
    x, y in units of the CRS.

    Args:
        timeseries_length: See `raster_features`.
        image_size: See `raster_features`.
        channels: See `raster_features`.
        atmosphere_nodes: See `raster_features`.

    Returns:
        The features.

    Raises:
        ConfigError: If a channel has the name of another column.
    """
    rasters = raster_features(timeseries_length, image_size, channels, atmosphere_nodes)
    words = annotation_features()
    if taken := sorted(set(words) & set(rasters)):
        raise ConfigError(f"the channel table names {taken[0]}, which is another column's name")
    return Features({**words, **rasters})


MEANINGS: dict[str, str] = {
    "deformation_mask": "0 none, 1 deformation, 2 earthquake",
    "activity_type_mask": "source of the deformation, in the cube's own codes",
    "intensity_level_mask": "strength of the deformation, in the cube's own codes",
    "sample_id": "frame/primary date/secondary dates",
    "frame_id": "LiCSAR frame",
    "volcanoes": "volcanoes in the frame",
    "primary_date": "primary acquisition of every step",
    "secondary_dates": "secondary acquisition of each step",
    "unique_ids": "annotation of each step",
    "label": "whether any step shows deformation",
    "labels": "what each step shows",
    "activity_types": "source of each deformation polygon",
    "intensity_levels": "strength of each deformation polygon",
    "phases": "state of the volcano",
    "confidence": "the annotators' confidence, 0..1",
    "corrupted": "flag, 0 is absent",
    "processing_error": "flag, 0 is absent",
    "glacier_fringes": "fringes from glaciers, 0..2",
    "orbital_fringes": "fringes from orbit errors, 0..1",
    "atmospheric_fringes": "fringes from the atmosphere, 0..3",
    "low_coherence": "flag, 0 is absent",
    "no_info": "flag, 0 is absent",
    "image_artifacts": "flag, 0 is absent",
    "is_crowd": "flag, 0 is absent",
    "captions": "the annotators' words",
    "segmentation_mask": "polygons x, y, x, y, ... in the annotators' 333 m picture of the frame",
    "bounds": "west, south, east, north of the crop",
    "crs": "coordinate reference system of the bounds",
    "pixel_size": "width and height of a pixel in units of the CRS",
    "window": "row, column, height, width of the crop in the cube",
}
"""What each column holds, channels apart (see `channels.CHANNELS`)."""


def kind_of(feature: object) -> str:
    """A column's type in words.

    Args:
        feature: A `Value`, `ClassLabel` or `List` of `annotation_features`.
    """
    if isinstance(feature, List):
        count = f"{feature.length} x " if feature.length > 0 else ""
        return f"list of {count}{kind_of(feature.feature)}"
    if isinstance(feature, ClassLabel):
        return "class: " + ", ".join(feature.names)
    return str(getattr(feature, "dtype", feature))
