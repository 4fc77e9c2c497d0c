"""Growth: time and memory of each long task at 1, 4 and 16 times the samples.

Every figure comes from a process of its own. Time is that of the work alone, without imports;
memory is the peak of what the process holds itself, without the pages of files it has mapped.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, exponent

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1, 4, 16)
SIDE = 96
SCENES = 3
"""Scenes that are predicted at size 1; each has its files and its figure written."""

SHORT = 10.0
"""A task that takes fewer seconds is measured three times, and the median kept."""

FLAT = 1.25
"""Growth of the peak from size 4 to 16 that still counts as flat: allocators are not exact. Size 1
does not yet fill the buffers, which hold a row group of 64 MB."""

_FRAME = """
import json, os, sys, threading, time
sys.path.insert(0, {root!r})
from pathlib import Path
{imports}

peak = 0
def watch():
    global peak
    while True:  # memory of its own: pages of mapped files are the kernel's to take back
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        peak = max(peak, int(status["RssAnon"].split()[0]) / 1024)
        time.sleep(0.02)

threading.Thread(target=watch, daemon=True).start()
begun = time.perf_counter()
{work}
print("FIGURES", json.dumps([time.perf_counter() - begun, peak]), flush=True)
os._exit(0)  # pyarrow's reading threads can abort an interpreter that ends while they wind up
"""

_TASKS = {
    "export": (
        "from dataset_script.export import export",
        "export({cubes!r}, {out!r}, configs=['ts3'], image_size={side}, progress=False)",
    ),
    "loading": (
        "import tempfile\nfrom datasets import load_dataset",
        "with tempfile.TemporaryDirectory() as cache:\n"
        "    load_dataset({data!r}, 'ts3', cache_dir=cache)",
    ),
    "streaming": (
        "from datasets import load_dataset",
        "for rows in load_dataset({data!r}, 'ts3', streaming=True).with_format('arrow').values():\n"
        "    assert sum(1 for _ in rows)",
    ),
    "training, one epoch": (
        "import shutil\nfrom training.config.options import load_config\n"
        "from training.fit.experiment import train",
        "options = {{'data.path': {data!r}, 'output': {run!r}, 'training.epochs': 1,\n"
        "    'training.validate_every': 1, 'training.sampling': 'all', 'tracking.trackers': []}}\n"
        "shutil.rmtree({run!r}, ignore_errors=True)\n"
        "train(load_config('configs/demo/classification.yaml', options))",
    ),
    "evaluation": (
        "import shutil\nfrom training.evaluation.evaluating import evaluate",
        # Results of another size are not to be taken for these, nor these to be kept.
        "shutil.rmtree(Path({first_run!r}) / 'results', ignore_errors=True)\n"
        "evaluate(Path({first_run!r}), 'train', {data!r})",
    ),
    "prediction": (
        "import shutil\nfrom hub.inference.batch import predict_many",
        "shutil.rmtree({predictions!r}, ignore_errors=True)\n"
        "rows = [{data!r} + f'::ts3/train/{{i % {rows}}}' for i in range({scenes})]\n"
        "predict_many({model!r}, rows, Path({predictions!r}), progress=False)",
    ),
}


def measure(root: Path, acquisitions: int = 120) -> tuple[list[Goal], dict[str, Any]]:
    """Exponents of time over samples, and growth of memory.

    Args:
        root: Scratch folder; the minicubes are kept there.
        acquisitions: Dates of each simulated frame.

    Returns:
        The goals, and samples, seconds and peak megabytes by task.
    """
    figures: dict[str, dict[str, list[float]]] = {
        task: {"samples": [], "seconds": [], "peak_mb": []} for task in _TASKS
    }
    for size in SIZES:
        places = _prepare(root, size, acquisitions)
        for task in _TASKS:
            seconds, peak = _measured(task, places)
            if task == "export":
                places |= _facts(Path(places["data"]))
            if task == "training, one epoch" and size == SIZES[0]:
                _package(places)
            series = figures[task]
            handled = {"prediction": places["scenes"], "evaluation": places["rows"]}
            series["samples"].append(handled.get(task, places.get("samples", 0)))
            series["seconds"].append(seconds)
            series["peak_mb"].append(peak)
            print(f"  {task}, {series['samples'][-1]}: {seconds:.2f} s, {peak:.0f} MB", flush=True)
    goals = []
    for task, series in figures.items():
        slope = exponent(series["samples"], series["seconds"])
        said = f"{slope:.2f} ({' / '.join(f'{s:.1f}' for s in series['seconds'])} s)"
        goals.append(
            Goal(
                f"{task}: time over samples, exponent", "1.00 ± 0.05", said, abs(slope - 1) <= 0.05
            )
        )
        growth = series["peak_mb"][-1] / series["peak_mb"][-2]
        said = f"{growth:.2f} times ({' / '.join(f'{mb:.0f}' for mb in series['peak_mb'])} MB)"
        goals.append(Goal(f"{task}: peak memory, 16x against 4x", "flat", said, growth <= FLAT))
    return goals, figures


def _prepare(root: Path, size: int, acquisitions: int) -> dict[str, Any]:
    from dataset_script.synthetic.pipeline import synthesize

    cubes, out = root / f"cubes-{size}x", root / f"{size}x"
    if not (cubes / "annotations.json").exists():  # which are written last
        shutil.rmtree(cubes, ignore_errors=True)
        synthesize(
            cubes, frames=size, seed=1, height=128, width=160, acquisitions=acquisitions, workers=2
        )
    shutil.rmtree(out, ignore_errors=True)
    return {
        "cubes": str(cubes),
        "out": str(out),
        "data": str(out / "hephaestus-minicubes"),
        "run": str(out / "run"),
        "first_run": str(root / f"{SIZES[0]}x" / "run"),
        "model": str(root / f"{SIZES[0]}x" / "model"),
        "predictions": str(out / "predictions"),
        "scenes": SCENES * size,
        "side": SIDE,
    }


def _facts(data: Path) -> dict[str, int]:
    counts = json.loads((data / "metadata.json").read_text())["configs"]["ts3"]["counts"]
    samples = sum(split["samples"] for split in counts.values())
    return {"samples": samples, "rows": counts["train"]["samples"]}


def _package(places: Mapping[str, Any]) -> None:
    command = [sys.executable, "-m", "hub", "push-model", places["run"], "--to-folder"]
    subprocess.run([*command, places["model"]], cwd=ROOT, check=True, capture_output=True)


def _measured(task: str, places: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds and peak megabytes."""
    imports, work = _TASKS[task]
    code = _FRAME.format(root=str(ROOT), imports=imports, work=work.format(**places))
    runs: list[tuple[float, float]] = []
    while len(runs) < 3:
        if task == "export":
            shutil.rmtree(places["out"], ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode or "FIGURES" not in done.stdout:
            raise RuntimeError(f"{task} failed:\n{done.stderr[-2000:]}")
        seconds, peak = json.loads(done.stdout.rsplit("FIGURES", 1)[1])
        runs.append((seconds, peak))
        if seconds > SHORT:
            break
    return statistics.median(s for s, _ in runs), max(peak for _, peak in runs)
