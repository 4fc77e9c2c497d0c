"""The whole path on synthetic data, one printed command at a time: `make demo`.

Everything lands in runs/demo, replacing what an earlier demo left there. Each step is a command
that can be copied and run by hand from the project's folder.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = Path("runs/demo")
CUBES = DEMO / "minicubes"
DATASET = DEMO / "hephaestus-minicubes"
TASKS = ("classification", "segmentation")


def steps() -> list[tuple[str, list[str]]]:
    """The demo's commands, in order, each with what it is for."""
    data, hub = ["python", "-m", "dataset_script"], ["python", "-m", "hub"]
    export = [*data, "export", str(CUBES), str(DEMO), "--config", "ts1", "--config", "ts3"]
    synthesize = [*data, "synthesize", str(CUBES), "--frames", "3", "--seed", "0"]
    plan = [
        ("make synthetic minicubes", [*synthesize, "--workers", "2"]),
        ("look at them", [*data, "inspect", str(CUBES)]),
        ("export a Hub-ready dataset", [*export, "--image-size", "128", "--workers", "2"]),
    ]
    for task in TASKS:
        config = f"configs/demo/{task}.yaml"
        train = ["accelerate", "launch", "--config_file", "configs/accelerate/cpu.yaml"]
        run, model = str(DEMO / task), str(DEMO / "models" / task)
        plan += [
            (f"train for {task}", [*train, "training/train.py", "--config", config]),
            (f"evaluate {task}", ["python", "training/evaluate.py", run]),
            (f"package the {task} model", [*hub, "push-model", run, "--to-folder", model]),
        ]
    model, output = str(DEMO / "models/segmentation"), str(DEMO / "predictions")
    rows = [f"{DATASET}::ts3/test/{number}" for number in (0, 37)]  # turbulent air; a dyke
    return [*plan, ("predict two scenes", [*hub, "predict", model, *rows, "--output", output])]


def run(number: int, total: int, purpose: str, command: list[str]) -> float:
    """Run one command in the project's folder and return how many seconds it took."""
    print(f"\n\033[1m[{number}/{total}] {purpose}\033[0m\n$ {shlex.join(command)}", flush=True)
    scripts = Path(sys.executable).parent
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        sys.exit(f"the demo stopped: step {number} ({purpose}) exited with {done.returncode}")
    return time.perf_counter() - begun


def summary() -> str:
    """A table of the two models' test scores beside the trivial baselines, and where to look."""
    lines = [f"{'':28}{'F1':>8}{'AUROC':>8}{'IoU':>8}"]
    for task in TASKS:
        (path,) = (ROOT / DEMO / task).glob("results/*-test/results.json")
        results = json.loads(path.read_text())
        rows = {task: results["metrics"], **results["baselines"]}
        for name, metrics in rows.items():
            values = [metrics.get(key) for key in ("f1", "auroc", "iou")]
            cells = "".join(f"{v:8.3f}" if v is not None else f"{'-':>8}" for v in values)
            label = name if name == task else f"  baseline: {name.replace('_', ' ')}"
            lines.append(f"{label:28}{cells}")
    figures = sorted(
        path.relative_to(ROOT)
        for folder in (*TASKS, "predictions")
        for path in (ROOT / DEMO / folder).rglob("*.png")
        if "checkpoints" not in path.parts
    )
    lines += ["", "Figures:", *(f"  {path}" for path in figures)]
    lines += [
        "",
        "Try next:",
        f"  HEPHAESTUS_MODEL={DEMO}/models/segmentation make space   # the page, on this model",
        f'  cd {DEMO} && python -c "from datasets import load_dataset; '
        "print(load_dataset('hephaestus-minicubes', 'ts3'))\"",
        f"  python -m hub predict {DEMO}/models/segmentation YOUR.geo.diff_pha.tif --output out",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run every step, then print the summary."""
    shutil.rmtree(ROOT / DEMO, ignore_errors=True)
    plan = steps()
    took = [run(i, len(plan), purpose, command) for i, (purpose, command) in enumerate(plan, 1)]
    print("\n\033[1mDone.\033[0m")
    for (purpose, _), seconds in zip(plan, took, strict=True):
        print(f"  {seconds:6.1f} s  {purpose}")
    print(f"  {sum(took):6.1f} s  in all\n\n{summary()}")


if __name__ == "__main__":
    main()
