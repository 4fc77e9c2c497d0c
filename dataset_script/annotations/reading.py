"""The expert annotations: read from any of their forms, and checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dataset_script.annotations.json_files import json_members, load_json, parse_json
from dataset_script.annotations.record import Annotation, Pair, from_record
from dataset_script.problems import Problem, ProblemError, collecting

FORMS = ("annotations.json", "annotations", "annotations.tar.gz")
"""Names that annotations have in a folder, the first that is there counts."""


def read_annotations(
    path: str | Path, problems: list[Problem] | None = None
) -> dict[int, Annotation]:
    """Read annotations from any of the forms they are handed around in.

    Args:
        path: `annotations.json`; a folder that holds it, an `annotations` folder or
            `annotations.tar.gz`; a folder of `<id>.json`; or that folder in a `.tar.gz`.
        problems: If given, bad records are listed here and left out instead of raised.

    Returns:
        The annotations by unique id, in the order of the ids.

    Raises:
        DataError: If nothing is there, or a record is malformed or repeats another's pair.
    """
    path = _locate(Path(path))
    annotations: dict[int, Annotation] = {}
    seen: dict[tuple[str, Pair], int] = {}
    for file, content in json_members(path):
        with collecting(problems):
            for record in _records(parse_json(content, file)):
                with collecting(problems):
                    annotation = from_record(record, file)
                    key = (annotation.frame_id, annotation.pair)
                    if annotation.unique_id in annotations:
                        raise _error(annotation, file, "its unique id is another annotation's too")
                    if key in seen:
                        raise _error(annotation, file, f"duplicate pair, also of {seen[key]}")
                    seen[key] = annotation.unique_id
                    annotations[annotation.unique_id] = annotation
    if not annotations and problems:
        raise ProblemError(problems[-1])
    if not annotations:
        advice = "expected annotations.json, or files named <id>.json"
        raise ProblemError(Problem("there are no annotations", advice, str(path)))
    return dict(sorted(annotations.items()))


def read_frame_names(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read which volcanoes a frame covers.

    Args:
        path: `frame_names.json`, or a folder or a file beside which it lies.

    Returns:
        Volcano names by frame; empty if there is no such file.

    Raises:
        DataError: If the file is malformed.
    """
    path = Path(path)
    if path.name != "frame_names.json":
        path = (path if path.is_dir() else path.parent) / "frame_names.json"
    if not path.exists():
        return {}
    record = load_json(path)
    if not isinstance(record, dict) or not all(isinstance(v, str) for v in record.values()):
        raise ProblemError(
            Problem(
                "it must map a frame to its volcanoes' names, separated by commas", file=str(path)
            )
        )
    return {
        frame: tuple(name.strip() for name in names.split(",") if name.strip())
        for frame, names in sorted(record.items())
    }


def _locate(path: Path) -> Path:
    if path.is_dir():
        known = (path / name for name in FORMS)
        path = next((entry for entry in known if entry.exists()), path)
    if not path.exists():
        advice = "give annotations.json, a folder of <id>.json files or a .tar.gz of it"
        raise ProblemError(Problem("no such file or folder", advice, str(path)))
    return path


def _records(content: Any) -> Iterable[Any]:
    whole = isinstance(content, dict) and "uniqueID" not in content
    return content.values() if whole else [content]


def _error(annotation: Annotation, file: str, what: str) -> ProblemError:
    frame, pair, number = annotation.frame_id, annotation.pair, annotation.unique_id
    return ProblemError(Problem(what, "remove one of the two", file, frame, pair, number))
