"""Which data a run learns from, kept in its folder: the path may change, the samples may not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dataset_script.errors import ConfigError
from dataset_script.safe_files import write_json
from training.data.sources import OpenedData

DATA = "data.json"


def require_same_data(run: Path, data: OpenedData, resume: bool) -> None:
    """Keep what tells a run's data, or check that it is what the run began with.

    Args:
        run: The run's folder.
        data: What was opened for it.
        resume: Whether the run goes on.

    Raises:
        ConfigError: If a run that goes on began with other data.
    """
    path, told = run / DATA, _told(data)
    if not path.exists():
        write_json(path, told)
        return
    if not resume:
        return  # whether the folder may be used at all is told elsewhere
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} is damaged ({error}); remove it if the data is the same"
        ) from None
    if before != told:
        held = before if isinstance(before, dict) else {}
        other = [key for key in told if held.get(key) != told[key]]
        raise ConfigError(
            f"{run} began with other data (other {', '.join(other)}); point data.path at the same "
            "dataset, which may have moved, or set another output"
        )


def _told(data: OpenedData) -> dict[str, Any]:
    return {
        "image_size": data.image_size,
        "split": data.scheme,
        "correct_stratified": data.correct_stratified,
        "samples": {name: _digest(samples) for name, samples in sorted(data.splits.items())},
    }


def _digest(samples: Any) -> str:
    """Of the rows' ids, in order."""
    ids = "\n".join(row.sample_id for row in samples.rows.metadata)
    return hashlib.blake2b(ids.encode(), digest_size=8).hexdigest()
