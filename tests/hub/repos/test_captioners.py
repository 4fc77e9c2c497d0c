"""A packaged captioner: its card, and who may load it. See also `test_packaging`."""

import re

import pytest
import torch

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.inference.captioning import SceneCaptioner
from hub.inference.detector import Detector
from hub.repos.loading import find_published
from tests.hub.captioners import make_caption_run
from tests.hub_server.cards import validate_card


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """A packaged captioner of one date, with the run's facts and model."""
    folder = tmp_path_factory.mktemp("captions")
    facts, model = make_caption_run(folder / "run")
    main(["push-model", str(folder / "run"), "--to-folder", str(folder / "out")])
    return folder / "out", facts, model


def test_its_card_says_what_it_is(packaged):
    folder, _, _ = packaged
    card = (folder / "README.md").read_text()
    assert validate_card(card, "model") == []
    assert "Writes a sentence about Sentinel-1" in card and "is no verdict" in card
    assert "logit" not in card and "secret" not in card and "threshold" not in card
    assert f"python -m hub predict INPUT --output DIR --captions {folder}" in card
    assert "| commonest caption | 0.410 | 0.300 | 0.520 |" in card
    assert re.search(r"\| BLEU \| 0\.400 \|", card)


def test_it_is_loaded_by_name_and_never_as_a_judge(packaged, tmp_path):
    folder, facts, model = packaged
    found = find_published(str(folder))
    assert found.facts == facts
    images = torch.randn(2, 1, len(facts.channels), facts.image_size, facts.image_size)
    again = SceneCaptioner.from_pretrained(folder)
    assert again._model.write(images) == model.write(images)
    with pytest.raises(ConfigError, match="writes captions, which are no verdict"):
        Detector.from_pretrained(folder)
    with pytest.raises(SystemExit):
        main(["export-model", str(folder), "--output", str(tmp_path / "onnx")])
