"""What other tasks measure and what is chosen on validation, once more from raw answers."""

import json
import shutil

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from sklearn import metrics as sk

from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS
from tests.training.experiments import samples_of, small
from training.data.tasks import IGNORED
from training.evaluation import predictions
from training.evaluation.calibration import fit_temperature, to_margin, to_probability
from training.evaluation.detection import Detection
from training.evaluation.evaluating import describe, evaluate, make_forward
from training.evaluation.operating_point import choose_temperature, choose_threshold, scene_scores
from training.evaluation.predictions import predict
from training.evaluation.scenes import choose_limits
from training.fit.experiment import train
from training.runs.loaded_run import load_run
from training.runs.results import results_folder


def test_tables_set_their_members_against_the_right_others(dataset, tmp_path, undrawn):
    run = train(small(dataset, tmp_path / "run", **{"training.epochs": 2}))
    loaded, results = load_run(run), evaluate(run)
    logits, _, _ = answers_of(loaded, dataset, "test")
    scores = (logits[:, 1] - logits[:, 0]).numpy()
    called = 1 / (1 + np.exp(-scores / loaded.facts.temperature)) >= loaded.facts.threshold
    samples = samples_of(dataset, "test")
    truth = samples.positive
    facts, labels = zip(*((samples.metadata(i), samples.labels(i)) for i in range(10)), strict=True)
    tables = ("frame", "volcano", "activity_type", "intensity", "confounder")
    members = {f"per_{table}": {} for table in tables}
    for i in range(10):
        members["per_frame"].setdefault(facts[i].frame_id, set()).add(i)
        members["per_volcano"].setdefault(", ".join(facts[i].volcanoes), set()).add(i)
        for code in {code for step in labels[i].activity_types for code in step}:
            members["per_activity_type"].setdefault(ACTIVITY_TYPES[code], set()).add(i)
        for code in {code for step in labels[i].intensity_levels for code in step} - {0}:
            members["per_intensity"].setdefault(INTENSITY_LEVELS[code], set()).add(i)
        for name, steps in facts[i].confounders.items():
            members["per_confounder"].setdefault(f"{name} {max(steps)}", set()).add(i)
    for table, rows in members.items():
        assert results[table].keys() == rows.keys() - {""}, table
        for name, row in results[table].items():
            assert row["samples"] == len(rows[name])
            others = {i for i in range(10) if table[4:] in ("activity_type", "intensity")}
            chosen = sorted(rows[name] | {i for i in others if not truth[i]})
            expected = sk.f1_score(truth[chosen], called[chosen], zero_division=np.nan)
            assert row["f1"] == (pytest.approx(expected) if np.isfinite(expected) else None)


def answers_of(loaded, dataset, split):
    """Raw logits `[N, K]` and targets of every image or pixel, nothing ignored."""
    config = loaded.config
    samples = samples_of(dataset, split, objective=config.objective, task=config.task)
    forward = make_forward(loaded, Accelerator())
    logits, targets = [], []

    def spy(batch):
        answer = forward(batch)
        logits.append(answer.movedim(1, -1).double())
        targets.append(batch.target)
        return answer

    with torch.no_grad():
        answers = predict(spy, samples, Accelerator(), 4, 0)
    return torch.cat(logits), torch.cat(targets), answers


