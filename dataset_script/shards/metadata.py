"""`metadata.json` of an exported dataset: what other programs need to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset_script.annotations.json_files import load_json
from dataset_script.errors import DataError

METADATA_FILE = "metadata.json"

FORMAT_VERSION = 1
"""Raised when a reader of before would misunderstand what is written; files of before this was
written down have none, and are as those of version 1."""


def read_metadata(folder: str | Path) -> dict[str, Any]:
    """Read what an export wrote.

    Args:
        folder: A dataset's folder, exported or from elsewhere.

    Returns:
        The metadata; empty where there is none, or another program's file of this name.

    Raises:
        DataError: If it is not JSON, or of a version that this code does not know.
    """
    path = Path(folder) / METADATA_FILE
    found = load_json(path) if path.is_file() else {}
    configs = found.get("configs") if isinstance(found, dict) else None
    if not isinstance(configs, dict) or not all(isinstance(c, dict) for c in configs.values()):
        return {}
    version = found.get("format_version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError(
            f"{path}: format_version is {version!r}, not a whole number from 1 on: export the "
            "dataset again, or fetch it again"
        )
    if version > FORMAT_VERSION:
        raise DataError(
            f"{path} is of format version {version}, and this release reads up to "
            f"{FORMAT_VERSION}: update hephaestus-minicubes, or export the dataset with this one"
        )
    return found
