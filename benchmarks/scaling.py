"""Growth: time and memory of export, loading, streaming and evaluation at 1x, 4x and 16x."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.harness import Goal, exponent, peak_memory_mb

SIZES = (1, 4, 16)
BASE = 12
"""Dates of the smallest archive; its samples grow in proportion."""

_EXPORT = """
from dataset_script.export import export
export({cubes!r}, {out!r}, configs=["ts3"], image_size=128, preview=False, progress=False)
"""
_STREAM = """
from datasets import load_dataset
rows = load_dataset({data!r}, "ts3", split="train", streaming=True).with_format("arrow")
assert sum(1 for _ in rows)
"""
_LOAD = """
import sys; sys.path.insert(0, {root!r})
import torch
from training.config import Config, DataConfig
from training.data import open_data
from training.loader import Loader
from training.sampling import share_out
import numpy as np
data = open_data(Config(data=DataConfig(path={data!r}, config="ts3")), ["train"])
samples = data.splits["train"]
plan = share_out(np.arange(len(samples)), 1)
for batch in Loader(samples, torch.device("cpu"), 0).batches(plan):
    pass
"""


def measure(root: Path) -> tuple[list[Goal], dict]:
    """Exponents of time and ratios of memory."""
    from dataset_script.synthetic import synthesize

    figures: dict[str, dict] = {
        name: {"seconds": [], "peak_mb": []} for name in ("export", "stream", "load")
    }
    for size in SIZES:
        cubes, out = root / f"cubes-{size}x", root / f"out-{size}x"
        if not cubes.exists():
            synthesize(cubes, frames=size, seed=1, height=192, width=224, acquisitions=3 * BASE)
        shutil.rmtree(out, ignore_errors=True)
        data = str(out / "hephaestus-minicubes")
        project = str(Path(__file__).resolve().parents[1])
        for name, code in (
            ("export", _EXPORT.format(cubes=str(cubes), out=str(out))),
            ("stream", _STREAM.format(data=data)),
            ("load", _LOAD.format(data=data, root=project)),
        ):
            figures[name]["peak_mb"].append(peak_memory_mb(code))
            if name == "export":
                shutil.rmtree(out)
            figures[name]["seconds"].append(_seconds(code))
    start = _seconds("import dataset_script.export, datasets")
    goals = []
    for name, series in figures.items():
        net = [max(seconds - start, 1e-3) for seconds in series["seconds"]]
        slope = exponent(SIZES, net)
        goals.append(
            Goal(
                f"{name}: exponent of time over samples, 1x to 16x",
                "1.00 ± 0.05",
                f"{slope:.2f}",
                abs(slope - 1) <= 0.05,
            )
        )
        growth = series["peak_mb"][-1] / series["peak_mb"][0]
        said = f"{growth:.2f} times ({series['peak_mb'][-1]:.0f} MB)"
        goals.append(Goal(f"{name}: peak memory, 16x against 1x", "flat", said, growth < 1.25))
    return goals, figures


def _seconds(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - begun
