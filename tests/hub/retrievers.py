"""Tiny retrievers of random weights, as finished runs, and what plain transformers says by them."""

import json

import numpy as np
import torch

from dataset_script.safe_files import write_json
from tests.hub.facts import KINDS, SIZE, make_facts
from training.config.models import CaptionConfig
from training.config.options import save_config
from training.config.schema import Config, DataConfig, TrainingConfig
from training.models.retriever.model import FOLDER, build_retriever, retriever_tokenizer, save_parts
from training.runs.files import BEST, write_weights
from training.runs.results import results_folder

SENTENCES = ["No deformation is visible.", "A sill-type pattern of high intensity, top-left."]
_ROW = {"recall_at_1": 0.5, "chance_at_1": 0.1, "queries": 12}
RESULTS = {
    "objective": "retrieval",
    "task": "caption",
    "split": "test",
    "samples": 40,
    "positives": 12,
    "config": "ts1",
    "metrics": {"recall_at_1": 0.5, "recall_at_5": 0.75, "recall_at_10": 0.9, "mrr": 0.6},
    "confidence_intervals": {},
    "baselines": {"random order": {"recall_at_1": 0.1}},
    "recall": {"same facts": _ROW, "own": _ROW},
}


TEXTS = ["no deformation", "a dyke of high intensity on the top-left side"]
PLAIN = f"""
from transformers import AutoTokenizer, VisionTextDualEncoderModel

NAME = f"{{ROOT}}/retriever"
model = VisionTextDualEncoderModel.from_pretrained(NAME).eval()
tokenizer, processor = AutoTokenizer.from_pretrained(NAME), AutoImageProcessor.from_pretrained(NAME)
planes = list(np.load(f"{{ROOT}}/planes.npy"))
pixels = processor(planes, return_tensors="pt")["pixel_values"].float()
words = tokenizer({TEXTS!r}, padding=True, return_tensors="pt")
code = re.findall(r"```python\\n(.*?)```", open(f"{{NAME}}/README.md").read(), re.DOTALL)
first, all_of_it = {{}}, {{}}
with torch.no_grad():
    found = model(**words, pixel_values=pixels)
    exec(code[0], first)
    exec("\\n".join(code), all_of_it)
assert not any(name in sys.modules for name in ("training", "hub", "dataset_script"))
cards = [each["cosines"].tolist() for each in (first, all_of_it)]
said = {{"cosines": (found.text_embeds @ found.image_embeds.T).tolist(), "cards": cards}}
json.dump(said, open(f"{{ROOT}}/retriever.json", "w"))
"""
"""Of a retriever packaged at ROOT/retriever, for the planes of `captioners.save_planes`."""


def check_plain(root, model, normal):
    """Check that a process that ran `PLAIN` has the model's own cosines."""
    said = json.loads((root / "retriever.json").read_text())
    images = model.embed_images(normal)
    ours = model.embed_all(TEXTS) @ images.numpy().T
    np.testing.assert_allclose(said["cosines"], ours, atol=1e-4)
    assert np.ptp(ours) > 0.01
    assert np.isfinite(said["cards"]).all()


def make_retrieval_run(root, steps=1, seed=0, **changes):
    """A finished run of a retriever of random weights.

    Returns:
        Its facts and its model.
    """
    torch.manual_seed(seed)
    _, config = KINDS["vit"]
    facts = make_facts("vit", steps=steps, objective="retrieval", task="caption", **changes)
    caption = CaptionConfig(layers=1, heads=2, width=16, vocabulary=280, length=40)
    planes = facts.planes_per_step * steps
    tokenizer = retriever_tokenizer(caption, SENTENCES)
    model = build_retriever(config, caption, tokenizer, planes=planes, image_size=SIZE).eval()
    write_weights(model.state_dict(), root / BEST)
    save_parts(model, root / FOLDER)
    write_json(root / "model.json", facts.to_dict())
    experiment = Config(
        output=str(root),
        objective="retrieval",
        task="caption",
        data=DataConfig(channels=list(facts.channels), mask_target="last"),
        model=config,
        caption=caption,
        training=TrainingConfig(select="mrr"),
    )
    save_config(experiment, root / "config.yaml")
    write_json(results_folder(root, facts.dataset, "test") / "results.json", RESULTS)
    return facts, model
