"""Where weights to start from lie: a folder, the model that comes with the project, or the Hub."""

from __future__ import annotations

import re
from pathlib import Path

from dataset_script.errors import ConfigError
from training.models.fetching import fetching

BOX = Path(__file__).resolve().parents[2] / "hub" / "pretrained"
"""Models that come with the project, by the names of their folders."""


def locate_weights(start: str) -> Path:
    """Find what `model.init_from` names.

    Args:
        start: Folder of a run, a pretraining run or a packaged model, or a safetensors file; the
            name of a model that comes with the project; or a repository NS/NAME of the Hub, with
            @REVISION where another than its main branch is meant.

    Returns:
        The folder or file on this disk; a repository's weights are downloaded into the cache.

    Raises:
        ConfigError: If there is nothing of that name.
    """
    if Path(start).exists():
        return Path(start)
    boxed = sorted(folder.name for folder in BOX.glob("*") if folder.is_dir())
    if start in boxed:
        return BOX / start
    name, _, revision = start.partition("@")
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        raise ConfigError(
            f"model.init_from: there is no folder {start}; give the folder of a run or of a "
            f"packaged model, {' or '.join(boxed)}, or a repository of the Hub as NS/NAME"
        )
    from huggingface_hub import snapshot_download

    with fetching(f"{start}, no folder here, as a repository of the Hub", "model.init_from"):
        patterns = ["*.json", "*.safetensors"]
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=patterns))
