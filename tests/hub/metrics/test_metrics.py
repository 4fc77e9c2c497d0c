"""Our metrics load with `evaluate` from a folder and from a Space, and agree with scikit-learn."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from hub.__main__ import main
from hub.errors import HubError
from hub.repos.preparing import METRICS_FOLDER, prepare_metric
from tests.hub_server.cards import validate_card
from training.evaluation.metrics import (
    at_threshold,
    auroc,
    average_precision,
    count_levels,
    scores_of,
)

NAMES = ("caption_quality", "deformation_classification", "deformation_segmentation")
CAPTIONS = (
    [
        "A sill-type deformation pattern of low intensity is visible on the top side.",
        "Turbulent mixing of the atmosphere is visible across the region. No lava.",
    ],
    [
        "A sill-type deformation pattern of high intensity is visible on the top side.",
        "Turbulent mixing of the atmosphere is visible across the region.",
    ],
)

CODE = """
import json, runpy, sys, warnings
sys.modules |= dict.fromkeys(("training", "hub", "dataset_script"))  # a Space has none of ours
sys.modules["transformers"] = None  # as in the Space; evaluate would import all of it, unused
import evaluate, numpy as np
del sys.modules["transformers"]
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
truth = rng.random(60) < 0.3
probability = np.clip(truth * 0.3 + rng.random(60) * 0.7, 0, 1).round(2)  # with ties
masks = [rng.random(shape) < 0.2 for shape in ((8, 9), (5, 4), (6, 6))]
masks[2][:] = False
guesses = [np.clip(mask * 0.2 + rng.random(mask.shape) * 0.8, 0, 1) for mask in masks]
said = {}
for where, name in WHERE.items():
    metric = evaluate.load(name.format("deformation_classification"))
    said[where] = metric.compute(
        predictions=probability, references=truth.astype(int), threshold=0.4, resamples=100
    )
    for start in (0, 30):
        metric.add_batch(
            predictions=probability[start:start + 30],
            references=truth[start:start + 30].astype(int),
        )
    said[where + " batches"] = metric.compute(threshold=0.4)
    said[where + " none"] = metric.compute(predictions=[0.1, 0.2], references=[0, 0])
    metric = evaluate.load(name.format("deformation_segmentation"))
    said[where + " masks"] = metric.compute(
        predictions=guesses, references=[mask.astype("uint8") for mask in masks], threshold=0.5
    )
    captions = evaluate.load(name.format("caption_quality"))
    said[where + " captions"] = captions.compute(predictions=CAPTIONS[0], references=CAPTIONS[1])
said["wrong"] = []
for predictions, references in (([[[1.0]]], [[[7]]]), ([[[1.0, 0.0]]], [[[1]]])):
    try:
        metric.compute(predictions=predictions, references=references)
    except ValueError as error:
        said["wrong"].append(str(error))
