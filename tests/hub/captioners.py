"""Tiny captioners of random weights, as finished runs; what plain transformers makes of them."""

import json

import numpy as np
import torch

from dataset_script.safe_files import write_json
from hub.repos.planes import plane_statistics
from tests.hub.facts import KINDS, SIZE, make_facts
from training.config.models import CaptionConfig
from training.config.options import save_config
from training.config.schema import Config, DataConfig
from training.models.captioner.model import FOLDER, build_captioner, choose_tokenizer, save_parts
from training.runs.files import BEST, write_weights
from training.runs.results import results_folder

SENTENCES = ["No deformation is visible.", "A sill-type pattern of high intensity, top-left."]
RESULTS = {
    "objective": "caption",
    "task": "caption",
    "split": "test",
    "samples": 40,
    "positives": 12,
    "config": "ts1",
    "metrics": {"precision": 0.75, "recall": 0.6, "f1": 2 / 3, "exact": 0.5}
    | {"bleu": 0.4, "rouge_l": None},
    "confidence_intervals": {"f1": [0.5, 0.8]},
    "baselines": {"commonest caption": {"f1": 0.25, "bleu": 0.1}},
    "differences": {"commonest caption": {"f1": 0.41, "f1_low": 0.3, "f1_high": 0.52}},
    "per_fact": {"kind": {"precision": 0.5, "recall": 0.5, "f1": 0.5}},
}


def make_caption_run(root, steps=1, results=RESULTS, **changes):
    """A finished run of a captioner whose random weights make it write differently of each image.

    Returns:
        Its facts and its model.
    """
    torch.manual_seed(0)
    _, config = KINDS["vit"]
    facts = make_facts("vit", steps=steps, objective="caption", task="caption", **changes)
    caption = CaptionConfig(layers=1, heads=2, width=16, vocabulary=280, length=12)
    planes = facts.planes_per_step * steps
    tokenizer = choose_tokenizer(caption, SENTENCES)
    model = build_captioner(config, caption, tokenizer, planes=planes, image_size=SIZE).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    write_weights(model.state_dict(), root / BEST)
    save_parts(model, root / FOLDER)
    write_json(root / "model.json", facts.to_dict())
    data = DataConfig(path=str(root / "secret"), channels=list(facts.channels), mask_target="last")
    save_config(
        Config(
            output=str(root),
            objective="caption",
            task="caption",
            data=data,
            model=config,
            caption=caption,
        ),
        root / "config.yaml",
    )
    if results:
        write_json(results_folder(root, facts.dataset, results["split"]) / "results.json", results)
    return facts, model


# What a reader of the card would type; ROOT is the folder of packages.
PLAIN = """
from transformers import AutoTokenizer, VisionEncoderDecoderModel

folder = f"{ROOT}/captioner"
model = VisionEncoderDecoderModel.from_pretrained(folder).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
processor = AutoImageProcessor.from_pretrained(folder)
inputs = processor(list(np.load(f"{ROOT}/planes.npy")), return_tensors="pt")["pixel_values"]
tokens = model.generate(inputs.float())
code = re.findall(r"```python\\n(.*?)```", open(f"{folder}/README.md").read(), re.DOTALL)
first, whole = {}, {}
exec(code[0], first)
exec("\\n".join(code), whole)
assert not any(name in sys.modules for name in ("training", "hub", "dataset_script"))
said = {
    "written": tokenizer.batch_decode(tokens, skip_special_tokens=True),
    "cards": [first["caption"], whole["caption"]],
    "objective": model.config.hephaestus["objective"],
}
json.dump(said, open(f"{ROOT}/captions.json", "w"))
"""


def save_planes(root, facts):
    """Write planes in the channels' units for `PLAIN`; return them normalised."""
    mean, std = (np.reshape(each, (-1, 1, 1)) for each in plane_statistics(facts))
    normal = np.random.default_rng(0).normal(size=(6, len(mean), SIZE, SIZE))
    np.save(root / "planes.npy", (normal * std + mean).astype("float32"))
    return torch.from_numpy(normal).float().unflatten(1, (facts.timeseries_length, -1))


def check_plain(root, model, normal):
    """Plain transformers wrote the same text as we do."""
    said = json.loads((root / "captions.json").read_text())
    ours = model.write(normal)
    assert said["written"] == ours
    assert len(set(ours)) > 1  # of different images different sentences
    assert all(isinstance(text, str) for text in said["cards"])
    assert said["objective"] == "caption"
