"""A cube against its annotations: what the two say of the same interferogram.

Pixels that are not there, or a deformation mask that contradicts the label, are errors. Any other
difference is a warning: the annotation counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np

from dataset_script.annotations.record import PICTURE_SCALE, Annotation, Pair
from dataset_script.cubes.locations import file_name, strip_suffix
from dataset_script.cubes.minicube import Minicube
from dataset_script.labels import FLAGS
from dataset_script.problems import Problem, ProblemError, Severity

_CORRECT = "correct one of the two"


def check_cube(
    cube: Minicube, annotations: Iterable[Annotation], deep: bool = False
) -> list[Problem]:
    """Check a cube and the annotations of its frame against each other.

    Args:
        cube: An open cube.
        annotations: Annotations, of this frame or of all.
        deep: Whether to decode every raster too; otherwise only their presence is checked.

    Returns:
        All that is wrong, frame first, then by pair.
    """
    name = strip_suffix(file_name(cube.path))
    mine = sorted((a for a in annotations if a.frame_id == name), key=lambda a: a.pair)
    try:
        problems = check_words(cube, mine)
    except ProblemError as error:
        return [error.problem]
    for annotation in mine:
        # What is known to be bad may have no sound pixels.
        if annotation.pair in cube.pairs and annotation.usable:
            problems += check_pixels(cube, annotation, deep)
    return [*cube.warnings, *problems]


def check_words(cube: Minicube, annotations: Collection[Annotation]) -> list[Problem]:
    """Check all that a cube says beside its pixels.

    Args:
        cube: An open cube.
        annotations: The annotations of the frame that its name says.

    Returns:
        An error for each usable annotation whose interferogram the cube lacks, and warnings.

    Raises:
        ProblemError: If the whole cube cannot be matched with annotations.
    """
    problems = _check_frame(cube, annotations)
    known = {annotation.pair: annotation for annotation in annotations}
    what = "the cube has this interferogram, but the annotations do not; it is left out"
    problems += [
        _problem(cube, what, pair=pair, severity="warning")
        for pair in sorted(cube.pairs - set(known))
    ]
    what = "the interferogram is annotated, but the cube does not have it"
    problems += [
        _problem(cube, what, known[pair], advice="fetch the whole cube")
        for pair in sorted(set(known) - cube.pairs)
        if known[pair].usable
    ]
    for pair in sorted(set(known) & cube.pairs):
        problems += check_fields(cube, known[pair]) + check_polygons(cube, known[pair])
    return problems


def check_pixels(cube: Minicube, annotation: Annotation, deep: bool = False) -> list[Problem]:
    """Check one interferogram's rasters.

    Args:
        cube: An open cube that has the interferogram.
        annotation: What the annotators said of it.
        deep: Whether to decode every raster too; otherwise only their presence is checked.

    Returns:
        All that is wrong with it.
    """
    try:
        cube.require_stored(*annotation.pair, annotation.blank_masks)
        if not deep:
            return []
        for raster in cube.rasters:
            cube.read(raster, *annotation.pair, blank=annotation.blank_masks)
        return check_mask(cube, annotation)
    except ProblemError as error:
        return [error.problem]


def check_mask(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Compare an interferogram's deformation mask with its labels.

    Returns:
        A warning where both see the ground move, but not both an earthquake.

    Raises:
        ProblemError: If one of the two sees the ground move and the other does not, or the mask
            cannot be read.
    """
    mask = cube.read("deformation_mask", *annotation.pair, blank=annotation.blank_masks)
    labels = ", ".join(annotation.labels)
    if annotation.positive != bool(mask.any()):
        what = f"the annotation says {labels}, the mask has {int((mask > 0).sum())} pixels"
        raise ProblemError(_problem(cube, what, annotation, advice=_CORRECT))
    if (mask == 2).any() and "Earthquake" not in annotation.labels:
        what = f"the mask shows an earthquake, the annotation says {labels}"
        return [_problem(cube, what, annotation, severity="warning")]
    return []


def _check_frame(cube: Minicube, annotations: Collection[Annotation]) -> list[Problem]:
    """Whether a cube is the frame that its name says."""
    name = strip_suffix(file_name(cube.path))
    what = f"the cube says that it is frame {cube.frame_id}, its name says {name}"
    renamed = cube.frame_id != name
    # Ids are unique in the archive: a cube that has the annotations' ids is theirs.
    if annotations and renamed and any(_same_id(cube, a) for a in annotations):
        return [_problem(cube, what, severity="warning")]
    if renamed:
        raise ProblemError(_problem(cube, what, advice="rename it to <frame>.zarr"))
    if not annotations:
        what = "there are no annotations of this frame"
        raise ProblemError(_problem(cube, what, advice="add them, or move the cube elsewhere"))
    return []


def _same_id(cube: Minicube, annotation: Annotation) -> bool:
    if annotation.pair not in cube.pairs or not cube.has_field("unique_id"):
        return False
    return _agrees(cube.read_pair_field("unique_id", *annotation.pair), annotation.unique_id)


def check_fields(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Compare the cube's id, phase, confidence, caption and flags with the annotation's.

    A flag that the cube keeps as a truth value agrees with any level above 0.

    Returns:
        Warnings.
    """
    problems = []
    for name in ("unique_id", "phase", "confidence", "caption", *FLAGS):
        if not cube.has_field(name):
            continue
        try:
            found = cube.read_pair_field(name, *annotation.pair)
        except ProblemError as error:
            problems.append(replace(error.problem, severity="warning"))
            continue
        wanted = getattr(annotation, name)
        if not _agrees(found, wanted):
            what = f"the cube says {name} {_short(found)}, the annotation {_short(wanted)}"
            problems.append(_problem(cube, what, annotation, severity="warning"))
    return problems


def check_polygons(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Check that the deformation polygons lie on the frame, to a pixel of their own picture.

    Returns:
        Warnings.
    """
    problems = []
    for number, polygon in enumerate(annotation.segmentation_mask, 1):
        x, y = np.reshape(polygon, (-1, 2)).T
        furthest = max(
            -x.min(),
            -y.min(),
            x.max() - cube.width * PICTURE_SCALE,
            y.max() - cube.height * PICTURE_SCALE,
        )
        if furthest > 1:
            what = f"polygon {number} reaches {furthest / PICTURE_SCALE:.0f} pixels off the frame"
            problems.append(_problem(cube, what, annotation, severity="warning"))
    return problems


def _agrees(found: object, wanted: object) -> bool:
    if isinstance(found, bool):
        return found == bool(wanted)
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return bool(np.isclose(found, wanted, atol=1e-6))
    return str(found) == str(wanted)


def _problem(
    cube: Minicube,
    what: str,
    annotation: Annotation | None = None,
    pair: Pair | None = None,
    advice: str = "",
    severity: Severity = "error",
) -> Problem:
    number = None if annotation is None else annotation.unique_id
    pair = annotation.pair if annotation else pair
    return Problem(what, advice, cube.path, cube.frame_id, pair or (), number, severity)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
