"""The columns that `load_dataset` gives of the authors' shards, through its own WebDataset reader.

A column is a file of a sample. Declared in the card, they need not be guessed from the first
samples, whose empty lists have no type.
"""

from __future__ import annotations

from datasets import Array3D, Features, List, Value

from dataset_script.channels import PUBLISHED
from dataset_script.labels import FLAGS

_TEXT = Value("string")
_NUMBERS = List(Value("float64"))

_RECORD = {
    "uniqueID": Value("int64"),
    "frameID": _TEXT,
    "primary_date": _TEXT,
    "secondary_date": _TEXT,
    **{flag: Value("int64") for flag in FLAGS},
    "label": List(_TEXT),
    "activity_type": List(_TEXT),
    "intensity_level": List(_TEXT),
    "phase": _TEXT,
    "confidence": Value("float64"),
    "segmentation_mask": List(_NUMBERS),
    "caption": _TEXT,
}
"""`records.to_record`."""


def file_features(timeseries_length: int, image_size: int) -> Features:
    """Columns of a sample of `sample_files.encode_sample`, as its files are.

    Args:
        timeseries_length: Steps T.
        image_size: Height and width in pixels.

    Returns:
        `image.pth` float32 `[T * 9, H, W]`, `labels.pth` int64 `[T, H, W]`, the dictionary
        `sample.pth`, `deformation_mask.pth` uint8 `[T, H, W]`, and the reader's own `__key__` and
        `__url__`.
    """
    steps, side = timeseries_length, image_size
    return Features(
        {
            "__key__": _TEXT,
            "__url__": _TEXT,
            "image.pth": Array3D((steps * len(PUBLISHED), side, side), "float32"),
            "labels.pth": Array3D((steps, side, side), "int64"),
            "sample.pth": {
                "frame_id": _TEXT,
                "annotation": List(_RECORD),
                "label": List(Value("int64")),
                "annotation_path": List(_TEXT),
                "volcanoes": List(_TEXT),
                "bounds": _NUMBERS,
                "crs": _TEXT,
                "pixel_size": _NUMBERS,
                "window": List(Value("int64")),
            },
            "deformation_mask.pth": Array3D((steps, side, side), "uint8"),
        }
    )
