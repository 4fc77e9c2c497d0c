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
from training.data import open_data
from training.loader import Loader
from training.loop import Trainer
from training.options import load_config
from training.sampling import Share


def measure(data: Path, root: Path) -> list[Goal]:
    """The demo's classifier for two epochs, beside the same model on one resident batch.

    Args:
        data: Exported dataset with a config ts3, as `make demo` leaves it.
        root: Scratch folder.
    """
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
    trainer = Trainer(config, open_data(config), Accelerator(cpu=True))
    trainer.fit()
    lines = (root / "run" / "metrics.jsonl").read_text().splitlines()
    timing = json.loads(lines[-1])["timing"]  # of the last epoch, warmed up
    waiting = timing["waiting_share"]
    step = config.training.batch_size / timing["samples_per_second"]
    bare = bare_step(trainer)
    return [
        Goal("time waiting for data, demo config", "under 5%", f"{waiting:.1%}", waiting < 0.05),
        Goal(
            "training step against the bare model's",
            "within 10%",
            f"{step / bare - 1:+.0%}",
            step / bare < 1.1,
        ),
    ]


def bare_step(trainer: Trainer, repeats: int = 20) -> float:
    """Median seconds of forward, backward and optimiser step on a resident batch."""
    samples = trainer.train
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
    return statistics.median(taken[2:])
