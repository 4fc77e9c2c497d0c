"""Measure speed and size against the usual pipelines.

    python -m benchmarks                 # everything; prepares runs/bench first (about 20 GB)
    python -m benchmarks --quick         # small cubes and few rounds: a smoke test of the harness

Writes a Markdown table, a JSON file with the machine's description, and a picture of where the
time goes, under --output.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks import picture
from benchmarks.harness import Goal, as_json, goals_table, machine

PARTS = ("reading", "first batch", "storage", "exporting", "training", "scaling")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen parts and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--quick", action="store_true", help="small cubes and few rounds")
    parser.add_argument("--root", type=Path, default=Path("runs/bench"), help="working folder")
    parser.add_argument("--output", type=Path, default=Path("runs/bench/results"))
    parser.add_argument(
        "--dataset",
        type=Path,
        default=Path("runs/demo/hephaestus-minicubes"),
        help="exported dataset for the training part (default: what make demo made)",
    )
    parser.add_argument(
        "--annotations", type=Path, help="folder of the real annotations, to time their grouping"
    )
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)  # the baselines are one process of one thread; so are we
    goals, timings = measure(args)
    args.output.mkdir(parents=True, exist_ok=True)
    record = as_json(goals, timings)
    (args.output / "results.json").write_text(json.dumps(record, indent=1))
    table = goals_table(goals)
    lines = [f"{name}: {value}" for name, value in machine().items()]
    (args.output / "results.md").write_text("\n".join([table, "", *lines, ""]))
    if "reading, warm" in timings:
        picture.draw_rates(timings, args.output / "reading.png")
    if "export, seconds by stage" in timings:
        picture.draw_stages(timings["export, seconds by stage"], args.output / "export.png")
    print(f"\n{table}\n\nwritten: {args.output}")


def measure(args: argparse.Namespace) -> tuple[list[Goal], dict]:
    """The goals and the timings of the chosen parts."""
    from benchmarks.workload import Workload

    small = {"height": 200, "width": 240, "acquisitions": 24, "size": 96, "count": 12}
    work = Workload(args.root / "quick", **small) if args.quick else Workload(args.root / "full")
    work.root.mkdir(parents=True, exist_ok=True)
    timings: dict = {}

    def reading() -> list[Goal]:
        from benchmarks import reading

        goals, warm, cold = reading.measure(work, rounds=2 if args.quick else 5)
        timings["reading, warm"] = warm
        if cold:
            timings["reading, cold"] = cold
        return goals

    def first_batch() -> list[Goal]:
        from benchmarks import first_batch

        return first_batch.measure(work)

    def storage() -> list[Goal]:
        from benchmarks import storage

        return storage.measure(work)

    def exporting() -> list[Goal]:
        from benchmarks import exporting

        goals, timings["export, seconds by stage"] = exporting.measure(work, args.annotations)
        return goals

    def training() -> list[Goal]:
        from benchmarks import training

        torch.set_num_threads(2)
        return training.measure(args.dataset, work.root)

    def scaling() -> list[Goal]:
        from benchmarks import scaling

        goals, timings["scaling"] = scaling.measure(work.root / "scaling")
        return goals

    parts: dict[str, Callable[[], list[Goal]]] = {
        "reading": reading,
        "first batch": first_batch,
        "storage": storage,
        "exporting": exporting,
        "training": training,
        "scaling": scaling,
    }
    if {"reading", "first batch", "storage", "exporting"} & set(args.only):
        print("preparing the workload ...", flush=True)
        work.prepare()
    goals = []
    for name in args.only:
        print(f"measuring: {name} ...", flush=True)
        goals += parts[name]()
        print(goals_table(goals), flush=True)
    return goals, timings


if __name__ == "__main__":
    main()
