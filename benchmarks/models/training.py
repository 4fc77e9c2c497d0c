"""Training on the CPU: time waiting for data, and the loop against the bare model's step."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from benchmarks.harness import Goal
from training.config.options import load_config
from training.data.loader import Loader
from training.data.sampling import Share
from training.data.sources import open_data
from training.fit.objectives.trainer import Trainer


class TimedTrainer(Trainer):
    """Notes when each step of the last epoch ended."""

    def _update(self, updates_per_epoch: int) -> None:
        super()._update(updates_per_epoch)
        self.ends.append(time.perf_counter())

    def _train_epoch(self) -> None:
        self.ends: list[float] = []
        super()._train_epoch()


def measure(data: Path, root: Path) -> list[Goal]:
    """The demo's classifier, beside the same model on one resident batch, in turn.

    Args:
        data: Exported dataset with a config ts3, as `make demo` leaves it.
        root: Scratch folder.
    """
    ours, bare, waiting = [], [], []
    for _ in range(3):
        config = load_config(
            "configs/demo/classification.yaml",
            {
                "data.path": str(data),
                "output": str(root / "run"),
                "training.epochs": 2,
                "training.ema_decay": None,
                "tracking.trackers": [],
            },
        )
        shutil.rmtree(root / "run", ignore_errors=True)
        trainer = TimedTrainer(config, open_data(config), Accelerator(cpu=True))
        trainer.fit()
        lines = (root / "run" / "metrics.jsonl").read_text().splitlines()
        waiting.append(json.loads(lines[-1])["timing"]["waiting_share"])  # warmed up by then
        ours += np.diff(trainer.ends).tolist()
        bare += bare_steps(trainer)
    waited, step = statistics.median(waiting), statistics.median(ours) / statistics.median(bare)
    return [
        Goal("time waiting for data, demo config", "under 5%", f"{waited:.1%}", waited < 0.05),
        Goal(
            "training step against the bare model's",
            "within 10%",
            f"{step - 1:+.0%} ({1000 * statistics.median(ours):.0f} ms)",
            step <= 1.1,
        ),
    ]


def bare_steps(trainer: Trainer, repeats: int = 20) -> list[float]:
    """Seconds of forward, backward and optimiser step on a resident batch."""
    samples = trainer.samples
    size = trainer.config.training.batch_size
    share = Share(np.arange(size), np.ones(size, bool), size)
    batch = next(iter(Loader(samples, torch.device("cpu"), 0).batches([share])))
    stack = trainer.preprocess(batch.rasters)
    taken = []
    trainer.model.train()
    for _ in range(repeats):
        begun = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(trainer.model(stack), batch.target)
        loss.backward()
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        taken.append(time.perf_counter() - begun)
    return taken[2:]
