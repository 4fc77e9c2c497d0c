"""F1 at equal budget: the demo's two networks, trained by our loop and by the authors'.

    make demo
    python -m benchmarks.models.equal_budget CHECKOUT [--python PYTHON]

CHECKOUT and PYTHON are those of `benchmarks.models.authors`; PYTHON needs
segmentation-models-pytorch too. The same samples (the demo's cubes in their layout), epochs,
networks from scratch, batch size, optimiser and learning rate. Theirs is the model of the least
validation loss, as their code keeps it, or the last one if that does better, with the class of the
larger logit; ours is the demo's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import yaml

from benchmarks.harness import Goal, goals_table, machine
from benchmarks.models.authors import LOOP

ROOT = Path(__file__).resolve().parents[2]
DEMO, T, SIZE = ROOT / "runs/demo", 3, 128

_THEIRS = """
import copy, json, sys
sys.path.insert(0, ".")
import segmentation_models_pytorch, timm, torch
from utilities import utils
from training import train_supervised as theirs

configs = json.loads(sys.argv[1])
torch.set_num_threads(configs["threads"])
torch.manual_seed(0)
training, validation, testing = utils.create_webdataset_loaders(configs)
if configs["task"] == "classification":
    model = timm.create_model(configs["architecture"], in_chans=27, num_classes=2)
else:
    model = segmentation_models_pytorch.Unet(
        configs["encoder"], encoder_weights=None, in_channels=27, classes=2, **configs["options"]
    )
optimizer = torch.optim.AdamW(
    model.parameters(), lr=configs["lr"], weight_decay=configs["weight_decay"]
)
criterion = torch.nn.CrossEntropyLoss()
least, best = float("inf"), None
for epoch in range(configs["epochs"]):
    theirs.train_epoch(training, model, optimizer, criterion, epoch, configs, False, None)
    loss = theirs.test(
        configs, "val", model=model, criterion=criterion, loader=validation, epoch=epoch
    )
    if loss < least:
        least, best = loss, copy.deepcopy(model.state_dict())

@torch.no_grad()
def f1():
    hits = misses = alarms = 0
    model.eval()
    for image, label, _ in testing:
        found, true = model(image).argmax(1) == 1, label == 1
        hits += int((found & true).sum())
        misses += int((~found & true).sum())
        alarms += int((found & ~true).sum())
    return 2 * hits / max(2 * hits + misses + alarms, 1)

last = f1()
model.load_state_dict(best)
print("f1", last, f1())
"""


def theirs(checkout: Path, python: str, shards: Path, task: str) -> tuple[float, float]:
    """F1 of deformation on the test split, and the minutes that it took."""
    demo = yaml.safe_load((ROOT / f"configs/demo/{task}.yaml").read_text())
    configs = LOOP | {
        "image_size": SIZE,
        "architecture": demo["model"]["name"],
        "encoder": demo["model"].get("encoder"),
        "options": demo["model"].get("options", {}),
        "task": task,
        "lr": demo["optimizer"]["learning_rate"],
        "weight_decay": demo["optimizer"]["weight_decay"],
        "epochs": demo["training"]["epochs"],
        "batch_size": demo["training"]["batch_size"],
        "webdataset_root": str(shards),
    }
    begun = time.perf_counter()
    command = [python, "-c", _THEIRS, json.dumps(configs)]
    done = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
    scores = [float(word) for word in done.stdout.split("f1 ")[-1].split()]
    return max(scores), (time.perf_counter() - begun) / 60


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="of the authors' repository")
    parser.add_argument("--python", default=sys.executable, help="that has their dependencies")
    args = parser.parse_args()
    out = DEMO.parent / "bench/equal-budget"
    shards = out / "hephaestus-minicubes"
    if not (shards / "README.md").exists():
        command = [sys.executable, "-m", "dataset_script", "export", str(DEMO / "minicubes")]
        shape = ["--config", f"ts{T}", "--image-size", str(SIZE), "--format", "webdataset"]
        subprocess.run([*command, str(out), *shape, "--seed", "0"], cwd=ROOT, check=True)
    data = next(path.parent for path in sorted(shards.rglob(str(T))) if path.is_dir())
    goals = []
    for task in ("classification", "segmentation"):
        (results,) = (DEMO / task / "results").glob("*/results.json")
        mine = json.loads(results.read_text())["metrics"]["f1"]
        other, minutes = theirs(args.checkout.absolute(), args.python, data, task)
        goals.append(
            Goal(
                f"F1 of the demo's {task} against the authors' loop, as many epochs",
                "above",
                f"{mine:.2f} against {other:.2f} (theirs in {minutes:.1f} minutes)",
                mine > other,
            )
        )
    print(goals_table(goals))
    print(", ".join(f"{key} {value}" for key, value in machine().items()))


if __name__ == "__main__":
    main()
