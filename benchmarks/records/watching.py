"""How many scenes a minute a record takes in, by one worker and by two, and what memory they need.

python -m benchmarks.records.watching [--scenes 2] [--height 1000 --width 1400] [--memory 500]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from affine import Affine

from hub.inference.batch import predict_many
from hub.repos.loading import IN_THE_BOX

DEGREES = Affine(0.001, 0, 40.0, 0, -0.001, 14.0)


def write_scenes(folder: Path, count: int, height: int, width: int) -> None:
    """Interferograms of rough air, one hill of fringes in each."""
    folder.mkdir()
    rows, columns = np.mgrid[:height, :width]
    for number in range(count):
        rng = np.random.default_rng(number)
        hill = np.exp(-((rows - height / 2) ** 2 + (columns - width / 2) ** 2) / 2000)
        phase = 20 * hill + 0.01 * columns + rng.normal(0, 0.3, (height, width))
        np.savez(
            folder / f"frame_{20180101 + number % 28}_{20180201 + number % 28}_{number}.npz",
            insar_difference=np.angle(np.exp(1j * phase)).astype(np.float32),
            insar_coherence=rng.integers(100, 200, (height, width)).astype(np.uint8),
            transform=np.array(DEGREES[:6]),
            crs="EPSG:4326",
        )


def throughput(scenes: int, height: int, width: int) -> None:
    """Print scenes a minute by one worker and by two, one after the other, both from processes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_scenes(folder / "in", scenes, height, width)
        rates = []
        for workers in (1, 2):
            start = time.perf_counter()
            predict_many(IN_THE_BOX, [folder / "in"], folder / f"out{workers}", workers=workers)
            rates.append(60 * scenes / (time.perf_counter() - start))
        print(
            f"{height} x {width}: {rates[0]:.2f} scenes a minute by one worker, {rates[1]:.2f} by "
            f"two ({rates[1] / rates[0]:.2f} times); load {os.getloadavg()[1]:.1f} on "
            f"{os.cpu_count()} cores"
        )


def memory(scenes: int) -> None:
    """Print this process's memory as it judges scene after scene."""
    process = psutil.Process()
    step = max(1, scenes // 10)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for start in range(0, scenes, step):
            write_scenes(folder / f"in{start}", step, 96, 96)
            predict_many(IN_THE_BOX, [folder / f"in{start}"], folder / "out", progress=False)
            print(f"{start + step} scenes: {process.memory_info().rss / 2**20:.0f} MiB", flush=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=2)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--memory", type=int, metavar="SCENES", help="measure memory instead")
    args = parser.parse_args()
    if args.memory:
        memory(args.memory)
    else:
        throughput(args.scenes, args.height, args.width)


if __name__ == "__main__":
    main()
