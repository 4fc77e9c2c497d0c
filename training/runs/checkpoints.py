"""A run's folder: checkpoints to resume from, the best weights, and loading them back.

    RUN/config.yaml               the resolved configuration
    RUN/model.json                ModelFacts
    RUN/best/model.safetensors    weights of the best epoch
    RUN/checkpoints/step-*/       everything a resumed run needs
    RUN/metrics.jsonl             one line an epoch
    RUN/results.json              of evaluate.py

Everything is written under a temporary name and renamed, so that a folder that is there is whole.
Weights are safetensors; the rest is read with `weights_only`, which runs no code from a file.
"""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dataset_script.errors import ConfigError, HephaestusError
from dataset_script.safe_files import renamed
from training.config.options import load_config
from training.config.schema import Config
from training.data.tasks import Task
from training.errors import one_line
from training.facts import ModelFacts
from training.models.build import build_model

BEST = Path("best/model.safetensors")


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Epoch in progress.
        step: Steps of it that are done.
        update: Updates done in all.
        loss_sum: Sum of this process group's sample losses in this epoch.
        samples: Samples they are of.
        best: Best validation score so far.
        best_epoch: Its epoch.
        stale: Validations since.
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
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    ema: dict[str, Tensor] | None = None


def rng_states() -> dict[str, Any]:
    """States of every global random stream of this process, in types that load without code."""
    kind, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype("int64")), *rest],
        "python": random.getstate(),
    }


def restore_rng(states: Mapping[str, Any]) -> None:
    """Undo `rng_states`."""
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype("uint32"), *rest))
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))


def checkpoint_folder(run: Path, update: int) -> Path:
    """Folder of the checkpoint after an update."""
    return run / "checkpoints" / f"step-{update:08d}"


def partial_folder(run: Path, update: int) -> Path:
    """Where that checkpoint is written before it is whole."""
    return run / "checkpoints" / f".partial-{update:08d}"


def write_rng(folder: Path, rank: int) -> None:
    """Write this process's random states into an unfinished checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(rng_states(), folder / f"rng-{rank}.pt")


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
    final = checkpoint_folder(run, update)
    shutil.rmtree(final, ignore_errors=True)
    partial_folder(run, update).rename(final)
    for old in sorted(final.parent.glob("step-*"))[:-keep]:
        shutil.rmtree(old)


def discard_partial(run: Path) -> None:
    """Delete what an interrupted process left unfinished."""
    for folder in (run / "checkpoints").glob(".partial-*"):
        shutil.rmtree(folder)


def keep_epochs(run: Path, epochs: int) -> None:
    """Shorten metrics.jsonl to the epochs that a checkpoint has seen: later ones are run again."""
    history = run / "metrics.jsonl"
    if history.exists():
        lines = history.read_text().splitlines(keepends=True)
        with renamed(history) as temporary:
            temporary.write_text("".join(x for x in lines if json.loads(x)["epoch"] < epochs))


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
        except Exception as why:  # a torn file fails in any way
            reasons.append(f"{folder.name}: {one_line(why)}")
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


def write_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors; the file is replaced whole.

    Args:
        state: Tensors by name; shared ones are written twice.
        path: File.
    """
    # safetensors takes tensors in the plain memory order alone; channels-last weights are not.
    whole = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
    }
    with renamed(path) as temporary:
        save_file(whole, temporary)


def write_json(record: Any, path: Path) -> None:
    """Write JSON; the file is replaced whole."""
    with renamed(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")


@dataclass(frozen=True)
class LoadedRun:
    """A trained model with what is known of it.

    Attributes:
        model: The model with its best weights, in evaluation mode, on the CPU.
        facts: What inference depends on.
        config: The resolved configuration.
        results: Content of results.json, None before evaluate.py ran.
    """

    model: nn.Module
    facts: ModelFacts
    config: Config
    results: dict[str, Any] | None


def load_run(run: Path) -> LoadedRun:
    """Load a run's best model.

    Args:
        run: The run's folder.

    Returns:
        The model and its facts.

    Raises:
        ConfigError: If the folder is no run, or its training has not reached a first validation.
    """
    run = Path(run)
    facts = ModelFacts.load(run / "model.json")
    config = load_config(run / "config.yaml")
    task = Task.of(config, facts.timeseries_length)
    model = build_model(
        dataclasses.replace(config.model, pretrained=False, init_from=""),
        objective=config.objective,
        num_channels=len(facts.channels),
        timeseries_length=facts.timeseries_length,
        num_classes=task.outputs,
        image_size=facts.image_size,
    )
    try:
        model.load_state_dict(load_file(run / BEST))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{run / BEST} cannot be read: {one_line(error)}") from None
    except RuntimeError as error:
        raise ConfigError(
            f"{run / BEST} does not fit the config.yaml beside it: {one_line(error)}; was either "
            "changed since the training?"
        ) from None
    results = run / "results.json"
    return LoadedRun(
        model.eval(),
        facts,
        config,
        json.loads(results.read_text()) if results.exists() else None,
    )
