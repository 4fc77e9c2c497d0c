"""Export against the authors' own code, on the same simulated cubes.

    git clone https://github.com/Orion-AI-Lab/Hephaestus-minicubes
    python -m benchmarks.data.authors Hephaestus-minicubes [--python PYTHON]

PYTHON is an interpreter that has what their code imports (torch, xarray, zarr, dask, einops,
albumentations, seaborn, matplotlib); this one if left out. Their dataset class cuts the samples,
and the members of their shards are written one after the other, as their writer does without its
processes. Ours is the export of one process. Both are whole commands, start included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, goals_table, machine

ROOT = Path(__file__).resolve().parents[2]
SIZE, T = 512, 3

CONFIGS: dict[str, Any] = {
    "statistics": "statistics.json",
    "image_size": SIZE,
    "seed": 333,
    "timeseries_length": T,
    "mask_target": "union",
    "atmospheric_channels": [
        "total_column_water_vapour",
        "surface_pressure",
        "vertical_integral_of_temperature",
    ],
    "geomorphology_channels": ["insar_difference", "insar_coherence", "dem"],
    "webdataset": True,
    "augment": False,
    "train_years": ["20140101", "20190531"],
    "val_years": ["20190601", "20191231"],
    "test_years": ["20200101", "20211231"],
}
"""What their code reads, as their own file of it has it."""

_THEIRS = """
import io, json, pathlib, sys, tarfile
sys.path.insert(0, ".")
import torch
from dataset.dataset_utils import InSarDataset

configs = json.loads(sys.argv[1])
out = pathlib.Path(sys.argv[2])
count = 0
for mode in ("train", "val", "test"):
    data = InSarDataset(configs, mode, webdataset_write=True)
    with tarfile.open(out / f"{mode}.tar", "w") as shard:
        for index in range(len(data)):
            image, labels, sample = data[index]
            members = {"image": image.clone(), "labels": labels.clone(), "sample": sample}
            for name, value in members.items():
                buffer = io.BytesIO()
                torch.save(value, buffer)
                info = tarfile.TarInfo(f"sample{index:06d}.{name}.pth")
                info.size = buffer.tell()
                buffer.seek(0)
                shard.addfile(info, buffer)
    count += len(data)
print("samples", count)
"""


@dataclass(frozen=True)
class Spent:
    """What a command took.

    Attributes:
        samples: Samples written.
        cpu: Seconds of the processor a sample, of all threads.
        memory: Most memory, MB.
        size: Bytes a sample on disk, MB.
    """

    samples: int
    cpu: float
    memory: float
    size: float


def theirs(checkout: Path, python: str, cubes: Path, out: Path) -> Spent:
    """Their dataset of series of three, written as shards."""
    configs = CONFIGS | {
        "annotation_path": str(cubes / "annotations.json"),
        "zarr_path": str(cubes),
        "timeseries_data": str(cubes / "timeseries.json"),
        "architecture": "resnet50",
    }
    command = [python, "-c", _THEIRS, json.dumps(configs), str(out)]
    said, cpu, memory = _run(command, checkout)
    return _spent(int(said.split("samples ")[-1]), cpu, memory, out)


def ours(cubes: Path, out: Path) -> Spent:
    """The same series by our export, Parquet with the whole atmosphere."""
    command = [sys.executable, "-m", "dataset_script", "export", str(cubes), str(out)]
    _, cpu, memory = _run([*command, "--config", f"ts{T}", "--image-size", str(SIZE)], ROOT)
    (metadata,) = out.rglob("metadata.json")
    counts = json.loads(metadata.read_text())["configs"][f"ts{T}"]["counts"].values()
    return _spent(sum(split["samples"] for split in counts), cpu, memory, out)


def _spent(samples: int, cpu: float, memory: float, out: Path) -> Spent:
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return Spent(samples, cpu / samples, memory, size / samples / 1e6)


def _run(command: Sequence[str], folder: Path) -> tuple[str, float, float]:
    """Standard output, seconds of the processor and most MB of memory of a command."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}:\n{said[-1000:]}")
    return said, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="of the authors' repository")
    parser.add_argument("--python", default=sys.executable, help="that has their dependencies")
    parser.add_argument("--root", type=Path, default=Path("runs/bench/authors"))
    parser.add_argument("--rounds", type=int, default=2, help="each in turn; the best counts")
    args = parser.parse_args()
    root = args.root.absolute()
    cubes = root / "minicubes"
    if not (cubes / "synthesis.json").exists():
        shutil.rmtree(cubes, ignore_errors=True)
        # In a process of its own: a child counts the memory that its parent had at the start.
        command = [sys.executable, "-m", "dataset_script", "synthesize", str(cubes)]
        shape = ["--height", "1000", "--width", "1400", "--acquisitions", "72"]
        subprocess.run([*command, "--frames", "1", *shape], cwd=ROOT, check=True)
    found: dict[str, list[Spent]] = {"ours": [], "theirs": []}
    for number in range(args.rounds):
        for name, taken in found.items():
            out = root / f"{name}-{number}"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            checkout = args.checkout.absolute()
            taken.append(
                ours(cubes, out) if name == "ours" else theirs(checkout, args.python, cubes, out)
            )
            shutil.rmtree(out)
    best = {name: min(taken, key=lambda spent: spent.cpu) for name, taken in found.items()}
    mine, other = best["ours"], best["theirs"]
    less, lean = other.cpu / mine.cpu, other.memory / mine.memory
    goals = [
        Goal(
            "export against the authors' code, processor a sample",
            "2.8 times less",
            f"{less:.1f} times less ({mine.cpu:.2f} against {other.cpu:.2f} s; "
            f"{mine.samples} and {other.samples} samples)",
            less >= 2.8,
        ),
        Goal(
            "the same, most memory",
            "3.5 times less",
            f"{lean:.1f} times less ({mine.memory:.0f} against {other.memory:.0f} MB)",
            lean >= 3.5,
        ),
        Goal(
            "the same, bytes a sample on disk",
            "said",
            f"{mine.size:.1f} against {other.size:.1f} MB",
            True,
        ),
    ]
    print(goals_table(goals))
    print(", ".join(f"{key} {value}" for key, value in machine().items()))


if __name__ == "__main__":
    main()
