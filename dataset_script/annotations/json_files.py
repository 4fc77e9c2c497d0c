"""JSON that others wrote, read with errors that name the file and the position."""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_script.problems import Problem, ProblemError


def parse_json(content: bytes, file: str) -> Any:
    """Parse a JSON text.

    Args:
        content: The text, UTF-8.
        file: Where it came from, for the error message.

    Raises:
        DataError: Naming the file, and line and column where they are known.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        what = f"malformed JSON at {place} ({error.msg})"
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}"
    except RecursionError:
        what = "malformed JSON: lists or objects are nested too deeply"
    except ValueError:  # Python refuses numbers that would take it long.
        what = "malformed JSON: a number has thousands of digits"
    raise ProblemError(Problem(what, "repair it or fetch the file again", file))


def read_file(path: Path) -> bytes:
    """Read a file.

    Raises:
        DataError: If it is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProblemError(Problem(f"cannot be read ({error.strerror})", file=str(path))) from None


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: If it is missing, unreadable or malformed.
    """
    return parse_json(read_file(path), str(path))


def json_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every annotation file of a folder or of a `.tar.gz`, or a single file.

    In a folder and in an archive, `annotations.json` and files named by a number count; others
    (`timeseries.json`, `frame_names.json`) are no annotations.

    Args:
        path: The file, folder or archive; nothing is unpacked to disk.

    Yields:
        Where the content came from, and the content; in the order of the names.

    Raises:
        DataError: If a file cannot be read or the archive is damaged.
    """
    if path.is_dir():
        for file in sorted(filter(_is_annotation, path.iterdir())):
            yield str(file), read_file(file)
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        yield from _archive_members(path)
    else:
        yield str(path), read_file(path)


def _is_annotation(path: Path | PurePosixPath) -> bool:
    return path.suffix == ".json" and (path.stem.isdigit() or path.stem == "annotations")


def _archive_members(path: Path) -> Iterator[tuple[str, bytes]]:
    contents = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream and _is_annotation(PurePosixPath(member.name)):
                    contents.append((f"{path}/{member.name}", stream.read()))
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        problem = Problem(f"damaged archive ({error})", "fetch it again", str(path))
        raise ProblemError(problem) from None
    yield from sorted(contents)
