"""Plain transformers writes from a packaged captioner, in a process without our packages."""

import json
import re

import numpy as np
import pytest
import torch

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.inference.captioning import SceneCaptioner
from hub.inference.detector import Detector
from hub.repos.loading import find_published
from hub.repos.planes import plane_statistics
from tests.hub.captioners import make_caption_run
from tests.hub_server.cards import validate_card

PLAIN = """
import json, re, sys
import numpy as np, torch
from transformers import AutoImageProcessor, AutoTokenizer, VisionEncoderDecoderModel

model = VisionEncoderDecoderModel.from_pretrained(FOLDER).eval()
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
processor = AutoImageProcessor.from_pretrained(FOLDER)
planes = np.load(f"{FOLDER}/../planes.npy")
inputs = processor(list(planes), return_tensors="pt")["pixel_values"].float()
written = tokenizer.batch_decode(model.generate(inputs), skip_special_tokens=True)
code = re.findall(r"```python\\n(.*?)```", open(f"{FOLDER}/README.md").read(), re.DOTALL)
first, all_of_it = {}, {}
exec(code[0], first)
exec("\\n".join(code), all_of_it)
assert not any(name in sys.modules for name in ("training", "hub", "dataset_script"))
said = {
    "written": written, "cards": [first["caption"], all_of_it["caption"]],
    "facts": model.config.hephaestus,
}
json.dump(said, open(f"{FOLDER}/../said.json", "w"))
"""


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """A packaged captioner of one date, with the run's facts and model."""
    folder = tmp_path_factory.mktemp("captions")
    facts, model = make_caption_run(folder / "run")
    main(["push-model", str(folder / "run"), "--to-folder", str(folder / "out")])
    return folder / "out", facts, model


def test_plain_transformers_writes_the_same_text(packaged, plain):
    folder, facts, model = packaged
    rng = np.random.default_rng(0)
    mean, std = (np.reshape(each, (-1, 1, 1)) for each in plane_statistics(facts))
    normal = rng.normal(size=(6, len(mean), facts.image_size, facts.image_size))
    np.save(folder.parent / "planes.npy", (normal * std + mean).astype("float32"))
    plain(f"FOLDER = {str(folder)!r}\n" + PLAIN)
    said = json.loads((folder.parent / "said.json").read_text())
    ours = model.write(torch.from_numpy(normal).float().unflatten(1, (1, -1)))
    assert said["written"] == ours
    assert len(set(ours)) > 1  # of different images different sentences
    assert all(isinstance(text, str) for text in said["cards"])
    assert said["facts"]["objective"] == "caption"


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
