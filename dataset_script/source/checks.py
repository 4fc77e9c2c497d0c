"""A cube against its annotations: what the two say of the same interferogram must agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from dataset_script.annotations.record import PICTURE_SCALE, Annotation
from dataset_script.cubes.locations import file_name, strip_suffix
from dataset_script.cubes.minicube import Minicube
from dataset_script.labels import FLAGS
from dataset_script.problems import Problem, ProblemError

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
    mine = [a for a in annotations if a.frame_id == cube.frame_id]
    try:
        problems = check_frame(cube, mine)
    except ProblemError as error:
        return [error.problem]
    for annotation in sorted(mine, key=lambda annotation: annotation.pair):
        if annotation.pair in cube.pairs:
            problems += check_pair(cube, annotation, deep)
    return problems


def check_frame(cube: Minicube, annotations: Collection[Annotation]) -> list[Problem]:
    """Check that a cube is the frame that its name says, and that both have the same pairs.

    Args:
        cube: An open cube.
        annotations: The annotations of its frame.

    Returns:
        A problem for each pair that only one of the two has; unusable annotations need no pixels.

    Raises:
        ProblemError: If the whole cube cannot be matched with annotations.
    """
    frame, path = cube.frame_id, cube.path
    if (name := strip_suffix(file_name(path))) != frame:
        what = f"the cube says that it is frame {frame}, its name says {name}"
        raise ProblemError(Problem(what, "rename it to <frame>.zarr", path, frame))
    if not annotations:
        what = "there are no annotations of this frame"
        raise ProblemError(Problem(what, "add them, or move the cube elsewhere", path, frame))
    known = {annotation.pair: annotation for annotation in annotations}
    what = "the cube has this interferogram, but the annotations do not"
    problems = [
        Problem(what, "complete the annotations", path, frame, pair)
        for pair in sorted(cube.pairs - set(known))
    ]
    what = "the interferogram is annotated, but the cube does not have it"
    return problems + [
        Problem(what, "fetch the whole cube", path, frame, pair, known[pair].unique_id)
        for pair in sorted(set(known) - cube.pairs)
        if known[pair].usable
    ]


def check_pair(cube: Minicube, annotation: Annotation, deep: bool = False) -> list[Problem]:
    """Check one interferogram: its fields, polygons and rasters.

    Args:
        cube: An open cube that has the interferogram.
        annotation: What the annotators said of it.
        deep: Whether to decode every raster too; otherwise only their presence is checked.

    Returns:
        All that is wrong with it.
    """
    problems = check_fields(cube, annotation) + check_polygons(cube, annotation)
    if not annotation.usable:
        return problems  # What is known to be bad may have no sound pixels.
    try:
        cube.require_stored(*annotation.pair)
        if deep:
            problems += check_pixels(cube, annotation)
    except ProblemError as error:
        problems.append(error.problem)
    return problems


def check_fields(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Compare the cube's id, phase, confidence, caption and flags with the annotation's.

    A flag that the cube keeps as a truth value agrees with any level above 0.
    """
    problems = []
    for name in ("unique_id", "phase", "confidence", "caption", *FLAGS):
        if not cube.has_field(name):
            continue
        try:
            found = cube.read_pair_field(name, *annotation.pair)
        except ProblemError as error:
            problems.append(error.problem)
            continue
        wanted = getattr(annotation, name)
        if isinstance(found, str):
            agrees = found.strip() == str(wanted).strip()
        elif isinstance(found, bool):
            agrees = found == bool(wanted)
        else:
            agrees = bool(np.isclose(found, wanted, atol=1e-6))
        if not agrees:
            what = f"the cube says {name} {_short(found)}, the annotation {_short(wanted)}"
            problems.append(_problem(cube, annotation, what))
    return problems


def check_polygons(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Check that the deformation polygons lie on the frame, to a pixel of their own picture."""
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
            problems.append(_problem(cube, annotation, what))
    return problems


def check_pixels(cube: Minicube, annotation: Annotation) -> list[Problem]:
    """Decode every raster and compare the deformation mask with the annotation's labels.

    Raises:
        DataError: If a raster is missing, damaged or out of range.
    """
    for raster in cube.rasters:
        cube.read(raster, *annotation.pair)
    mask = cube.read("deformation_mask", *annotation.pair)
    labels = ", ".join(annotation.labels)
    faults = []
    if annotation.positive != bool(mask.any()):
        faults.append(f"the annotation says {labels}, the mask has {int((mask > 0).sum())} pixels")
    if (mask == 2).any() and "Earthquake" not in annotation.labels:
        faults.append(f"the mask shows an earthquake, the annotation says {labels}")
    return [_problem(cube, annotation, what) for what in faults]


def _problem(cube: Minicube, annotation: Annotation, what: str) -> Problem:
    number = annotation.unique_id
    return Problem(what, _CORRECT, cube.path, cube.frame_id, annotation.pair, number)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
