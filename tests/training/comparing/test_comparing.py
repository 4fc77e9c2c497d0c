"""Runs side by side, from what was stored of their answers."""

import datetime
import json
from types import SimpleNamespace

import numpy as np
import pytest

from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.training.experiments import small
from tests.training.processes import run_script
from training.comparing import comparison
from training.comparing.comparison import compare, read_candidates
from training.config.options import load_config, save_config
from training.data.sources import open_data
from training.data.tasks import Task
from training.evaluation.predictions import BINS, Predictions
from training.evaluation.stored import PREDICTIONS, write_predictions
from training.facts import ModelFacts
from training.runs.results import results_folder


def make_run(root, dataset, margins, objective="classification", name=None, positive=None):
    """A run that gives each test sample of `dataset` one margin, with no model behind it."""
    config = small(dataset, root, objective, name=name or root.name)
    samples = open_data(config, ("test",)).splits["test"]
    facts = ModelFacts(
        objective, "binary", Task.of(config, 3).classes, False, "timm", "none",
        tuple(config.data.channels), (0.0,) * 3, (1.0,) * 3, 3, 32, dataset="made-up rows",
        unsure=(0.3, 0.6),
    )  # fmt: skip
    count, truth = len(samples), samples.positive if positive is None else positive
    margins = np.asarray(margins, float)
    values = {}
    if objective == "classification":
        values["logits"] = np.stack([0 * margins, margins], -1)[:, None].astype("float32")
        values["targets"] = truth[:, None].astype("int64")
    else:
        values["histogram"] = np.zeros((count, 2, BINS), "int64")
        values["histogram"][np.arange(count), truth.astype(int), BINS // 2 + 3] = 100
        values["confusion"] = np.zeros((count, 2, 2), "int64")
        values["peak"] = 1 / (1 + np.exp(-margins))
    found = Predictions(samples.task, np.full(count, np.nan), **values)
    root.mkdir()
    (root / "model.json").write_text(json.dumps(facts.to_dict()))
    save_config(config, root / "config.yaml")
    line = {"epoch": 0, "train": {"loss": 1.0}, "validation": {"loss": 1.0, "f1": 0.5}}
    (root / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    path = results_folder(root, "made-up rows") / PREDICTIONS
    write_predictions(path, found, samples, facts, "made-up rows", "test")
    return root


@pytest.fixture(scope="module")
def truth(dataset):
    return open_data(small(dataset, "unused"), ("test",)).splits["test"].positive


@pytest.fixture(scope="module")
def three(dataset, truth, tmp_path_factory):
    """A run that knows everything, its twin, and one that is wrong about every second sample."""
    root, right = tmp_path_factory.mktemp("three"), np.where(truth, 2.0, -2.0)
    wrong = np.where(np.arange(len(truth)) % 4 < 2, right, -right)
    return [
        make_run(root / name, dataset, margins)
        for name, margins in (("good", right), ("twin", right * 1.5), ("poor", wrong))
    ]


def test_equal_runs_do_not_differ_and_a_poor_one_does(three, truth):
    found = compare(read_candidates(three))
    good, twin, poor = found.rows
    assert good.metrics["f1"] == good.metrics["auroc"] == 1 and not good.differences
    assert twin.paired["f1"] == [0, 0] and not twin.differs("f1")
    assert poor.differs("f1") and poor.paired["f1"][1] < 0
    share = np.mean(np.arange(len(truth)) % 4 < 2)
    assert poor.metrics["recall"] == pytest.approx(share, abs=0.2)
    assert poor.differences["f1"] == poor.metrics["f1"] - 1
    assert found.groups == len({*good.candidate.stored.groups}) and found.left_out == 0


def test_paired_intervals_are_narrower_than_independent_ones(three, dataset, truth, tmp_path):
    """A run that errs where another does, and once more: the draws that hurt one hurt the other."""
    margins = np.where(np.arange(len(truth)) % 4 < 2, 2.0, -2.0) * np.where(truth, 1, -1)
    margins[0] = -margins[0]
    other = make_run(tmp_path / "near", dataset, margins)
    poor, near = compare(read_candidates([three[2], other])).rows
    paired = np.ptp(near.paired["f1"])
    apart = np.hypot(np.ptp(near.intervals["f1"]), np.ptp(poor.intervals["f1"]))
    assert 0 < paired < 0.8 * apart


def test_what_cannot_be_compared_is_told(three, dataset, truth, tmp_path):
    good, twin, _ = three
    for runs, told in (
        ([good], "two runs at least"),
        ([good, good], "given twice"),
        ([good, tmp_path], "is this a training run"),
    ):
        with pytest.raises(ConfigError, match=told):
            read_candidates(runs)
    with pytest.raises(ConfigError, match=r"evaluate\.py .*good --split validation` first"):
        read_candidates([good, twin], "validation")
    pixels = make_run(tmp_path / "pixels", dataset, truth - 0.5, "segmentation")
    with pytest.raises(ConfigError, match="images and pixels cannot be held"):
        read_candidates([good, pixels])
    turned = make_run(tmp_path / "turned", dataset, truth - 0.5, positive=~truth)
    with pytest.raises(ConfigError, match="the annotations, or mask_target, differ"):
        compare(read_candidates([good, turned]))


def test_command_line_of_segmenters(dataset, truth, tmp_path):
    runs = [
        make_run(tmp_path / name, dataset, truth - 0.5, "segmentation", "same") for name in "ab"
    ]
    config = load_config(runs[1] / "config.yaml", {"optimizer.learning_rate": 0.5})
    save_config(config, runs[1] / "config.yaml")
    out = tmp_path / "out"
    status, said, errors = run_script(ROOT / "training/compare.py", *runs, "--output", out)
    assert status == 0, errors
    assert "IoU" in said and "`optimizer.learning_rate` | 0.0001" in said and " 0.5 " in said
    assert "| key                       | a      | b   |" in said  # of one name: by their folders
    assert said.startswith((out / "comparison.md").read_text())
    record = json.loads((out / "comparison.json").read_text())
    assert record["runs"][1]["paired_intervals"]["iou"] == [0, 0]
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_several_samples_of_one_row_are_told_by_the_steps_that_they_show(three):
    stored = read_candidates(three)[0].stored
    assert len(set(stored.secondary_dates[0])) == 3
    first, second = ((datetime.date(2020, 1, day),) for day in (13, 25))

    def counted(run, *samples):
        shown, truth = zip(*samples, strict=True)
        named = SimpleNamespace(run=run)
        return SimpleNamespace(
            samples=[("a", days) for days in shown], truth=truth, candidate=named
        )

    one = counted("one", (first, True), (second, False))
    comparison._require_same_truth([one, counted("two", (second, False), (first, True))])
    with pytest.raises(ConfigError, match="sample a deforms for one or for two, not for both"):
        comparison._require_same_truth([one, counted("two", (second, True))])
