"""Growth of an evaluation without its inference: stored predictions read, everything reported.

    python -m benchmarks.models.evaluating      # this part alone; prints the table

The predictions are drawn at random for made-up annotations of 38 frames, as a test split of the
real dataset would have them. Seconds are those of one thread of the processor, the least of five
rounds, so that neither what else the machine does is counted nor a second thread that waits for the
next product of matrices, which on small ones is most of what it does.
"""

from __future__ import annotations

import datetime
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import Goal, exponent, goals_table
from dataset_script.labels import CONFOUNDERS
from training.data.rows import RowMetadata, Rows
from training.data.samples import Samples
from training.data.tasks import StepLabels, Task
from training.evaluation.evaluating import measure as report
from training.evaluation.predictions import BINS, Predictions
from training.evaluation.stored import PREDICTIONS, read_predictions, write_predictions
from training.facts import ModelFacts

SIZES = (1000, 4000, 16000)
REAL = 6501
"""Samples of single pairs in the test split of the real dataset."""

ROUNDS = 5
_FRAMES = 38
_CHANNELS = ("insar_difference", "insar_coherence", "dem")


def measure() -> tuple[list[Goal], dict[str, Any]]:
    """Exponents of time over samples, and the seconds of the real dataset's test split."""
    figures: dict[str, dict[str, list[float]]] = {}
    for objective in ("classification", "segmentation"):
        sizes = sorted({*SIZES, REAL})
        with threadpool_limits(1):
            seconds = [_seconds(objective, size) for size in sizes]
        figures[objective] = {"samples": [float(size) for size in sizes], "seconds": seconds}
    goals = []
    for objective, series in figures.items():
        known = dict(zip(series["samples"], series["seconds"], strict=True))
        costs = [known[size] for size in SIZES]
        slope = exponent(SIZES, costs)
        said = f"{slope:.2f} ({' / '.join(f'{cost:.2f}' for cost in costs)} s)"
        what = f"evaluate on stored predictions, {objective}"
        met = abs(slope - 1) <= 0.05
        goals.append(Goal(f"{what}: time over samples, exponent", "1.00 ± 0.05", said, met))
        real = known[REAL]
        goals.append(Goal(f"{what}: {REAL:,} samples", "under 20 s", f"{real:.1f} s", real < 20))
    return goals, figures


def _seconds(objective: str, count: int) -> float:
    samples, facts, predictions = _made_up(objective, count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, PREDICTIONS)
        write_predictions(path, predictions, samples, facts, "made up", "test")
        times = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            report(read_predictions(path).predictions, samples, facts, seed=0)
            times.append(time.process_time() - begun)
    print(f"  {objective}, {count}: {min(times):.2f} s", flush=True)
    return min(times)


def _made_up(objective: str, count: int) -> tuple[Samples, ModelFacts, Predictions]:
    rng = np.random.default_rng(count)
    positive = rng.random(count) < 0.08
    metadata = [_metadata(rng, number, bool(positive[number])) for number in range(count)]
    task = Task("binary", objective, "union", 1)
    samples = Samples(cast(Rows, SimpleNamespace(metadata=metadata)), task, 0, fresh=False)
    facts = ModelFacts(
        objective,
        "binary",
        task.classes,
        False,
        "timm",
        "none",
        _CHANNELS,
        (0.0,) * 3,
        (1.0,) * 3,
        1,
        512,
        unsure=(0.2, 0.7),
    )
    margins = rng.normal(np.where(positive, 1, -1), 1.5)
    values: dict[str, Any] = {}
    if objective == "classification":
        values["logits"] = np.stack([0 * margins, margins], -1)[:, None].astype("float32")
        values["targets"] = positive[:, None].astype("int64")
    else:  # pixels around each sample's own margin, a tenth of a deforming one's marked
        pixels = np.zeros((count, 2, BINS), "int64")
        places = np.clip(
            (margins[:, None] + rng.normal(0, 1, (count, 64))) * 32 + BINS / 2, 0, 1023
        )
        owner = np.arange(count)[:, None]
        np.add.at(pixels, (owner, 0, places.astype(int)), 4096)
        np.add.at(pixels, (owner[positive], 1, places[positive].astype(int)), 400)
        values["histogram"] = pixels
        called, marked = pixels[:, :, BINS // 2 :].sum(2), pixels.sum(2)
        values["confusion"] = np.stack([marked - called, called], 2)
        values["peak"] = 1 / (1 + np.exp(-margins))
    return samples, facts, Predictions(task, np.full(count, np.nan), **values)


def _metadata(rng: np.random.Generator, number: int, positive: bool) -> RowMetadata:
    frame = int(rng.integers(_FRAMES))
    day = datetime.date(2020, 1, 1) + datetime.timedelta(days=int(rng.integers(700)))
    kind = [int(rng.integers(5))] if positive else []
    return RowMetadata(
        f"{number:06d}",
        f"{frame:03d}D_00000_000000",
        [f"volcano {frame}"],
        day,
        [day + datetime.timedelta(days=12)],
        StepLabels([[int(positive)]], [kind], [[1 + number % 3] if positive else []], [number % 3]),
        [0.8],
        {name: [int(rng.integers(4))] for name in CONFOUNDERS},
    )


def main() -> None:
    """Measure and print."""
    print(goals_table(measure()[0]))


if __name__ == "__main__":
    main()
