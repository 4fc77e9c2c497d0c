"""Which data a run learns from, kept in its folder: the path may change, the samples may not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dataset_script.errors import ConfigError
from dataset_script.safe_files import write_json
from training.config.comparison import require_same_settings
from training.config.schema import Config
from training.data.digests import contents_digest
from training.data.sources import OpenedData
from training.runs.files import holds_run

DATA = "data.json"


def require_same_data(run: Path, config: Config, data: OpenedData, resume: bool) -> None:
    """Keep what tells a run's data, or check that it is what the run began with.

    Args:
        run: The run's folder.
        config: Its configuration, which other data may follow from: that is told first.
        data: What was opened for it.
        resume: Whether the run goes on.

    Raises:
        ConfigError: If a run that goes on began with other data, or is of other settings.
    """
    held = holds_run(run)
    if held and not resume:
        return  # such a folder is refused, and keeps what it has
    if held:
        require_same_settings(run, config)
    path, told = run / DATA, _told(data)
    if not held or not path.exists():
        write_json(path, told)
        return
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} is damaged ({error}); remove it if the data is the same"
        ) from None
    known = before if isinstance(before, dict) else {}
    other = [key for key in told if key != "contents" and known.get(key) != told[key]]
    # Other samples have other contents; earlier releases did not keep them.
    if not other and known.get("contents", told["contents"]) != told["contents"]:
        other = ["pixels or labels"]
    if other:
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
        "contents": {
            name: contents_digest(samples.rows) for name, samples in sorted(data.splits.items())
        },
    }


def _digest(samples: Any) -> str:
    """Of the rows' ids, in order."""
    ids = "\n".join(row.sample_id for row in samples.rows.metadata)
    return hashlib.blake2b(ids.encode(), digest_size=8).hexdigest()
