"""The configurations that come with the project, wherever it is installed."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "configs"
"""Where they lie: beside this package in a checkout, and in an installation too."""


def find_shipped(path: str | Path) -> Path:
    """A file as it was given, or, where there is none, the shipped one that it names.

    So `configs/demo/classification.yaml` means the same in a checkout and anywhere else.

    Args:
        path: A path, as on the command line or in a sweep's file.
    """
    given = Path(path)
    shipped = FOLDER.parent / given
    if not given.exists() and given.parts[:1] == ("configs",) and shipped.is_file():
        return shipped
    return given
