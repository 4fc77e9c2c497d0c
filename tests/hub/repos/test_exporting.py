"""A packaged model as one file: equal to the library's own, whatever batch and size."""

import json

import numpy as np
import pytest
import torch

from hub.__main__ import main
from hub.errors import HubError
from hub.inference.detector import Detector
from hub.repos import exporting
from hub.repos.packaging import package_model
from hub.scenes.load import load_scene
from tests.hub.facts import SIZE, make_facts
from tests.hub.models import make_model
from tests.rows import make_row
from tests.training.experiments import build
from training.config.models import ModelConfig
from training.facts import ModelFacts

ANY = ((1, 64, 64), (4, 96, 160))
"""Batch, height and width that none of the examples of the tracing has."""


# The shared ones have so many layers that tracing them at free sizes takes long.
SHORT = {
    "smp": ModelConfig(
        "smp", "Unet", "resnet18", options={"encoder_depth": 3, "decoder_channels": [16, 8, 8]}
    ),
    "segformer": ModelConfig(
        "transformers",
        "segformer",
        options={
            "num_encoder_blocks": 2,
            "hidden_sizes": [8, 16],
            "depths": [1, 1],
            "num_attention_heads": [1, 1],
            "sr_ratios": [4, 1],
            "patch_sizes": [7, 3],
            "strides": [4, 2],
            "mlp_ratios": [4, 4],
            "decoder_hidden_size": 16,
        },
    ),
}


def export(tmp_path, kind, form, side=64):
    facts = make_facts(kind, image_size=side)
    (tmp_path / "model").mkdir()
    if kind in SHORT:
        model = build(SHORT[kind], "segmentation", 2, len(facts.channels)).eval()
    else:
        model = make_model(kind, facts)
    package_model(model.backbone, facts, tmp_path / "model")
    out = tmp_path / "out"
    main(["export-model", str(tmp_path / "model"), "--format", form, "--output", str(out)])
    return facts, model, out


def answers(model, facts, shape, seed=0):
    """Planes `[B, T * C, H, W]`, and what the library's own module says of them."""
    batch, *sides = shape
    count = facts.timeseries_length, facts.planes_per_step
    series = np.random.default_rng(seed).normal(size=(batch, *count, *sides)).astype("float32")
    with torch.no_grad():
        return series.reshape(batch, -1, *sides), model(torch.from_numpy(series)).numpy()


@pytest.mark.parametrize(
    ("kind", "side", "shapes"), [("smp", 64, ANY), ("vit", SIZE, ((1, 32, 32), (5, 32, 32)))]
)
def test_onnx_answers_as_the_library_does(tmp_path, kind, side, shapes, capsys):
    import onnx
    import onnxruntime

    facts, model, out = export(tmp_path, kind, "onnx", side)
    said = capsys.readouterr().out
    assert ("any size" in said) == (kind == "smp") and len(said.splitlines()) == 1
    session = onnxruntime.InferenceSession(out / "model.onnx")
    for shape in shapes:
        planes, truth = answers(model, facts, shape)
        (found,) = session.run(["logits"], {"planes": planes})
        np.testing.assert_allclose(found, truth, atol=1e-4)
    (kept,) = onnx.load(out / "model.onnx", load_external_data=False).metadata_props
    assert ModelFacts.from_dict(json.loads(kept.value)) == facts
    assert {path.name for path in out.iterdir()} == {
        "model.onnx", "hephaestus.json", "input.json", "README.md"
    }  # fmt: skip
    ours, theirs = (Detector.from_pretrained(path, device="cpu") for path in (model_of(out), out))
    scene = load_scene(make_row(np.random.default_rng(3), 1, 2, side))
    mine, other = ours.predict(scene), theirs.predict(scene)
    assert other.image_probability == pytest.approx(mine.image_probability, abs=1e-4)
    if mine.probability is not None:
        np.testing.assert_allclose(other.probability, mine.probability, atol=1e-4)


def model_of(out):
    return out.parent / "model"


@pytest.mark.parametrize("kind", ["temporal", "segformer"])
def test_torchs_exported_program_answers_as_the_library_does(tmp_path, kind, monkeypatch):
    facts, model, out = export(tmp_path, kind, "torch")
    code = (out / "README.md").read_text().split("```python\n")[1].split("```")[0]
    found = {}
    monkeypatch.chdir(out)
    exec(code, found)
    assert len(found["logits"]) == 1
    for shape in ANY:
        planes, truth = answers(model, facts, shape)
        said = found["model"](torch.from_numpy(planes)).detach().numpy()
        np.testing.assert_allclose(said, truth, atol=1e-4)


def test_nothing_is_written_where_the_answers_differ(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, "_difference", lambda *_: float("nan"))
    with pytest.raises(SystemExit):
        export(tmp_path, "temporal", "torch")
    assert "more than 0.0001; nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_models_own_folder_is_never_replaced(tmp_path, capsys):
    facts = make_facts("timm")
    package_model(make_model("timm", facts).backbone, facts, tmp_path)
    with pytest.raises(SystemExit):
        main(["export-model", str(tmp_path), "--output", str(tmp_path)])
    assert "which an export would replace" in capsys.readouterr().err
    assert (tmp_path / "model.safetensors").exists()


def test_a_file_that_is_no_network_is_told(tmp_path):
    (tmp_path / "hephaestus.json").write_text(json.dumps(make_facts("timm").to_dict()))
    (tmp_path / "model.onnx").write_bytes(b"torn")
    with pytest.raises(HubError, match="no network that ONNX Runtime can run"):
        Detector.from_pretrained(tmp_path)
