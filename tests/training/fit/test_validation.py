"""Which weights are measured, and which are saved as the best."""

import math

import pytest
import torch
from accelerate import Accelerator

from tests.training.experiments import history, small
from training.data.sources import open_data
from training.fit import validation
from training.fit.objectives.trainer import Trainer
from training.runs.loaded_run import load_run


def trainer(dataset, run, **overrides):
    config = small(dataset, run, **overrides)
    return Trainer(config, open_data(config, ("train", "validation")), Accelerator())


def scored(monkeypatch, *scores):
    """Let the validations have these scores, one after the other."""
    left = iter(scores)
    monkeypatch.setattr(validation, "overall_metrics", lambda *arguments: {"f1": next(left)})


def test_of_equal_scores_the_first_is_best_and_patience_counts_from_it(
    dataset, tmp_path, monkeypatch
):
    scored(monkeypatch, 0.5, 0.5, 0.4, 0.5)
    subject = trainer(dataset, tmp_path, **{"training.epochs": 9, "training.early_stopping": 3})
    progress = subject.fit()
    assert (progress.best, progress.best_epoch, progress.stale, progress.epoch) == (0.5, 0, 3, 4)
    assert len(history(tmp_path)) == 4
    weights = load_run(tmp_path).model.state_dict()
    last = subject.model.state_dict()
    assert not all(torch.equal(weights[name], last[name]) for name in weights)


@pytest.mark.parametrize("best", ["model", "average"])
def test_the_average_is_measured_with_its_own_weights(dataset, tmp_path, monkeypatch, best):
    scored(monkeypatch, 0.1, 0.2 if best == "average" else 0.05)
    subject = trainer(dataset, tmp_path, **{"training.epochs": 1, "training.ema_decay": 0.9})
    average = subject.ema.module
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.zero_()
    monkeypatch.setattr(subject.ema, "update", lambda *arguments: None)
    subject.fit()
    (record,) = history(tmp_path)
    assert record["validation_ema"]["loss"] == pytest.approx(math.log(2))
    assert record["validation"]["loss"] != pytest.approx(math.log(2), abs=1e-4)
    saved = load_run(tmp_path).model
    expected = average if best == "average" else subject.model
    for name, value in expected.state_dict().items():
        assert torch.equal(saved.state_dict()[name], value), name
