"""Whether a run's folder is of the configuration that wants to go on in it."""

from __future__ import annotations

from pathlib import Path

from dataset_script.errors import ConfigError
from training.config.options import flatten, load_config
from training.config.schema import Config

# Keys that may differ between a run and its resumption, as they change nothing that is learnt.
_FREE = ("name", "output", "data.workers", "data.path", "training.keep_checkpoints", "tracking.")


def moved(run: Path, config: Config) -> bool:
    """Whether a run's folder names another place of the data than a configuration does."""
    kept = run / "config.yaml"
    return kept.exists() and load_config(kept).data.path != config.data.path


def require_same_settings(run: Path, config: Config) -> None:
    """Check that a run's folder, if it holds one, is of this configuration.

    Args:
        run: The folder.
        config: The configuration; keys that change nothing that is learnt may differ.

    Raises:
        ConfigError: Naming the keys that differ.
    """
    if not (run / "config.yaml").exists():
        return
    before = flatten(load_config(run / "config.yaml"))
    changed = [
        key
        for key, value in flatten(config).items()
        if before[key] != value and not key.startswith(_FREE)
    ]
    if changed:
        raise ConfigError(
            f"{run} was trained with another {', '.join(changed)}; resume with the same settings "
            "or set another output"
        )
