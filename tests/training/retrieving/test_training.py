"""Retrievers are trained by the same loop: learning, evaluating, and the loss."""

import json

import numpy as np
import pytest
import torch

from dataset_script.errors import ConfigError
from tests.training.experiments import history
from tests.training.retrieving.conftest import OWN, retrieving
from training.config.options import load_config
from training.data.sources import open_data
from training.evaluate import main
from training.fit.objectives.retrieval import RetrievalTrainer, contrastive_loss
from training.runs.loaded_run import load_run
from training.runs.processes import make_accelerator
from training.runs.results import results_folder

WHAT = ("deformation", "no deformation")


def test_it_learns_what_images_show(retrieved, capsys):
    main([str(retrieved)])
    assert "random order" in capsys.readouterr().out
    folder = results_folder(retrieved, "made-up rows")
    found = json.loads((folder / "results.json").read_text())
    assert found["metrics"]["recall_at_1"] == 1
    assert found["baselines"]["random order"]["recall_at_1"] < 0.6
    assert found["recall"]["short"]["recall_at_1"] == 1
    assert found["recall"]["own"]["queries"] == found["samples"] == 10
    assert history(retrieved)[-1]["validation"]["mrr"] == 1
    loaded = load_run(retrieved)
    assert loaded.facts.objective == "retrieval" and loaded.results == found
    moves, rests = loaded.model.embed_all(WHAT)
    assert np.allclose([moves @ moves, rests @ rests], 1, atol=1e-5)
    assert moves @ rests < 0.5


def test_texts_depend_on_seed_epoch_and_sample_alone(dataset, tmp_path):
    """So a run that is resumed goes on with the same ones."""
    config = retrieving(dataset, tmp_path / "run")
    data = open_data(config, ("train", "validation"))
    trainer = RetrievalTrainer(config, data, make_accelerator())
    drawn = []
    for epoch in range(12):
        trainer.progress.epoch = epoch
        texts, right = trainer._draw_texts(np.arange(8))
        assert trainer._draw_texts(np.arange(8))[0] == texts
        assert trainer._draw_texts(np.arange(8)[::-1])[0] == texts[::-1]
        moves = [data.splits["train"].positive[i] for i in range(8)]
        for text, row, own in zip(texts, right, moves, strict=True):
            tells = "deformation" in text.lower()  # "without atmosphere" is true of all
            assert row.tolist() == [other == own or not tells for other in moves], text
        drawn.append(texts)
    assert len({tuple(texts) for texts in drawn}) == 12  # each epoch has its own
    texts = [text for each in drawn for text in each]
    assert 0.3 < sum(text.endswith(".") for text in texts) / len(texts) < 0.7
    assert {"deformation", "no deformation"} < set(texts)


def test_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    right = torch.tensor([[1, 0, 0], [0, 1, 1], [0, 1, 1]], dtype=torch.bool)
    first = -np.log(np.exp(2) / (np.exp(2) + 2))
    other = -np.log(np.exp(1) / (2 * np.exp(1) + 1))
    expected = torch.tensor([first, other, other], dtype=torch.float32)
    assert torch.allclose(contrastive_loss(logits, right), expected)
    # A text that is true of two images, of which one has a text of its own.
    right = torch.tensor([[1, 1], [0, 1]], dtype=torch.bool)
    logits = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    rows, columns = logits.log_softmax(1), logits.log_softmax(0)
    texts = torch.stack([-(rows[0, 0] + rows[0, 1]) / 2, -rows[1, 1]])
    images = torch.stack([-columns[0, 0], -(columns[0, 1] + columns[1, 1]) / 2])
    assert torch.allclose(contrastive_loss(logits, right), (texts + images) / 2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"task": "binary"}, "objective retrieval and task binary do not go together"),
        ({"training.select": "f1"}, "select f1 is not known of retrieval; set mrr"),
        ({"caption.decoder": "a/b"}, "a retriever writes no sentences"),
        ({"caption.beams": 2}, "a retriever writes no sentences"),
        ({"augmentation.flip": 0.5}, "augmentation.flip would move what the caption places"),
        (
            {"objective": "segmentation", "task": "binary", "model.library": "smp"}
            | {"model.name": "Unet", "model.encoder": "resnet18"},
            "select mrr is for retrieval",
        ),
    ],
)
def test_mistakes_are_named(given, expected):
    values = {"task": "caption"} | OWN | given
    with pytest.raises(ConfigError, match=expected):
        load_config(None, values)
