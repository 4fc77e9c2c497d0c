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

from benchmarks.data import picture
from benchmarks.harness import Goal, Timing, as_json, goals_table, machine

PARTS = (
    "reading",
    "first batch",
    "storage",
    "exporting",
    "training",
    "scaling",
    "waiting",
    "evaluating",
)


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
    if "training" in args.only and not args.dataset.is_dir():
        parser.error(
            f"there is no dataset {args.dataset}: run `make demo` first, or give --dataset"
        )
    torch.set_num_threads(1)  # the baselines are one process of one thread; so are we
    record = measure(args)
    drawn = {name: g for part in record["parts"].values() for name, g in part["timings"].items()}
    if "reading, warm" in drawn:
        picture.draw_rates(
            {
                name: {who: Timing(**timing) for who, timing in group.items()}
                for name, group in drawn.items()
                if name.startswith("reading")
            },
            args.output / "reading.png",
        )
    if "export, seconds by stage" in drawn:
        picture.draw_stages(drawn["export, seconds by stage"], args.output / "export.png")
    print(f"\nwritten: {args.output}")


def measure(args: argparse.Namespace) -> dict:
    """Measure the chosen parts, and write results after each; other parts keep what they had."""
    from benchmarks.data.workload import Workload

    small = {"height": 200, "width": 240, "acquisitions": 24, "size": 96, "count": 12}
    work = Workload(args.root / "quick", **small) if args.quick else Workload(args.root / "full")
    work.root.mkdir(parents=True, exist_ok=True)
    timings: dict = {}

    def reading() -> list[Goal]:
        from benchmarks.data import reading

        goals, warm, cold = reading.measure(work, rounds=2 if args.quick else 9)
        timings["reading, warm"] = warm
        if cold:
            timings["reading, cold"] = cold
        return goals

    def first_batch() -> list[Goal]:
        from benchmarks.data import first_batch

        return first_batch.measure(work)

    def storage() -> list[Goal]:
        from benchmarks.data import exporting

        return exporting.stored_sizes(work)

    def exporting() -> list[Goal]:
        from benchmarks.data import exporting

        goals, timings["export, seconds by stage"] = exporting.measure(work, args.annotations)
        return goals

    def training() -> list[Goal]:
        from benchmarks.models import training

        torch.set_num_threads(2)
        return training.measure(args.dataset, work.root)

    def scaling() -> list[Goal]:
        from benchmarks.models import scaling

        goals, timings["scaling"] = scaling.measure(work.root / "scaling")
        return goals

    def waiting() -> list[Goal]:
        from benchmarks.models import waiting

        torch.set_num_threads(1)
        goals, found = waiting.measure(work.root, args.quick)
        timings.update(found)
        return goals

    def evaluating() -> list[Goal]:
        from benchmarks.models import evaluating

        goals, timings["evaluating"] = evaluating.measure()
        return goals

    parts: dict[str, Callable[[], list[Goal]]] = {
        "reading": reading,
        "first batch": first_batch,
        "storage": storage,
        "exporting": exporting,
        "training": training,
        "scaling": scaling,
        "waiting": waiting,
        "evaluating": evaluating,
    }
    if {"reading", "first batch", "storage", "exporting"} & set(args.only):
        print("preparing the workload ...", flush=True)
        work.prepare()
    args.output.mkdir(parents=True, exist_ok=True)
    file = args.output / "results.json"
    record = json.loads(file.read_text()) if file.exists() else {"parts": {}}
    for name in args.only:
        print(f"measuring: {name} ...", flush=True)
        timings.clear()
        goals = parts[name]()
        print(goals_table(goals), flush=True)
        record["parts"][name] = as_json(goals, timings)
        record["parts"] = {part: record["parts"][part] for part in PARTS if part in record["parts"]}
        file.write_text(json.dumps(record, indent=1))
        every = [Goal(**goal) for part in record["parts"].values() for goal in part["goals"]]
        lines = [f"{key}: {value}" for key, value in machine().items()]
        (args.output / "results.md").write_text("\n".join([goals_table(every), "", *lines, ""]))
    return record


if __name__ == "__main__":
    main()
