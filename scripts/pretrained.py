"""Make the model in the box again, from a seed: `make pretrained`.

Hours on two processor cores. Everything lands in runs/pretrained and, at the end, the packaged
model in hub/pretrained. Run again, it goes on where it stopped. Each step is a command that can be
copied and run by hand from the project's folder.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from demo import ROOT, run  # noqa: E402

from dataset_script.safe_files import write_json  # noqa: E402

RUNS = Path("runs/pretrained")
CUBES = RUNS / "minicubes"
NAME = "deformation-segmenter"
PACKAGE = Path("hub/pretrained") / NAME
PACKAGING = "package it"
SEED = 2014
"""Neither the demo nor a test simulates frames of this seed."""


def note(seconds: float) -> str:
    """What the card says of how the model was made."""
    machine = f"{os.cpu_count()} {platform.machine()} processor cores"
    return (
        f"Made from seed {SEED} by `make pretrained` in {seconds / 3600:.1f} hours on {machine}, "
        "without a GPU unless accelerate was configured to use one."
    )


def steps() -> list[tuple[str, list[str]]]:
    """The commands, in order, each with what it is for."""
    data, hub = ["python", "-m", "dataset_script"], ["python", "-m", "hub"]
    size = ["--height", "320", "--width", "320", "--acquisitions", "36", "--neighbours", "3"]
    synthesize = [*data, "synthesize", str(CUBES), "--frames", "120", "--seed", str(SEED), *size]
    export = [*data, "export", str(CUBES), str(RUNS), "--config", "ts1", "--image-size", "192"]
    export += ["--split", "spatial", "--channels", "insar_difference", "insar_coherence", "dem"]
    segmenter = str(RUNS / "segmentation")
    train = ["accelerate", "launch", "training/train.py"]
    train += ["--config", "configs/pretrained/segmentation.yaml", "--resume"]
    return [
        ("simulate frames of all climates", [*synthesize, "--workers", "2"]),
        ("export them, whole frames apart", [*export, "--no-preview", "--workers", "2"]),
        ("train the segmenter", train),
        ("evaluate it", ["python", "training/evaluate.py", segmenter]),
        (PACKAGING, [*hub, "push-model", segmenter, "--to-folder", str(PACKAGE), "--half"]),
    ]


def main() -> None:
    """Run every step; the time of runs that were cut short counts."""
    spent = ROOT / RUNS / "seconds.json"
    took: dict[str, float] = json.loads(spent.read_text()) if spent.exists() else {}
    plan = steps()
    for number, (purpose, command) in enumerate(plan, 1):
        if purpose == PACKAGING:
            command += ["--note", note(sum(took.values()))]
        begun = time.perf_counter()
        try:
            run(number, len(plan), purpose, command)
        finally:
            took[purpose] = took.get(purpose, 0.0) + time.perf_counter() - begun
            spent.parent.mkdir(parents=True, exist_ok=True)
            write_json(spent, took)
    print("\n\033[1mDone.\033[0m")
    for purpose, seconds in took.items():
        print(f"  {seconds / 60:6.1f} min  {purpose}")
    print(f"\nThe model in the box: {PACKAGE}")


if __name__ == "__main__":
    main()
