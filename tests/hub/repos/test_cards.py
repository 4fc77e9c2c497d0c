"""Cards say what the run says, in metadata that the Hub accepts."""

import pytest
from huggingface_hub import ModelCard

from dataset_script.channels import CHANNEL_NAMES
from dataset_script.errors import ConfigError
from hub.repos.cards import model_card, results_card
from hub.repos.snippets import loading_code
from tests.hub.facts import KINDS, make_facts
from tests.hub.models import RESULTS
from tests.hub_server.cards import validate_card
from training.facts import ModelFacts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("results", [RESULTS, None])
def test_metadata_is_what_the_hub_accepts(kind, results):
    card = model_card(make_facts(kind), results, "NS/model", "NS/hephaestus-minicubes")
    assert validate_card(card, "model") == []
    data = ModelCard(card).data
    assert data.datasets == ["NS/hephaestus-minicubes"]
    assert data.pipeline_tag is None  # no widget's picture is what these models see
    if results:
        found = {result.metric_type: result.metric_value for result in data.eval_results}
        assert found == {"precision": 0.75, "recall": 0.6, "f1": 0.666667, "roc_auc": 0.9}
        assert {result.dataset_split for result in data.eval_results} == {"test"}


def test_text_has_the_runs_own_facts():
    facts = make_facts("timm", channels=CHANNEL_NAMES, steps=3, split="strict")
    card = model_card(facts, RESULTS, "NS/model")
    for name in CHANNEL_NAMES:
        assert f"`{name}`" in card
    for said in (
        "Research, not an alert",
        "float32 `[batch, 27, height, width]`",
        "a series of 3 interferograms, 9 channels a step",
        "probability of **0.37** on",
        "temperature 1.3",
        "split scheme `strict` (by date, without the pairs whose acquisitions lie in two splits)",
        "| F1 | 0.667 | 0.500 to 0.800 |",
        "| phase gradient | 0.300 |",
        "| Etna, Vulcano | 20 | 0.700 |",
        "40 samples of which 12 show deformation",
        "calibration error is 0.200 before and 0.100 after",
        "| 000D_00000_000000 | 20 | 0.700 | – |",
        "| 2 | `dem` | m | 833.0588 | 977.5043 |",
    ):
        assert said in card
    assert "leaks" not in card and "troposphere" not in card
    corrected = make_facts("timm", correct_stratified=True)
    assert "troposphere that the ERA5 fields imply was taken" in model_card(corrected, None, "NS/m")
    assert "leaks" in model_card(make_facts("timm"), RESULTS, "NS/model")


def test_the_two_limits_of_the_verdict_are_said():
    results = RESULTS | {"verdicts": {"deforms": {"deformation": 9, "unsure": 2}}}
    card = model_card(make_facts("smp", unsure=(0.125, 0.75)), results, "NS/model")
    assert 'the verdict is "no deformation" below 0.125' in card
    assert '"deformation" from 0.750 on' in card and "| deforms | 9 | 2 |" in card
    one = model_card(make_facts("timm", unsure=(0.5, 0.5)), RESULTS, "NS/model")
    assert 'the verdict is "deformation" from 0.500 on, else "no deformation"' in one
    assert "verdict" not in model_card(make_facts("timm"), RESULTS, "NS/model")


@pytest.mark.parametrize("unsure", [[0.9, 0.1], [0.1], "some", [0, 2], [float("nan"), 1]])
def test_limits_that_make_no_sense_are_refused(unsure):
    record = make_facts("timm").to_dict() | {"unsure": unsure}
    with pytest.raises(ConfigError, match="model facts"):
        ModelFacts.from_dict(record)


def test_a_data_name_that_is_no_repository_stays_out_of_the_metadata():
    card = model_card(make_facts("timm"), RESULTS, "NS/model")
    assert ModelCard(card).data.datasets is None
    assert "made-up rows" in card
    assert validate_card(card, "model") == []


def test_a_run_without_results_says_so():
    card = model_card(make_facts("smp"), None, "NS/model")
    assert "has not been evaluated yet" in card
    assert "model-index" not in card


def test_results_may_be_sparse():
    card = model_card(make_facts("timm"), {"split": "test", "metrics": {"f1": 0.5}}, "NS/model")
    assert "On the test split, at the threshold above." in card
    assert "| F1 | 0.500 | – |" in card


def test_loading_code_tells_folders_from_repositories():
    facts = make_facts("timm")
    assert '"hf-hub:NS/model"' in loading_code(facts, "NS/model")
    assert '"local-dir:./runs/model"' in loading_code(facts, "./runs/model")


def test_results_card():
    assert validate_card(results_card("NS/results"), "dataset") == []
