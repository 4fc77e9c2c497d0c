"""What a run's model scored: a folder for each dataset and split, none in another's place."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_script.errors import ConfigError
from dataset_script.safe_files import writable
from training.data.digests import CONTENTS, IDS

RESULTS = "results.json"
"""The numbers, in a folder of results."""


def results_folder(run: Path, dataset: str, split: str = "test") -> Path:
    """Where the results on a split of a dataset lie, with their figures.

    Args:
        run: The run's folder.
        dataset: The dataset's name. A local path stands for its last part, so that a dataset that
            was moved keeps its name.
        split: The split.

    Returns:
        `RUN/results/<dataset>-<split>`, which need not exist.
    """
    name = dataset if re.fullmatch(r"[\w.-]+/[\w.-]+", dataset) else Path(dataset).name
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "dataset"
    return run / "results" / f"{slug}-{split}"


def read_results(run: Path, dataset: str, split: str = "test") -> dict[str, Any] | None:
    """The results on a split of a dataset; None before evaluate.py measured them.

    Raises:
        ConfigError: If the file is damaged.
    """
    path = results_folder(run, dataset, split) / RESULTS
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, OSError):
        record = None
    if not isinstance(record, dict):
        raise ConfigError(f"{path} is damaged: remove it and run training/evaluate.py {run} again")
    return record


def require_writable(folder: Path) -> None:
    """Find out that results cannot be written before hours of work, not after.

    Raises:
        DataError: If they cannot be.
    """
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def require_same_samples(folder: Path, digests: Mapping[str, str]) -> None:
    """Refuse to replace results by those on other samples, or on others of the same ids.

    Args:
        folder: Folder of the results.
        digests: `samples_digests` of the samples that are to be measured.

    Raises:
        ConfigError: If the results there are of others.
    """
    path = folder / RESULTS
    try:
        known = json.loads(path.read_text())
        ids, contents = known.get(IDS), known.get(CONTENTS)
    except (OSError, ValueError, RecursionError, AttributeError):
        return  # none, or none that could be read by anyone
    other = "other samples" if ids != digests[IDS] else ""
    if not other and contents not in (None, digests[CONTENTS]):  # None: of before it was kept
        other = "other pixels or labels of these samples"
    if other:
        raise ConfigError(
            f"{path} is of {other} under the same name: give this dataset another with "
            "--name, or remove the folder if it is out of date"
        )
