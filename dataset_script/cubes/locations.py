"""Where cubes lie: paths, URLs, and the names of a folder's cubes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from dataset_script.cubes.faults import refuse_passing
from dataset_script.errors import DataError
from dataset_script.problems import Problem, ProblemError

SUFFIXES = (".zarr", ".zarr.zip", ".zarr.tar")


def is_url(path: str | Path) -> bool:
    """Whether a path is an fsspec URL rather than a local path."""
    return "://" in str(path)


def file_name(path: str | Path) -> str:
    """Last part of a path or URL."""
    plain = str(path).partition("?")[0] if is_url(path) else str(path)
    return PurePosixPath(plain.rstrip("/")).name


def strip_suffix(name: str) -> str:
    """A cube's file name without `.zarr`, `.zarr.zip` or `.zarr.tar`."""
    suffix = next((s for s in sorted(SUFFIXES, key=len)[::-1] if name.endswith(s)), "")
    return name.removesuffix(suffix)


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL or local path, and the path on it.

    Raises:
        DataError: If the protocol is unknown or lacks its package.
    """
    if not is_url(url):  # "::" and "?" mean something in a URL, but nothing in a local name.
        return fsspec.filesystem("file"), str(Path(url).expanduser().absolute())
    try:
        return fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        advice = "check the URL; s3:// needs s3fs (our extra 's3'), gs:// needs gcsfs"
        raise ProblemError(Problem(str(error), advice, url)) from None


@contextmanager
def reaching(path: str | Path) -> Iterator[None]:
    """Turn a file system's failure, local or remote, into an error that a user can act on.

    Args:
        path: Local path or URL that is being reached for.

    Raises:
        DataError: If it does not exist or cannot be reached.
    """
    advice = "check the URL, the network and your access to it" if is_url(path) else ""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        what = "no such file or folder"
        raise ProblemError(Problem(what, advice or "check the path", str(path))) from None
    except Exception as error:
        # Each remote file system raises its network library's own kinds.
        refuse_passing(error, str(path))
        if not is_url(path) and not isinstance(error, OSError):
            raise
        what = f"cannot be reached ({type(error).__name__}: {error})"
        raise ProblemError(Problem(what, advice, str(path))) from error


def find_minicubes(path: str | Path) -> dict[str, str]:
    """The cubes of a folder, or the one that the path itself is.

    Args:
        path: Folder or fsspec URL of `<frame>.zarr`, `.zarr.zip` and `.zarr.tar`, or one of them.

    Returns:
        Path or URL by frame, as the file names say; empty if there are none.

    Raises:
        DataError: If the folder does not exist, or a frame is there twice.
    """
    if file_name(path).endswith(SUFFIXES):
        return {strip_suffix(file_name(path)): str(path)}
    if is_url(path):
        system, inner = file_system(str(path))
        with reaching(path):
            listing = system.ls(inner, detail=False)
        entries = [f"{str(path).rstrip('/')}/{file_name(entry)}" for entry in listing]
    else:
        folder = Path(path)
        if not folder.is_dir():
            raise ProblemError(Problem("no such folder of minicubes", "check the path", str(path)))
        entries = [str(entry) for entry in folder.iterdir()]
    cubes: dict[str, str] = {}
    for entry in sorted(entries):
        if entry.endswith(SUFFIXES):
            frame = strip_suffix(file_name(entry))
            if frame in cubes:
                what = f"the frame is here twice, also as {file_name(cubes[frame])}"
                raise ProblemError(Problem(what, "keep one of the two", entry, frame))
            cubes[frame] = entry
    return cubes
