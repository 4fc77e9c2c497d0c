"""Training against the authors' own loop: the same model, the same shards, the same machine.

    python -m benchmarks.models.authors CHECKOUT [--python PYTHON] [--cubes CUBES]

CHECKOUT and PYTHON are those of `benchmarks.data.authors`, which makes the cubes; PYTHON needs
webdataset, torchmetrics, wandb and timm as well. The shards are our export of the cubes in their
layout. Of two epochs the second counts: samples a second of training, in batches of eight, and of
the validation after it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from benchmarks.data.authors import CONFIGS
from benchmarks.harness import Goal, goals_table, machine

ROOT = Path(__file__).resolve().parents[2]
T, BATCH, EPOCHS, THREADS = 3, 8, 2, 2

LOOP = CONFIGS | {
    "num_classes": 2,
    "mixed_precision": False,
    "gradient_clip": None,
    "metric_strategy": "none",
    "wandb": None,
    "device": "cpu",
    "num_workers": THREADS,
    "threads": THREADS,
    "prefetch_factor": 2,
    "persistent_workers": False,
    "webdataset_shuffle_size": 100,
    "webdataset_initial_buffer": 100,
}
"""What their loop reads beside model, data and budget; `threads` is ours."""

_THEIRS = """
import json, sys, time
sys.path.insert(0, ".")
import timm, torch
from utilities import utils
from training import train_supervised as theirs

configs = json.loads(sys.argv[1])
torch.set_num_threads(configs["threads"])
torch.manual_seed(0)

class Counted:
    def __init__(self, loader):
        self.loader, self.count = loader, 0

    def __iter__(self):
        for batch in self.loader:
            self.count += len(batch[0])
            yield batch

training, validation, _ = utils.create_webdataset_loaders(configs)
model = timm.create_model(configs["architecture"], in_chans=9 * 3, num_classes=2)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
criterion = torch.nn.CrossEntropyLoss()
rates = []
for epoch in range(configs["epochs"]):
    for loader, work in (
        (training, lambda batches: theirs.train_epoch(
            batches, model, optimizer, criterion, epoch, configs, False, None)),
        (validation, lambda batches: theirs.test(
            configs, "val", model=model, criterion=criterion, loader=batches, epoch=epoch)),
    ):
        counted, begun = Counted(loader), time.perf_counter()
        work(counted)
        rates.append(counted.count / (time.perf_counter() - begun))
print("rates", json.dumps(rates[-2:]))
"""


def theirs(checkout: Path, python: str, shards: Path, model: str) -> tuple[float, float]:
    """Samples a second of their training and of their validation."""
    configs = LOOP | {
        "architecture": model,
        "task": "classification",
        "batch_size": BATCH,
        "webdataset_root": str(shards),
        "epochs": EPOCHS,
    }
    command = [python, "-c", _THEIRS, json.dumps(configs)]
    done = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
    training, validation = json.loads(done.stdout.split("rates ")[-1])
    return training, validation


def ours(shards: Path, run: Path, model: str) -> tuple[float, float]:
    """The same of ours."""
    shutil.rmtree(run, ignore_errors=True)
    options = {
        "output": run,
        "objective": "classification",
        "task": "binary",
        "data.source": "webdataset",
        "data.path": shards,
        "data.config": f"ts{T}",
        "data.workers": THREADS,
        "model.library": "timm",
        "model.name": model,
        "optimizer.learning_rate": "1e-4",
        "training.epochs": EPOCHS,
        "training.batch_size": BATCH,
        "training.sampling": "all",
        "tracking.trackers": "[]",
    }
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    subprocess.run([sys.executable, "training/train.py", *words], cwd=ROOT, check=True)
    record = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    count = sum(_samples(path) for path in (shards / str(T) / "val").glob("*.tar"))
    timing = record["timing"]
    return timing["samples_per_second"], count / timing["validation_seconds"]


def _samples(shard: Path) -> int:
    with tarfile.open(shard) as file:
        return sum(name.endswith("image.pth") for name in file.getnames())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="of the authors' repository")
    parser.add_argument("--python", default=sys.executable, help="that has their dependencies")
    parser.add_argument("--cubes", type=Path, default=Path("runs/bench/authors/minicubes"))
    parser.add_argument("--model", default="resnet18", help="a name of timm's")
    parser.add_argument("--rounds", type=int, default=2, help="each in turn; the best counts")
    args = parser.parse_args()
    root = args.cubes.absolute().parent
    shards = root / "shards" / "hephaestus-minicubes"
    if not shards.exists():
        command = [sys.executable, "-m", "dataset_script", "export", str(args.cubes.absolute())]
        shape = ["--config", f"ts{T}", "--image-size", "512", "--format", "webdataset"]
        subprocess.run([*command, str(shards.parent), *shape], cwd=ROOT, check=True)
    data = next(path.parent for path in sorted(shards.rglob(str(T))) if path.is_dir())
    rates: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    for _ in range(args.rounds):
        rates["ours"].append(ours(data, root / "run", args.model))
        checkout = args.checkout.absolute()
        rates["theirs"].append(theirs(checkout, args.python, data, args.model))
    goals = []
    for at, what in enumerate(("training", "validation")):
        mine, other = (max(rate[at] for rate in rates[name]) for name in ("ours", "theirs"))
        goals.append(
            Goal(
                f"{what} against the authors' code, {args.model}, same shards",
                "not slower",
                f"{mine / other:.2f} times ({mine:.1f} against {other:.1f} samples/s)",
                mine >= other,
            )
        )
    print(goals_table(goals))
    print(", ".join(f"{key} {value}" for key, value in machine().items()))


if __name__ == "__main__":
    main()
