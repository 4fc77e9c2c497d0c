"""One annotation of an interferogram, and its record in the authors' JSON schema.

The reader is strict: a record that does not mean what the schema says is an error, never a guess.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from dataset_script.channels import MASKS
from dataset_script.labels import ACTIVITY_TYPES, FLAGS, INTENSITY_LEVELS, LABELS, PHASES
from dataset_script.problems import Problem, ProblemError

Pair = tuple[datetime.date, datetime.date]

PICTURE_SCALE = 0.3
"""Pixels of the annotators' 333 m picture to one 100 m pixel of the cube."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the annotators said of one interferogram.

    Attributes:
        unique_id: The annotation's number.
        frame_id: LiCSAR frame.
        primary_date: Earlier acquisition.
        secondary_date: Later acquisition.
        labels: Some of `labels.LABELS`; Non_Deformation stands alone.
        activity_types: Source of each deformation polygon, of `labels.ACTIVITY_TYPES`.
        intensity_levels: Strength of each polygon, of `labels.INTENSITY_LEVELS`.
        phase: State of the volcano, of `labels.PHASES` (not the InSAR phase).
        confidence: The annotators' confidence, 0..1.
        segmentation_mask: Polygons, each a flat x, y, x, y, ... in pixels of the annotators' own
            picture (times 1 / `PICTURE_SCALE` for cube pixels).
        caption: Free text.
        corrupted: Flag, as all that follow: 0 is absent.
        processing_error: 0, 2 or 3.
        glacier_fringes: 0..2.
        orbital_fringes: 0..1.
        atmospheric_fringes: 0..3.
        low_coherence: 0..1.
        no_info: 0..1.
        image_artifacts: 0..1.
        is_crowd: 0..1.
    """

    unique_id: int
    frame_id: str
    primary_date: datetime.date
    secondary_date: datetime.date
    labels: tuple[str, ...]
    activity_types: tuple[str, ...] = ()
    intensity_levels: tuple[str, ...] = ()
    phase: str = "Rest"
    confidence: float = 0.8
    segmentation_mask: tuple[tuple[float, ...], ...] = ()
    caption: str = ""
    corrupted: int = 0
    processing_error: int = 0
    glacier_fringes: int = 0
    orbital_fringes: int = 0
    atmospheric_fringes: int = 0
    low_coherence: int = 0
    no_info: int = 0
    image_artifacts: int = 0
    is_crowd: int = 0

    @property
    def pair(self) -> Pair:
        """Primary and secondary date."""
        return self.primary_date, self.secondary_date

    @property
    def positive(self) -> bool:
        """Whether the ground moved."""
        return "Non_Deformation" not in self.labels

    @property
    def blank_masks(self) -> tuple[str, ...]:
        """Masks that have nothing to show of it, so that a cube may leave them out."""
        if not self.positive:
            return MASKS
        # An earthquake alone has no intensity.
        levels = set(self.intensity_levels)
        return ("intensity_level_mask",) if levels <= {"None"} else ()

    @property
    def usable(self) -> bool:
        """Whether the interferogram is good enough for the benchmark."""
        return not (self.corrupted or self.processing_error or self.no_info)


def from_record(record: Mapping[str, Any], file: str = "") -> Annotation:
    """Check a record of the authors' schema and turn it into an `Annotation`.

    Args:
        record: The record.
        file: Where it came from, for the error message.

    Raises:
        DataError: Naming the file, the annotation and the field that is wrong.
    """
    if not isinstance(record, Mapping):
        raise ProblemError(
            Problem(f"an annotation must be an object, not {record!r:.40}", "", file)
        )
    unique_id = record.get("uniqueID")

    def fail(what: str) -> ProblemError:
        number = unique_id if type(unique_id) is int and abs(unique_id) < 2**63 else None
        frame = record.get("frameID")
        return ProblemError(
            Problem(
                what,
                "correct or remove it",
                file,
                frame if is_text(frame) else "",
                unique_id=number,
            )
        )

    missing = [key for key in _KEYS if key not in record and key not in _OPTIONAL]
    if missing:
        raise fail(f"the annotation lacks {', '.join(missing)}")
    if type(unique_id) is not int or not 0 <= unique_id < 2**63:
        raise fail(f"uniqueID must be a whole number of at most 63 bits, not {unique_id!r:.40}")
    if not is_text(record["frameID"]):
        raise fail(f"frameID must be a text, not {record['frameID']!r:.40}")
    flags = {flag: record.get(flag, 0) for flag in FLAGS}
    for flag, value in flags.items():
        if not isinstance(value, int) or not 0 <= value < 128:
            raise fail(f"{flag} must be a small whole number, not {value!r:.40}")
    confidence, caption = record["confidence"], record["caption"]
    if not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise fail(f"confidence must lie in 0..1, not {confidence!r:.40}")
    if not is_text(caption):
        raise fail(f"caption must be a text, not {caption!r:.40}")
    if record["phase"] not in PHASES:
        raise fail(f"phase must be one of {', '.join(PHASES)}, not {record['phase']!r:.40}")
    words = {}
    for key, vocabulary in _VOCABULARIES.items():
        value = record[key]
        if not isinstance(value, list) or not all(entry in vocabulary for entry in value):
            raise fail(f"{key} must be a list of {', '.join(vocabulary)}, not {value!r:.40}")
        words[key] = tuple(value)
    labels = words["label"]
    if not labels or ("Non_Deformation" in labels and len(labels) > 1):
        raise fail(f"label must be Non_Deformation alone or what moved, not {list(labels)}")
    primary, secondary = (_date(record[f"{which}_date"]) for which in ("primary", "secondary"))
    if primary is None or secondary is None or primary >= secondary:
        said = f"{record['primary_date']!r:.40} and {record['secondary_date']!r:.40}"
        raise fail(f"the dates must be YYYYMMDD, the primary before the secondary, not {said}")
    polygons = record["segmentation_mask"]
    if not isinstance(polygons, list) or not all(map(_is_polygon, polygons)):
        raise fail(
            "segmentation_mask must be a list of polygons x, y, x, y, ... of 3 or more points"
        )
    return Annotation(
        unique_id,
        record["frameID"],
        primary,
        secondary,
        labels,
        words["activity_type"],
        words["intensity_level"],
        record["phase"],
        float(confidence),
        tuple(tuple(map(float, polygon)) for polygon in polygons),
        caption,
        **{flag: int(value) for flag, value in flags.items()},
    )


def to_record(annotation: Annotation) -> dict[str, Any]:
    """An annotation in the authors' JSON schema; `from_record` reads it back unchanged."""
    return {
        "uniqueID": annotation.unique_id,
        "frameID": annotation.frame_id,
        "primary_date": f"{annotation.primary_date:%Y%m%d}",
        "secondary_date": f"{annotation.secondary_date:%Y%m%d}",
        **{flag: getattr(annotation, flag) for flag in FLAGS if flag != "is_crowd"},
        "label": list(annotation.labels),
        "activity_type": list(annotation.activity_types),
        "intensity_level": list(annotation.intensity_levels),
        "phase": annotation.phase,
        "confidence": annotation.confidence,
        "segmentation_mask": [list(polygon) for polygon in annotation.segmentation_mask],
        "is_crowd": annotation.is_crowd,
        "caption": annotation.caption,
    }


_VOCABULARIES = {
    "label": LABELS,
    "activity_type": ACTIVITY_TYPES,
    "intensity_level": INTENSITY_LEVELS,
}
_KEYS = tuple(to_record(Annotation(0, "", datetime.date.min, datetime.date.max, ())))
# Some of the authors' releases lack these two.
_OPTIONAL = ("image_artifacts", "is_crowd")


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text that can be written; JSON can spell halves of characters."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _date(text: object) -> datetime.date | None:
    text = str(text)
    if len(text) != 8 or not text.isdigit():
        return None
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _is_polygon(polygon: object) -> bool:
    return (
        isinstance(polygon, list)
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(isinstance(value, int | float) and abs(value) < 1e9 for value in polygon)
    )
