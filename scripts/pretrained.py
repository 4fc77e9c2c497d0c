"""Make the model in the box again, from a seed: `make pretrained`.

Hours on two processor cores. Everything lands in runs/pretrained and, at the end, the packaged
model in hub/pretrained. Run again, it goes on where it stopped and ends with the same weights. Each
step is a command that can be copied and run by hand from the project's folder. The options make a
small trial of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import torch  # noqa: E402
from demo import ROOT, run  # noqa: E402

from dataset_script.safe_files import write_json  # noqa: E402

NAME = "deformation-segmenter"
CONFIG = "configs/pretrained/segmentation.yaml"
PACKAGING = "package it"
SEED = 2014
"""Neither the demo nor a test simulates frames of this seed."""


def note(seconds: float) -> str:
    """What the card says of how the model was made."""
    machine = f"{os.cpu_count()} {platform.machine()} processor cores"
    graphics = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"Made from seed {SEED} by `make pretrained` in {seconds / 3600:.1f} hours on {machine} "
        f"and {graphics}."
    )


def options() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python scripts/pretrained.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/pretrained"),
        metavar="DIR",
        help="where cubes, dataset and run go (default %(default)s)",
    )
    parser.add_argument(
        "--package",
        type=Path,
        default=Path("hub/pretrained") / NAME,
        metavar="DIR",
        help="where the packaged model goes (default %(default)s)",
    )
    parser.add_argument(
        "--frames", type=int, default=120, metavar="N", help="simulated frames (default 120)"
    )
    parser.add_argument(
        "--epochs", type=int, metavar="N", help=f"epochs of training (default as in {CONFIG})"
    )
    return parser


def steps(chosen: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """The commands, in order, each with what it is for."""
    data, hub = ["python", "-m", "dataset_script"], ["python", "-m", "hub"]
    runs, cubes = chosen.runs, str(chosen.runs / "minicubes")
    size = ["--height", "320", "--width", "320", "--acquisitions", "36", "--neighbours", "3"]
    synthesize = [*data, "synthesize", cubes, "--frames", str(chosen.frames), "--seed", str(SEED)]
    export = [*data, "export", cubes, str(runs), "--config", "ts1", "--image-size", "192"]
    export += ["--split", "spatial", "--channels", "insar_difference", "insar_coherence", "dem"]
    segmenter, package = str(runs / "segmentation"), str(chosen.package)
    train = ["accelerate", "launch", "training/train.py", "--config", CONFIG, "--resume"]
    train += ["--output", segmenter, "--data.path", str(runs / "hephaestus-minicubes")]
    if chosen.epochs is not None:
        train += ["--training.epochs", str(chosen.epochs)]
    return [
        ("simulate frames of all climates", [*synthesize, *size, "--workers", "2"]),
        ("export them, whole frames apart", [*export, "--no-preview", "--workers", "2"]),
        ("train the segmenter", train),
        ("evaluate it", ["python", "training/evaluate.py", segmenter]),
        (PACKAGING, [*hub, "push-model", segmenter, "--to-folder", package, "--half"]),
    ]


def main() -> None:
    """Run every step; the time of runs that were cut short counts."""
    chosen = options().parse_args()
    spent = ROOT / chosen.runs / "seconds.json"
    took: dict[str, float] = json.loads(spent.read_text()) if spent.exists() else {}
    plan = steps(chosen)
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
    print(f"\nThe model: {chosen.package}")


if __name__ == "__main__":
    main()
