"""Tiny models of every library with random weights, and evaluated runs made of nothing."""

import json

import torch

from dataset_script.safe_files import write_json
from tests.hub.facts import KINDS, SIZE, make_facts
from training.config.options import save_config
from training.config.schema import Config, DataConfig
from training.models.build import build_model
from training.runs.files import BEST, write_weights
from training.runs.results import results_folder


def make_model(kind, facts, seed=0):
    """A model with random weights, in eval mode."""
    torch.manual_seed(seed)
    objective, config = KINDS[kind]
    model = build_model(
        config,
        objective=objective,
        num_channels=facts.planes_per_step,
        timeseries_length=facts.timeseries_length,
        num_classes=len(facts.classes),
        image_size=SIZE,
    )
    return model.eval()


def make_input(facts, seed=1):
    """Normalised series, float32 [2, T, C, H, W]."""
    torch.manual_seed(seed)
    return torch.randn(2, facts.timeseries_length, len(facts.channels), SIZE, SIZE)


RESULTS = {
    "objective": "classification",
    "task": "binary",
    "split": "test",
    "samples": 40,
    "positives": 12,
    "config": "ts2",
    "calibration": {"ece_before": 0.2, "ece_after": 0.1, "curve": {}},
    "per_volcano": {"Etna, Vulcano": {"samples": 20, "f1": 0.7}},
    "threshold": 0.37,
    "metrics": {"precision": 0.75, "recall": 0.6, "f1": 2 / 3, "auroc": 0.9, "iou": None},
    "confidence_intervals": {"f1": [0.5, 0.8], "auroc": [0.85, 0.95]},
    "baselines": {"majority": {"f1": 0.0}, "phase gradient": {"f1": 0.3}},
    "per_frame": {
        "000D_00000_000000": {"samples": 20, "f1": 0.7, "auroc": None},
        "001D_00000_000000": {"samples": 20, "f1": 0.6, "auroc": 0.9},
    },
}


def make_run(root, kind="timm", results=RESULTS, **changes):
    """A finished training run, of random weights.

    Returns:
        Its facts and its model.
    """
    objective, config = KINDS[kind]
    facts = make_facts(kind, **changes)
    model = make_model(kind, facts)
    write_weights(model.state_dict(), root / BEST)
    (root / "model.json").write_text(json.dumps(facts.to_dict()))
    save_config(
        Config(
            output=str(root),
            objective=objective,
            data=DataConfig(path=str(root / "secret"), channels=list(facts.channels)),
            model=config,
        ),
        root / "config.yaml",
    )
    if results:
        write_json(results_folder(root, facts.dataset, results["split"]) / "results.json", results)
    return facts, model
