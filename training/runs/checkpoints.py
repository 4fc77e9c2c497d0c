"""A checkpoint: everything that a resumed run needs, in a folder of its own."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from dataset_script.errors import ConfigError, HephaestusError
from training.errors import one_line
from training.runs.files import write_weights
from training.runs.random_states import random_states


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Epoch in progress.
        step: Steps of it that are done.
        update: Updates done in all.
        loss_sum: Sum of the sample losses of all processes in this epoch.
        samples: Number of these samples.
        best: Best validation score so far.
        best_epoch: Its epoch.
        stale: Validations since then.
        ranks: Number of processes, which a resumed run must keep.
    """

    epoch: int = 0
    step: int = 0
    update: int = 0
    loss_sum: float = 0.0
    samples: int = 0
    best: float | None = None
    best_epoch: int | None = None
    stale: int = 0
    ranks: int = 1

    def end_epoch(self) -> None:
        """Move to the start of the next epoch."""
        self.epoch, self.step, self.samples = self.epoch + 1, 0, 0


@dataclass
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        progress: Position in the data and in the run.
        model: State dict of the model.
        optimizer: State dict of the optimiser (and of the gradient scaler, where there is one).
        ema: State dict of the moving average, if one is kept.
    """

    progress: Progress
    model: dict[str, Any]
    optimizer: dict[str, Any]
    ema: dict[str, Tensor] | None = None


def partial_folder(run: Path, update: int) -> Path:
    """Where the checkpoint after an update is written before it is whole."""
    return run / "checkpoints" / f".partial-{update:08d}"


def write_random_states(folder: Path, rank: int) -> None:
    """Write this process's random states into an unfinished checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(random_states(), folder / f"rng-{rank}.pt")


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write everything but the random states into an unfinished checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(checkpoint.model, folder / "model.safetensors")
    if checkpoint.ema is not None:
        write_weights(checkpoint.ema, folder / "ema.safetensors")
    torch.save(checkpoint.optimizer, folder / "optimizer.pt")
    (folder / "progress.json").write_text(json.dumps(dataclasses.asdict(checkpoint.progress)))


def finish_checkpoint(run: Path, update: int, keep: int) -> None:
    """Give a written checkpoint its name and delete all but the latest.

    Args:
        run: The run's folder.
        update: Update it was written after.
        keep: How many to keep.
    """
    final = run / "checkpoints" / f"step-{update:08d}"
    shutil.rmtree(final, ignore_errors=True)
    partial_folder(run, update).rename(final)
    for old in sorted(final.parent.glob("step-*"))[:-keep]:
        shutil.rmtree(old)


def delete_partial(run: Path) -> None:
    """Delete what an interrupted process left unfinished."""
    for folder in (run / "checkpoints").glob(".partial-*"):
        shutil.rmtree(folder)


def read_latest(run: Path, rank: int) -> tuple[Checkpoint, dict[str, Any]] | None:
    """The latest checkpoint that can be read, and this process's random states.

    Args:
        run: The run's folder.
        rank: This process.

    Returns:
        None where there is no checkpoint.

    Raises:
        ConfigError: If there are checkpoints and none can be read.
    """
    folders = sorted((run / "checkpoints").glob("step-*"), reverse=True)
    reasons = []
    for folder in folders:
        try:
            return _read(folder, rank)
        except HephaestusError:
            raise
        except Exception as error:  # a torn file fails in any way
            reasons.append(f"{folder.name}: {one_line(error)}")
    if reasons:
        raise ConfigError(
            f"no checkpoint of {run} can be read: {'; '.join(reasons)}; delete it to begin anew"
        )
    return None


def _read(folder: Path, rank: int) -> tuple[Checkpoint, dict[str, Any]]:
    progress = Progress(**json.loads((folder / "progress.json").read_text()))
    states = folder / f"rng-{rank}.pt"
    if not states.exists():
        raise ConfigError(
            f"{folder} was written by {progress.ranks} processes; resume with as many"
        )
    ema = folder / "ema.safetensors"
    checkpoint = Checkpoint(
        progress,
        load_file(folder / "model.safetensors"),
        torch.load(folder / "optimizer.pt", map_location="cpu", weights_only=True),
        load_file(ema) if ema.exists() else None,
    )
    return checkpoint, torch.load(states, map_location="cpu", weights_only=True)
