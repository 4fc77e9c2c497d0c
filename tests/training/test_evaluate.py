import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from sklearn import metrics as sk

from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.rows import make_dataset_folder, with_another
from tests.training.experiments import samples_of
from tests.training.processes import run_script
from training.config.options import load_config, save_config
from training.data.loader import Loader
from training.data.sampling import share_out
from training.data.sources import open_data
from training.data.tasks import IGNORED
from training.evaluation.baselines import measure_baselines, phase_gradient
from training.evaluation.evaluating import evaluate, make_forward
from training.evaluation.predictions import BINS, SPAN, margin_histogram, predict
from training.runs.loaded_run import load_run
from training.runs.results import read_results, results_folder


@pytest.fixture(scope="module")
def results(trained):
    return evaluate(trained)


def test_results_and_figures(trained, results):
    run = trained
    folder = results_folder(run, "made-up rows")
    assert json.loads((folder / "results.json").read_text()) == results
    assert load_run(run).results == results
    keys = {"precision", "recall", "f1", "auroc", "average_precision"}
    segment = results["objective"] == "segmentation"
    assert set(results["metrics"]) == keys | ({"iou", "scene_auroc"} if segment else set())
    for key, (low, high) in results["confidence_intervals"].items():
        assert low <= high
        assert low - 1e-9 <= results["metrics"][key] <= high + 1e-9, key
    assert set(results["baselines"]) == {"majority", "all_positive", "phase_gradient"}
    assert results["baselines"]["majority"]["f1"] == 0
    assert set(results["per_frame"]) == {f"00{i}D_00000_000000" for i in range(3)}
    assert sum(row["samples"] for row in results["per_frame"].values()) == results["samples"] == 10
    assert set(results["per_class"]) == {"Non_Deformation", "Deformation"}
    assert set(results["per_intensity"]) <= {"Low", "Medium", "High"}
    assert 0 <= results["calibration"]["ece_after"] <= 1
    assert results["unsure"] == list(load_run(run).facts.unsure)
    assert sum(sum(row.values()) for row in results["verdicts"].values()) == 10
    for path in (folder / "curves.png", folder / "examples.png", run / "history.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_metrics_are_scikit_learns_on_the_models_own_answers(trained, results, dataset):
    """The reported numbers, once more from raw pixels and logits."""
    loaded = load_run(trained)
    accelerator = Accelerator()
    forward = make_forward(loaded, accelerator)
    scores, truth = [], []

    def spy(batch):
        logits = forward(batch)
        scores.append((logits[:, 1] - logits[:, 0]).flatten().double())
        truth.append(batch.target.flatten())
        return logits

    samples = samples_of(dataset, "test", objective=loaded.config.objective)
    with torch.no_grad():
        predict(spy, samples, accelerator, 4, 0)
    score, target = torch.cat(scores).numpy(), torch.cat(truth).numpy() > 0
    probability = 1 / (1 + np.exp(-score / loaded.facts.temperature))
    called = probability >= loaded.facts.threshold
    tolerance = 1e-9 if loaded.config.objective == "classification" else 2e-3  # bins of margins
    expected = {
        "f1": sk.f1_score(target, called, zero_division=0),
        "precision": sk.precision_score(target, called, zero_division=0),
        "recall": sk.recall_score(target, called),
        "auroc": sk.roc_auc_score(target, score),
        "average_precision": sk.average_precision_score(target, score),
    }
    for key, value in expected.items():
        assert results["metrics"][key] == pytest.approx(value, abs=tolerance), key
    averages, near = results["averages"], {"abs": tolerance}
    for average, row in averages.items():
        for key, measure in (("f1", sk.f1_score), ("recall", sk.recall_score)):
            assert row[key] == pytest.approx(measure(target, called, average=average), **near)
    ranks = [sk.average_precision_score(target, score), sk.average_precision_score(~target, -score)]
    assert averages["macro"]["average_precision"] == pytest.approx(np.mean(ranks), **near)
    if loaded.config.objective == "segmentation":
        iou = sk.jaccard_score(target, called)
        assert results["metrics"]["iou"] == pytest.approx(iou, abs=tolerance)


def test_margin_histogram_counts_every_pixel_but_the_ignored():
    margin = torch.tensor([[[-99.0, 0.0, 99.0, 0.5, -1e-9]]])
    target = torch.tensor([[[0, 1, 2, IGNORED, 1]]])
    counts = margin_histogram(margin, target, 1, BINS, SPAN)[0]
    assert counts.sum() == 4
    assert counts[0, 0] == counts[1, BINS // 2] == counts[1, BINS - 1] == 1
    assert counts[1, BINS // 2 - 1] == 1  # just below an edge: not rounded onto it


def test_phase_gradient_crosses_the_wrap_and_stops_at_the_edge_of_the_data():
    ramp = torch.arange(40.0).repeat(1, 1, 12, 1) * 0.5 + 0.1
    wrapped = torch.remainder(ramp + math.pi, 2 * math.pi) - math.pi
    gradient = phase_gradient(wrapped)
    torch.testing.assert_close(gradient[0, :, :-1], torch.full((12, 39), 0.5), atol=1e-5, rtol=0)
    wrapped[..., 20:] = 0
    assert (phase_gradient(wrapped)[0, :, 19:] == 0).all()


def test_trivial_rules_are_judged_like_models(dataset):
    """A rule that the data was made to obey must be found: blobs raise the phase gradient."""
    options = {"data.channels": ["insar_difference"], "objective": "segmentation"}
    train_split, test_split = (samples_of(dataset, s, **options) for s in ("train", "test"))
    results = measure_baselines(train_split, test_split, Accelerator(), 4, 0)
    masks = [test_split.rows.read(i)["deformation_mask"] > 0 for i in range(10)]
    share = np.mean([mask.any(0).mean() for mask in masks])
    assert results["all_positive"]["precision"] == pytest.approx(share)
    assert results["all_positive"]["iou"] == pytest.approx(share)
    assert results["phase_gradient"]["auroc"] > 0.8


@pytest.mark.parametrize("trained", ["classification"], indirect=True)
def test_inputs_that_training_withheld_are_withheld_once_more(trained, results, tmp_path, dataset):
    """A channel that is not shown counts as its training mean."""
    assert results["without_inputs"] == {}
    run = tmp_path / "run"
    shutil.copytree(trained, run, ignore=shutil.ignore_patterns("checkpoints", "results"))
    config = load_config(run / "config.yaml", {"augmentation.missing": 0.5})
    config.augmentation.missing_coherence = 0.1
    save_config(config, run / "config.yaml")
    found = evaluate(run)["without_inputs"]
    assert list(found) == ["elevation", "coherence", "elevation and coherence"]
    # The same by hand: rows of another dataset whose elevation is the mean everywhere.
    loaded, accelerator = load_run(run), Accelerator()
    samples = open_data(loaded.config, ("test",)).splits["test"]
    blind = make_forward(loaded, accelerator, ("dem",))
    plain = make_forward(loaded, accelerator)
    mean = loaded.facts.mean[loaded.facts.channels.index("dem")]
    changed = 0
    for batch in Loader(samples, accelerator.device, 0).batches(share_out(np.arange(10), 5), 0):
        flat = dict(batch.rasters, dem=torch.full_like(batch.rasters["dem"], mean))
        expected = plain(dataclasses.replace(batch, rasters=flat))
        torch.testing.assert_close(blind(batch), expected)
        changed += not torch.allclose(plain(batch), expected)
    assert changed


@pytest.mark.parametrize("trained", ["classification"], indirect=True)
def test_command_line(trained, results):
    before = tree(results_folder(trained, "made-up rows"))
    script = ROOT / "training/evaluate.py"
    status, said, errors = run_script(script, trained, "--split", "validation")
    assert status == 0, errors
    assert "majority" in said and "phase_gradient" in said
    folder = results_folder(trained, "made-up rows", "validation")
    assert str(folder) in said
    assert json.loads((folder / "results.json").read_text())["split"] == "validation"
    files = {"results.json", "predictions.parquet", "curves.png", "examples.png"}
    assert set(tree(folder)) == files
    assert tree(results_folder(trained, "made-up rows")) == before  # side by side
    assert load_run(trained).results["split"] == "test"


@pytest.mark.parametrize("trained", ["classification"], indirect=True)
def test_another_dataset_of_the_same_name_takes_no_results_away(trained, results, tmp_path):
    channels = ["insar_difference", "insar_coherence", "dem"]
    other = make_dataset_folder(tmp_path, counts=(6, 6, 7), channels=channels)
    with pytest.raises(ConfigError, match="is of other samples under the same name"):
        evaluate(trained, data_path=str(other))
    assert load_run(trained).results == results
    found = evaluate(trained, data_path=str(other), name="NS/Other rows")
    assert (found["dataset"], found["samples"]) == ("NS/Other rows", 7)
    assert load_run(trained).results == results
    assert read_results(trained, "NS/Other rows") == found
    shutil.copytree(load_run(trained).config.data.path, tmp_path / "moved")
    assert evaluate(trained, data_path=str(tmp_path / "moved")) == results


@pytest.mark.parametrize("trained", ["classification"], indirect=True)
def test_other_pixels_or_labels_of_the_same_samples_take_no_results_away(
    trained, results, tmp_path, dataset, undrawn
):
    run = tmp_path / "run"
    shutil.copytree(trained, run, ignore=shutil.ignore_patterns("checkpoints"))
    path = results_folder(run, "made-up rows") / "results.json"
    kept = path.read_bytes()
    for name, value in (("dem", 1.0), ("confidence", 0.1)):
        other = with_another(dataset, tmp_path / name, "test", name, value)
        with pytest.raises(ConfigError, match="is of other pixels or labels of these samples"):
            evaluate(run, data_path=str(other))
        assert path.read_bytes() == kept
    # What an earlier release measured does not say, and is replaced as it always was.
    path.write_text(json.dumps({k: v for k, v in results.items() if k != "contents_digest"}))
    assert evaluate(run) == results


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match="is this a training run"):
        evaluate(tmp_path)
