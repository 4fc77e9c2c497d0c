"""Captioners in two sizes and a retriever, on simulated pairs: `make captions`.

Under an hour on two processor cores. Everything lands in runs/captions: the data, a run of each
size with its results, and the packaged models. Run again, it goes on where it stopped. Each step is
a command that can be copied and run by hand from the project's folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from demo import ROOT, run  # noqa: E402

RUNS = Path("runs/captions")
SWEEP = "configs/sweeps/caption.yaml"
SIZES = ("small", "medium")
SEED = 1919
"""No other model or test is made of frames of this seed."""


def steps(frames: int) -> list[tuple[str, list[str]]]:
    """The commands, in order, each with what it is for."""
    data, hub = ["python", "-m", "dataset_script"], ["python", "-m", "hub"]
    cubes, dataset = str(RUNS / "minicubes"), RUNS / "hephaestus-minicubes"
    # A frame is a crop: a caption tells where in the frame something lies.
    frame = ["--height", "96", "--width", "96", "--acquisitions", "24", "--neighbours", "3"]
    synthesize = [*data, "synthesize", cubes, "--frames", str(frames), "--seed", str(SEED), *frame]
    export = [*data, "export", cubes, str(RUNS), "--config", "ts1", "--image-size", "96"]
    export += ["--split", "spatial", "--channels", "insar_difference", "insar_coherence", "dem"]
    plan = []
    if not (ROOT / dataset / "README.md").exists():
        plan = [
            ("simulate frames of all climates", [*synthesize, "--workers", "2"]),
            ("export them, whole frames apart", [*export, "--no-preview", "--workers", "2"]),
        ]
    plan.append(("train and evaluate both sizes", ["python", "training/sweep.py", SWEEP]))
    for size in SIZES:
        trained = str(RUNS / "sweep" / f"{size}-single-image" / "seed-0")
        package = [*hub, "push-model", trained, "--to-folder", str(RUNS / "models" / size)]
        plan.append((f"package the {size} one", package))
    trained = str(RUNS / "retrieval")
    config = ["--config", "configs/retrieval/simulated.yaml", "--resume"]
    package = [*hub, "push-model", trained, "--to-folder", str(RUNS / "models" / "retrieval")]
    return [
        *plan,
        ("train what finds by a sentence", ["python", "training/train.py", *config]),
        ("evaluate it", ["python", "training/evaluate.py", trained]),
        ("package it", package),
    ]


def main() -> None:
    """Run every step."""
    parser = argparse.ArgumentParser(
        prog="python scripts/captions.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--frames", type=int, default=240, metavar="N", help="simulated frames (%(default)s)"
    )
    plan = steps(parser.parse_args().frames)
    took = [run(n, len(plan), purpose, command) for n, (purpose, command) in enumerate(plan, 1)]
    print("\n\033[1mDone.\033[0m")
    for (purpose, _), seconds in zip(plan, took, strict=True):
        print(f"  {seconds / 60:6.1f} min  {purpose}")


if __name__ == "__main__":
    main()
