"""What an inspection found, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dataset_script.annotations.record import Annotation
from dataset_script.problems import Problem

READY = "ready to export"


@dataclass(frozen=True)
class Frame:
    """One frame: its cube, if it is there, and its annotations.

    Attributes:
        frame_id: LiCSAR frame.
        volcanoes: Names of the volcanoes in it.
        path: Where the cube lies, or "".
        size: Height and width in pixels, or None without a cube.
        pixel_size: Width and height of a pixel in degrees, or None.
        pairs: Interferograms in the cube, or None.
        annotated: Annotations.
        usable: Annotations that the quality rule lets pass.
        positive: Usable annotations with deformation.
        dates: First and last date of its interferograms, YYYY-MM-DD, or None without any.
    """

    frame_id: str
    volcanoes: tuple[str, ...]
    path: str
    size: tuple[int, int] | None
    pixel_size: tuple[float, float] | None
    pairs: int | None
    annotated: int
    usable: int
    positive: int
    dates: tuple[str, str] | None


@dataclass(frozen=True)
class Count:
    """Samples and how many of them show deformation."""

    samples: int
    positive: int


@dataclass(frozen=True)
class Inspection:
    """What `inspect` found.

    Attributes:
        path: What was inspected.
        frames: The frames, by id.
        left_out: Annotations that fail the quality rule, by flag (one may have several).
        counts: Scheme, series length and split to samples; a length that no group has is absent.
        shared: Acquisitions (a frame and a date) that a scheme puts on more than one side.
        crossing: Interferograms whose dates fall into different splits' periods.
        timeseries: Pairs and groups of `timeseries.json`, or None where there is no such file.
        derived: Pairs and groups as derived from the annotations; None without annotations.
        missing: Pairs that the annotations yield and `timeseries.json` lacks.
        surplus: Pairs that `timeseries.json` lists against the quality rule.
        problems: Everything that is wrong, errors and warnings.
    """

    path: str
    frames: tuple[Frame, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[int, Mapping[str, Count]]] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)
    crossing: int = 0
    timeseries: tuple[int, int] | None = None
    derived: tuple[int, int] | None = None
    missing: tuple[Annotation, ...] = ()
    surplus: tuple[Annotation, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> list[Problem]:
        """What an export stops at."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """What an export lists and goes on with."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    @property
    def verdict(self) -> str:
        """The last line for the user: ready to export, or what must be done first."""
        if not any(frame.path for frame in self.frames):
            return "not ready: put the cubes (<frame>.zarr, .zarr.zip or .zarr.tar) beside these"
        if self.errors:
            return "not ready: correct the errors, or export with --skip-bad to set them aside"
        if self.derived is None:
            return "not ready: put annotations.json beside the cubes, or export with --annotations"
        if not any(frame.path and frame.usable for frame in self.frames):
            return "not ready: no cube has an annotated interferogram that is usable"
        return READY

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {
            "path": self.path,
            "left_out": dict(self.left_out),
            "crossing_pairs": self.crossing,
            "frames": [asdict(frame) for frame in self.frames],
            "shared_acquisitions": dict(self.shared),
            "counts": {
                scheme: {
                    f"ts{length}": {split: asdict(count) for split, count in splits.items()}
                    for length, splits in lengths.items()
                }
                for scheme, lengths in self.counts.items()
            },
            "timeseries": self.timeseries and _sizes(*self.timeseries),
            "derived": self.derived and _sizes(*self.derived),
            "missing_from_timeseries": list(map(_pair_record, self.missing)),
            "surplus_in_timeseries": list(map(_pair_record, self.surplus)),
            "problems": [problem.to_dict() for problem in self.problems],
            "verdict": self.verdict,
        }

    def to_json(self) -> str:
        """The report for programs."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)


def _sizes(pairs: int, groups: int) -> dict[str, int]:
    return {"pairs": pairs, "groups": groups}


def _pair_record(annotation: Annotation) -> dict[str, Any]:
    return {
        "frame": annotation.frame_id,
        "dates": [f"{date:%Y%m%d}" for date in annotation.pair],
        "unique_id": annotation.unique_id,
    }
