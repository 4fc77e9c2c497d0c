"""One sample of the authors' WebDataset: its three files and one of ours, to and from a row.

`image.pth` is float32 `[T * 9, H, W]`, step after step, each step's channels in the order of
`channels.PUBLISHED`; `labels.pth` is int64 `[T, H, W]`, 1 where the ground moved; `sample.pth` is a
dictionary with the annotation records of the T steps and a `label` of each, 1 where it deforms.
`deformation_mask.pth`, which their code passes over, tells earthquakes apart: uint8 `[T, H, W]`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Features

from dataset_script.annotations.record import Annotation, from_record, to_record
from dataset_script.annotations.series import Sample
from dataset_script.channels import PUBLISHED, PUBLISHED_NAMES
from dataset_script.cubes.decoding import decode_raster
from dataset_script.errors import ConfigError
from dataset_script.labels import ACTIVITY_TYPES, FLAGS, INTENSITY_LEVELS, LABELS, PHASES
from dataset_script.problems import Problem, ProblemError
from dataset_script.rows.encoding import describe
from dataset_script.rows.features import row_features
from dataset_script.webdataset import torch_files
from dataset_script.webdataset.georeference import GEOREFERENCE, read_georeference

ABSENT = ("activity_type_mask", "intensity_level_mask")
"""Columns that this layout has no place for."""

_MASK = "deformation_mask.pth"


def shard_features(timeseries_length: int, image_size: int) -> Features:
    """Columns of a row read from such a shard: all of ours but `ABSENT`.

    Args:
        timeseries_length: Steps T.
        image_size: Height and width in pixels.
    """
    features = row_features(timeseries_length, image_size)
    return Features({name: kind for name, kind in features.items() if name not in ABSENT})


def encode_sample(row: Mapping[str, Any]) -> dict[str, bytes]:
    """A row as the files of one sample.

    `sample.pth` carries, beside the authors' keys, the row's georeference. What else there is to
    know of a label, they too keep in the annotation records.

    Args:
        row: A row with all nine channels at full resolution.

    Returns:
        Contents of `image.pth`, `labels.pth`, `sample.pth` and `deformation_mask.pth`.

    Raises:
        ConfigError: If a channel is missing or on a node grid.
    """
    mask = np.asarray(row["deformation_mask"])
    planes = []
    for step in range(len(mask)):
        for channel in PUBLISHED:
            if channel.name not in row:
                raise ConfigError(
                    f"the authors' layout has all of {', '.join(PUBLISHED_NAMES)}; this row lacks "
                    f"{channel.name}: export every channel"
                )
            raster = np.asarray(row[channel.name])
            planes.append(raster[step] if channel.per_step else raster)
    if any(plane.shape != mask.shape[1:] for plane in planes):
        raise ConfigError(
            "the authors' layout keeps the atmosphere at full resolution, not on a node grid: "
            "export without atmosphere nodes"
        )
    annotations = _annotations_of(row)
    sample = {
        "frame_id": row["frame_id"],
        "annotation": [to_record(annotation) for annotation in annotations],
        "label": [int(annotation.positive) for annotation in annotations],
        "annotation_path": [f"{annotation.unique_id}.json" for annotation in annotations],
        **{name: _plain(row[name]) for name in GEOREFERENCE},
    }
    return {
        "image.pth": torch_files.dumps(np.stack(planes).astype(np.float32), "image"),
        "labels.pth": torch_files.dumps((mask > 0).astype(np.int64), "labels"),
        "sample.pth": torch_files.dumps(sample, "sample"),
        _MASK: torch_files.dumps(mask.astype(np.uint8), "deformation_mask"),
    }


def decode_sample(members: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """The files of one sample as a row.

    What the authors' shards do not say is empty (`volcanoes`, `crs`), NaN (`bounds`,
    `pixel_size`) or -1 (row and column of `window`), and an earthquake is deformation.

    Args:
        members: Contents of `image.pth`, `labels.pth` and `sample.pth`, and of
            `deformation_mask.pth` in shards of ours.
        where: Shard and sample, for error messages.

    Returns:
        A row with the columns of `shard_features`.

    Raises:
        DataError: If a file is missing, damaged, asks for anything but data, or if shapes,
            channels or annotations do not fit together.
    """
    image, labels, sample = (
        _load(members, name, where) for name in ("image.pth", "labels.pth", "sample.pth")
    )
    steps = _steps(image, labels, where)
    if _MASK in members:
        labels = _mask(_load(members, _MASK, where), labels, where)
    annotations = _annotations(sample, steps, where)
    row = describe(Sample(annotations[0].frame_id, annotations[0].primary_date, annotations))
    height, width = image.shape[1:]
    try:
        row |= read_georeference(sample, height, width)
        row["deformation_mask"] = np.stack([decode_raster("deformation_mask", m) for m in labels])
        planes = image.reshape(steps, len(PUBLISHED), height, width)
        for place, channel in enumerate(PUBLISHED):
            series = np.stack([decode_raster(channel.name, plane) for plane in planes[:, place]])
            if not channel.per_step and not (series == series[0]).all():
                raise ValueError(f"channel {channel.name} changes between steps; wrong order?")
            row[channel.name] = series if channel.per_step else series[0]
    except ValueError as error:
        raise _problem(where, str(error)) from None
    return row


class ShardWriter:
    """Writes rows to one tar in the authors' layout, byte for byte the same for the same rows."""

    def __init__(self, path: Path, features: Features | None = None):
        # The plainest headers, except for names over 100 characters, as of series of 8 and more.
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row.

        Raises:
            ConfigError: If the row has not all nine channels at full resolution.
        """
        # WebDataset takes what precedes the first dot of a name as the sample's key.
        key = str(row["sample_id"]).replace("/", "_").replace(".", "_")
        for name, content in encode_sample(row).items():
            member = tarfile.TarInfo(f"{key}.{name}")
            member.size, member.mode = len(content), 0o644
            self._tar.addfile(member, io.BytesIO(content))

    def close(self) -> None:
        """Finish the file."""
        self._tar.close()


def _load(members: Mapping[str, bytes], name: str, where: str) -> Any:
    if name not in members:
        raise _problem(where, f"the sample has no {name}")
    try:
        return torch_files.loads(members[name])
    except ValueError as error:
        raise _problem(f"{where}.{name}", str(error)) from None


def _mask(mask: Any, labels: np.ndarray, where: str) -> np.ndarray:
    if not isinstance(mask, np.ndarray) or not np.array_equal(mask > 0, labels > 0):
        raise _problem(where, f"{_MASK} and labels.pth differ in where the ground moved")
    return mask


def _steps(image: Any, labels: Any, where: str) -> int:
    for name, array, kind in (("image.pth", image, "f"), ("labels.pth", labels, "iu")):
        if not isinstance(array, np.ndarray) or array.ndim != 3 or array.dtype.kind not in kind:
            raise _problem(where, f"{name} is no tensor of three dimensions, as it should be")
    steps, rest = divmod(image.shape[0], len(PUBLISHED))
    if rest or not steps:
        what = f"image.pth has {image.shape[0]} planes, not a multiple of {len(PUBLISHED)} channels"
        raise _problem(where, what)
    if image.shape[1] != image.shape[2]:
        what = f"image.pth has {image.shape[1]} x {image.shape[2]} pixels, which is no square"
        raise _problem(where, what)
    if labels.shape != (steps, *image.shape[1:]):
        raise _problem(where, f"labels.pth is {labels.shape}, image.pth {image.shape}")
    return steps


def _annotations(sample: Any, steps: int, where: str) -> tuple[Annotation, ...]:
    records = sample.get("annotation") if isinstance(sample, dict) else None
    if not isinstance(records, list) or len(records) != steps:
        raise _problem(where, f"sample.pth has no list of {steps} annotations")
    annotations = tuple(from_record(record, where) for record in records)
    if len({(a.frame_id, a.primary_date) for a in annotations}) != 1:
        raise _problem(where, "its steps are not of one frame and primary date")
    return annotations


def _annotations_of(row: Mapping[str, Any]) -> list[Annotation]:
    """The annotations of a row's steps; class codes and names both will do."""

    def names(codes: Iterable[Any], vocabulary: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(c if isinstance(c, str) else vocabulary[int(c)] for c in codes)

    return [
        Annotation(
            int(row["unique_ids"][step]),
            row["frame_id"],
            row["primary_date"],
            secondary,
            names(row["labels"][step], LABELS),
            names(row["activity_types"][step], ACTIVITY_TYPES),
            names(row["intensity_levels"][step], INTENSITY_LEVELS),
            names([row["phases"][step]], PHASES)[0],
            round(float(row["confidence"][step]), 6),
            tuple(tuple(map(float, polygon)) for polygon in row["segmentation_mask"][step]),
            row["captions"][step],
            **{flag: int(row[flag][step]) for flag in FLAGS},
        )
        for step, secondary in enumerate(row["secondary_dates"])
    ]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _problem(where: str, what: str) -> ProblemError:
    return ProblemError(Problem(what, "fetch or make the shard again", where))