def test_other_tasks_are_scikit_learns_too(other, dataset, monkeypatch):
    monkeypatch.setattr(predictions, "DRAWN", 20_000)  # as good as all pixels
    loaded, results = load_run(other), evaluate(other)
    assert "interval of the F1 of deformation as such" in describe(results)
    logits, targets, _ = answers_of(loaded, dataset, "test")
    assert set(results["baselines"]) == {"majority"}
    folder = results_folder(other, "made-up rows")
    assert all((folder / f"{name}.png").exists() for name in ("curves", "examples"))
    if loaded.facts.multilabel:
        called, truth = logits.numpy() >= 0, targets.numpy() > 0
        held = truth.any(0)
        f1 = sk.f1_score(truth, called, average=None, zero_division=0)
        probabilities = torch.sigmoid(logits).numpy()
        right = truth
    else:
        flat, codes = logits.flatten(0, -2).numpy(), targets.flatten().numpy()
        flat, codes = flat[codes != IGNORED], codes[codes != IGNORED]
        every = range(len(loaded.facts.classes))
        held = np.isin(every, codes)
        if loaded.facts.task != "phase":
            held[0] = False  # the class that stands for nothing
        f1 = sk.f1_score(codes, flat.argmax(1), labels=every, average=None, zero_division=0)
        probabilities = torch.softmax(torch.from_numpy(flat), 1).max(1).values.numpy()
        right = flat.argmax(1) == codes
    names = np.array(loaded.facts.classes)[held]
    assert list(results["per_class"]) == list(names)
    found = [results["per_class"][name]["f1"] for name in names]
    np.testing.assert_allclose(found, f1[held], atol=1e-9)
    assert results["metrics"]["f1"] == pytest.approx(f1[held].mean())
    assert results["averages"]["macro"]["f1"] == pytest.approx(f1[held].mean())
    if loaded.facts.multilabel:
        micro = sk.f1_score(truth[:, held], called[:, held], average="micro")
    else:
        kept = np.flatnonzero(held)
        micro = sk.f1_score(codes, flat.argmax(1), labels=kept, average="micro", zero_division=0)
    assert results["averages"]["micro"]["f1"] == pytest.approx(micro)
    place = np.minimum((probabilities * 15).astype(int), 14)
    gaps = [
        abs(probabilities[place == k].mean() - right[place == k].mean()) * (place == k).mean()
        for k in np.unique(place)
    ]
    tolerance = 1e-4 if loaded.facts.objective == "classification" else 5e-3
    assert results["calibration"]["ece_before"] == pytest.approx(sum(gaps), abs=tolerance)


def test_the_temperature_of_other_tasks_comes_from_validation(other, dataset, monkeypatch):
    loaded = load_run(other)
    assert choose_temperature(answers_of(loaded, dataset, "validation")[2]) == pytest.approx(
        loaded.facts.temperature, rel=1e-3
    )
    monkeypatch.setattr(predictions, "DRAWN", 20_000)  # as good as all pixels
    logits, targets, answers = answers_of(loaded, dataset, "validation")
    if loaded.facts.multilabel:
        expected = fit_temperature(logits.numpy(), targets.numpy(), True)
    else:
        flat, codes = logits.flatten(0, -2).numpy(), targets.flatten().numpy()
        expected = fit_temperature(flat[codes != IGNORED], codes[codes != IGNORED], False)
    assert choose_temperature(answers) == pytest.approx(expected, rel=0.02)
    assert loaded.facts.temperature == pytest.approx(expected, rel=0.2)


def test_the_threshold_comes_from_validation(trained, dataset):
    loaded = load_run(trained)
    samples = samples_of(dataset, "validation", objective=loaded.config.objective)
    forward = make_forward(loaded, Accelerator())
    answers = predict(forward, samples, Accelerator(), 4, 0)
    threshold = choose_threshold(answers)
    assert to_probability(threshold, loaded.facts.temperature) == pytest.approx(
        loaded.facts.threshold, abs=1e-4
    )
    assert to_margin(loaded.facts.threshold, loaded.facts.temperature) == pytest.approx(
        threshold, abs=1e-3
    )
    again = predict(forward, samples, Accelerator(), 4, 0, temperature=loaded.facts.temperature)
    limits = choose_limits(*scene_scores(again, loaded.facts.temperature))
    assert loaded.facts.unsure == pytest.approx(limits, abs=1e-4)
    ones = np.ones(len(samples))
    detection = Detection(answers)
    best = max(float(detection.metrics(ones, level)["f1"]) for level in detection.counts(ones)[0])
    assert float(detection.metrics(ones, threshold)["f1"]) == pytest.approx(best)


@pytest.mark.parametrize("trained", ["classification"], indirect=True)
def test_the_threshold_is_never_chosen_on_the_split_that_is_measured(trained, tmp_path, undrawn):
    shutil.copytree(trained, tmp_path / "run")
    facts = json.loads((trained / "model.json").read_text())
    facts |= {"threshold": 1 - 1e-12, "temperature": 1.0}  # nothing reaches it
    (tmp_path / "run/model.json").write_text(json.dumps(facts))
    results = evaluate(tmp_path / "run")
    assert results["threshold"] == facts["threshold"] and results["metrics"]["recall"] == 0
