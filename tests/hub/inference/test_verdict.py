"""One verdict: when it is what, and the same words and digits wherever it is told."""

import csv
import json

import numpy as np
import pytest
import rasterio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.__main__ import main
from hub.inference.batch import Batch, predict_many
from hub.inference.detector import Detector
from hub.inference.figures import draw_prediction
from hub.inference.outputs import feature_collection, save_prediction
from hub.inference.verdict import Opinion
from hub.repos.packaging import package_model
from tests.hub.answers import CORNER, both, predicted
from tests.hub.facts import make_facts
from tests.hub.licsar import make_phase
from tests.hub.models import make_model

LIMITS = (0.25, 0.6)
CASES = [(0.9, 0.9), (0.9, 0.1), (0.1, 0.9), (0.4, 0.9), (0.4, 0.1), (0.1, 0.1), (0.9, 0.4)]


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@example(0.3, 0.3, 0.3)
@example(0.0, 0.0, 0.0)
def test_the_limits_decide(probability, one, other):
    low, high = sorted((one, other))
    decision = Opinion("segmentation", "m", probability, (low, high)).decision
    assert (decision == "Deformation") == (probability >= high)
    assert (decision == "Unsure") == (low <= probability < high)
    alike = Opinion("segmentation", "m", probability, (high, high)).decision  # a model of old
    assert alike == ("Deformation" if probability >= high else "Non_Deformation")


@pytest.mark.parametrize(("first", "second"), CASES)
def test_the_segmentation_model_decides_and_the_classifier_may_disagree(first, second):
    verdict = both(predicted(first, LIMITS), predicted(second, LIMITS, kind="timm")).verdict
    alone = predicted(first, LIMITS).verdict
    assert (verdict.decision, verdict.probability) == (alone.decision, first)
    opposed = {first, second} == {0.1, 0.9}
    assert verdict.disagree == opposed == ("The models disagree: look" in verdict.text)
    assert f"{first:.3f}" in verdict.text and f"{second:.3f}" in verdict.text
    assert "disagree" not in alone.text and "classifier" not in alone.text


def test_words():
    east, north = CORNER[0] + 0.0055, CORNER[1] - 0.0035
    assert predicted(0.91234, LIMITS).verdict.text == (
        f"Deformation: probability 0.912 at {north:.3f}° N {east:.3f}° E, 12.8 km NE of "
        "Alu-Dalafilla."
    )
    assert predicted(1e-9, LIMITS, placed=False).verdict.text == (
        "No deformation: probability under 0.001 at row 3, column 5."
    )
    assert predicted(1.0, LIMITS, placed=False).verdict.reason.startswith("probability over 0.999")
    said = predicted(0.4, LIMITS).verdict.text
    assert "between 0.250 (none below) and 0.600 (deformation)" in said


def test_place_is_where_the_grid_says():
    place = predicted(0.9, LIMITS).verdict.place
    assert place == pytest.approx({"longitude": CORNER[0] + 0.0055, "latitude": CORNER[1] - 0.0035})
    assert predicted(0.9, LIMITS, placed=False).verdict.place == {"row": 3.0, "column": 5.0}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("case", [*CASES, (0.7123456789012345, None), (np.float64(1) / 3, None)])
def test_every_file_says_it_with_the_same_digits(tmp_path, case, placed):
    prediction = predicted(case[0], LIMITS, placed=placed)
    if case[1] is not None:
        prediction = both(prediction, predicted(case[1], LIMITS, kind="timm", placed=placed))
    verdict, summary = prediction.verdict, prediction.summary()
    paths = save_prediction(prediction, tmp_path, kinds=("json", "csv", "mask", "geojson"))
    record = json.loads(paths["json"].read_text())
    (row,) = csv.DictReader(paths["csv"].open())
    for key, value in verdict.to_dict().items():
        assert summary[key] == record[key] == value, key
        told = "" if value is None else str(value)
        if key == "place":
            told = "; ".join(f"{name}={number}" for name, number in value.items())
        assert row[key] == told, key
    with rasterio.open(paths["mask"]) as file:
        assert file.tags()["VERDICT"] == verdict.text
    for feature in feature_collection(prediction)["features"] if placed else ():
        assert feature["properties"]["decision"] == verdict.decision
    figure = draw_prediction(prediction)
    assert verdict.text in figure.get_suptitle().replace("\n", " ")
    assert f"made: {verdict.text}" in Batch(tmp_path, [record]).to_text()


def test_another_mask_is_the_same_verdict():
    prediction = both(predicted(0.4, LIMITS), predicted(0.9, LIMITS, kind="timm"))
    moved = prediction.with_threshold(0.99)
    assert moved.verdict == prediction.verdict and not moved.mask.any() and prediction.second


def test_a_second_opinion_on_the_command_line(tmp_path, capsys):
    for name, kind in (("segmenter", "smp"), ("classifier", "timm")):
        facts = make_facts(kind, steps=1, unsure=(0.2, 0.8))
        (tmp_path / name).mkdir()
        package_model(make_model(kind, facts).backbone, facts, tmp_path / name)
    scene = tmp_path / "a.npz"
    np.savez(scene, insar_difference=make_phase(40, 40))
    out, options = tmp_path / "out", ["--classifier", str(tmp_path / "classifier")]
    command = ["predict", str(tmp_path / "segmenter"), str(scene), "--output", str(out)]
    main([*command, *options])
    record = json.loads((out / "a.json").read_text())
    second = Detector.from_pretrained(tmp_path / "classifier").predict(scene)
    assert record["second_probability"] == second.image_probability
    assert (record["no_deformation_below"], record["deformation_from"]) == (0.2, 0.8)
    assert record["verdict"] in capsys.readouterr().out
    main([*command, *options])
    assert "already there" in capsys.readouterr().out
    main(command)  # one model fewer is another answer
    assert "already there" not in capsys.readouterr().out
    batch = predict_many(tmp_path / "segmenter", [scene], out, threshold=0.5, progress=False)
    (summary,) = batch.summaries
    assert summary["deformation_from"] == summary["no_deformation_below"] == 0.5
    with pytest.raises(SystemExit):
        main([*command[:1], str(tmp_path / "classifier"), *command[2:], *options])
    assert "these are for classification and classification" in capsys.readouterr().err
