"""Make the model in the box again, from a seed: `make pretrained`.

Hours on two processor cores. Everything lands in runs/pretrained and, at the end, the packaged
model in hub/pretrained. Run again, it goes on where it stopped. Each step is a command that can be
copied and run by hand from the project's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo import run

RUNS = Path("runs/pretrained")
CUBES = RUNS / "minicubes"
NAME = "deformation-segmenter"
PACKAGE = Path("hub/pretrained") / NAME
SEED = 2014
"""Neither the demo nor a test simulates frames of this seed."""


def steps() -> list[tuple[str, list[str]]]:
    """The commands, in order, each with what it is for."""
    data, hub = ["python", "-m", "dataset_script"], ["python", "-m", "hub"]
    size = ["--height", "320", "--width", "320", "--acquisitions", "36", "--neighbours", "3"]
    synthesize = [*data, "synthesize", str(CUBES), "--frames", "48", "--seed", str(SEED), *size]
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
        ("package it", [*hub, "push-model", segmenter, "--to-folder", str(PACKAGE), "--half"]),
    ]


def main() -> None:
    """Run every step."""
    plan = steps()
    took = [run(i, len(plan), purpose, command) for i, (purpose, command) in enumerate(plan, 1)]
    print("\n\033[1mDone.\033[0m")
    for (purpose, _), seconds in zip(plan, took, strict=True):
        print(f"  {seconds / 60:6.1f} min  {purpose}")
    print(f"\nThe model in the box: {PACKAGE}")


if __name__ == "__main__":
    main()