page = runpy.run_path(FOLDER + "/deformation_classification/app.py")
said["page"] = page["compute"]([[0.9, 1], [0.2, 0], [0.7, 0], ["", ""]], 0.5)
page = runpy.run_path(FOLDER + "/deformation_segmentation/app.py")
said["picture"] = page["compute"](page["GUESS"], page["TRUTH"], 0.5)
page = runpy.run_path(FOLDER + "/caption_quality/app.py")
said["sentences"] = page["compute"](page["GUESS"], page["TRUTH"])
print(json.dumps(said))
"""


def made_up():
    """The same draws as in the code above."""
    rng = np.random.default_rng(0)
    truth = rng.random(60) < 0.3
    probability = np.clip(truth * 0.3 + rng.random(60) * 0.7, 0, 1).round(2)
    masks = [rng.random(shape) < 0.2 for shape in ((8, 9), (5, 4), (6, 6))]
    masks[2][:] = False
    guesses = [np.clip(mask * 0.2 + rng.random(mask.shape) * 0.8, 0, 1) for mask in masks]
    return truth, probability, masks, guesses


def test_from_a_folder_and_from_a_space(hub, plain, tmp_path):
    for name in NAMES:
        main(["push-metric", name, "--repo-id", f"NS/{name}"])
        prepare_metric(name, tmp_path / name)
    where = {"folder": str(tmp_path / "{}"), "space": "NS/{}"}
    code = f"WHERE, FOLDER, CAPTIONS = {where!r}, {str(tmp_path)!r}, {CAPTIONS!r}\n" + CODE
    said = json.loads(plain(code, server=hub).stdout.splitlines()[-1])

    truth, probability, masks, guesses = made_up()
    called = probability >= 0.4
    expected = {
        "precision": sklearn.precision_score(truth, called),
        "recall": sklearn.recall_score(truth, called),
        "f1": sklearn.f1_score(truth, called),
        "auroc": sklearn.roc_auc_score(truth, probability),
        "average_precision": sklearn.average_precision_score(truth, probability),
        "samples": 60,
        "positives": truth.sum(),
    }
    flat, drawn = np.concatenate([m.ravel() for m in masks]), [g >= 0.5 for g in guesses]
    pixels = np.concatenate([g.ravel() for g in drawn])
    both = zip(masks[:2], drawn[:2], strict=True)
    expected_masks = {
        "iou": sklearn.jaccard_score(flat, pixels),
        "precision": sklearn.precision_score(flat, pixels),
        "recall": sklearn.recall_score(flat, pixels),
        "f1": sklearn.f1_score(flat, pixels),
        "sample_iou": np.mean([sklearn.jaccard_score(m.ravel(), g.ravel()) for m, g in both]),
        "clean_negatives": 0.0,
        "samples": 3,
        "positives": 2,
    }
    in_the_tree = compute_here("caption_quality", *CAPTIONS)
    for name in ("folder", "space"):
        scores = said[name]
        assert {key: scores[key] for key in expected} == pytest.approx(expected, abs=1e-9)
        assert scores["f1_low"] < scores["f1"] < scores["f1_high"]
        assert said[f"{name} batches"] == pytest.approx(expected, abs=1e-9)
        assert math.isnan(said[f"{name} none"]["auroc"])
        assert said[f"{name} none"]["precision"] == 0
        assert said[f"{name} masks"] == pytest.approx(expected_masks, abs=1e-6)
        captions = said[f"{name} captions"]
        assert captions.keys() == in_the_tree.keys()
        assert captions == pytest.approx(in_the_tree, nan_ok=True)
        assert captions["strength_f1"] == 0 and captions["air_f1"] == 1
        assert (captions["read"], captions["samples"]) == (0.5, 2)
    assert "references must be 0, 1, or 255" in said["wrong"][0]
    assert "a prediction of (1, 2) pixels for a reference of (1, 1)" in said["wrong"][1]
    assert said["page"]["precision"] == 0.5
    assert said["page"]["samples"] == 3
    assert 0.5 < said["picture"]["iou"] < 1
    assert 0 < said["sentences"]["facts_f1"] < 1
    assert said["sentences"]["fringes_f1"] is None


def compute_here(name, predictions, references, **options):
    """Scores by the metric as it lies in this project."""
    import evaluate  # only now: training makes torchvision importable

    metric = evaluate.load(str(METRICS_FOLDER / name))
    return metric.compute(predictions=predictions, references=references, **options)


def test_agrees_with_the_training_rooms_own_metrics():
    truth, probability, _, _ = made_up()
    levels, positives, negatives = count_levels(probability, truth)
    ours = scores_of(**at_threshold(levels, positives, negatives, 0.4))
    ours |= {
        "auroc": auroc(positives, negatives),
        "average_precision": average_precision(positives, negatives),
    }
    scores = compute_here(NAMES[1], probability, truth.astype(int), threshold=0.4)
    for name in ("precision", "recall", "f1", "auroc", "average_precision"):
        assert scores[name] == pytest.approx(float(ours[name]), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_folder_is_a_space(name, tmp_path):
    folder = prepare_metric(name, tmp_path / name, "volcanoes")
    card = (folder / "README.md").read_text()
    assert validate_card(card, "space") == []
    assert f'evaluate.load("volcanoes/{name}")' in card
    assert {path.name for path in folder.iterdir()} >= {"app.py", "requirements.txt", f"{name}.py"}


def test_unknown_metric_and_misnamed_repository(capsys, tmp_path):
    with pytest.raises(HubError, match="no metric 'f2'; there are caption_quality"):
        prepare_metric("f2", tmp_path)
    with pytest.raises(SystemExit):
        main(["push-metric", NAMES[0], "--repo-id", "NS/mine"])
    assert "must be called NAMESPACE/caption_quality" in capsys.readouterr().err
