import json
import math
import subprocess
import sys

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from transformers import ViTMAEForPreTraining

from dataset_script.channels import BY_NAME
from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.rows import make_dataset_folder, with_another
from training.config.models import ModelConfig
from training.config.pretraining import (
    AutoencoderConfig,
    PretrainingConfig,
    PretrainingLoopConfig,
    as_experiment,
    validate_pretraining,
)
from training.config.schema import AugmentationConfig, DataConfig, OptimizerConfig
from training.data.sources import open_data
from training.fit import experiment
from training.fit.objectives.pretrainer import SPLIT, Pretrainer
from training.models.build import build_model
from training.models.masked_autoencoder import MaskedAutoencoder
from training.models.weights import load_weights, require_same_channels
from training.pretrain import main

OPTIONS = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "patch_size": 8,
    "decoder_hidden_size": 16,
    "decoder_num_hidden_layers": 1,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 32,
}
CHANNELS = ["insar_difference", "insar_coherence", "dem"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_dataset_folder(
        tmp_path_factory.mktemp("data"), steps=2, counts=(6, 2, 2), channels=CHANNELS
    )


def configured(folder, output, **training):
    return validate_pretraining(
        PretrainingConfig(
            output=str(output),
            data=DataConfig(path=str(folder), config="ts2", channels=list(CHANNELS), workers=0),
            model=AutoencoderConfig(dict(OPTIONS)),
            optimizer=OptimizerConfig(learning_rate=3e-3),
            training=PretrainingLoopConfig(**({"epochs": 2, "batch_size": 3} | training)),
            augmentation=AugmentationConfig(flip=0.5),
        )
    )


def pretrain(config, resume=False, until=None):
    data = open_data(as_experiment(config), (SPLIT,))
    trainer = Pretrainer(config, data, Accelerator(cpu=True))
    if until is not None:
        step = trainer._step

        def stopping(*arguments):
            if trainer.progress.update == until:
                raise KeyboardInterrupt
            step(*arguments)

        trainer._step = stopping
    trainer.fit(resume)
    return trainer


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "mae"
    config = configured(folder, output, epochs=6)
    pretrain(config)
    return output


def test_every_split_but_test_is_seen_and_the_loss_falls(folder, run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["train"]["samples"] for line in lines] == [8] * 6, "6 train and 2 validation rows"
    assert lines[-1]["train"]["loss"] < 0.95 * lines[0]["train"]["loss"]
    model = ViTMAEForPreTraining.from_pretrained(run / "model")
    assert model.config.num_channels == 3
    assert model.config.image_size == 32


def test_killed_and_resumed_is_bit_by_bit_the_uninterrupted_run(folder, run, tmp_path):
    config = configured(folder, tmp_path / "mae", epochs=6, checkpoint_every=2)
    for until in (1, 7, 14):
        with pytest.raises(KeyboardInterrupt):
            pretrain(config, resume=until > 1, until=until)
    trainer = pretrain(config, resume=True)
    assert trainer.progress.update == 18
    assert (tmp_path / "mae" / "metrics.jsonl").read_text() == (run / "metrics.jsonl").read_text()
    wanted = load_file(run / "model" / "model.safetensors")
    for name, tensor in load_file(tmp_path / "mae" / "model" / "model.safetensors").items():
        assert torch.equal(tensor, wanted[name]), name
    assert len(list((tmp_path / "mae" / "checkpoints").iterdir())) == 2


def test_a_run_is_not_overwritten_nor_resumed_with_other_settings(folder, run):
    with pytest.raises(ConfigError, match="--resume continues it"):
        pretrain(configured(folder, run, epochs=6))
    with pytest.raises(ConfigError, match=r"another training\.epochs"):
        pretrain(configured(folder, run, epochs=7), resume=True)


def test_a_finished_run_that_is_resumed_says_so(folder, run, tmp_path, capsys):
    experiment.pretrain(configured(folder, run, epochs=6), resume=True)
    assert "model: trained before" in capsys.readouterr().out
    other = with_another(folder, tmp_path, "validation", "dem", 1.0)
    with pytest.raises(ConfigError, match=r"began with other data \(other pixels or labels\)"):
        experiment.pretrain(configured(other, run, epochs=6), resume=True)


VIT = {key: value for key, value in OPTIONS.items() if not key.startswith("decoder_")}


def build(name, objective, init_from, steps=3, channels=3, **options):
    return build_model(
        ModelConfig("transformers", name, init_from=str(init_from), options=VIT | options),
        objective=objective,
        num_channels=channels,
        timeseries_length=steps,
        num_classes=2,
        image_size=32,
    )


@pytest.mark.parametrize("steps", [1, 3])
def test_the_encoder_starts_a_classifier(run, steps):
    source = ViTMAEForPreTraining.from_pretrained(run / "model")
    model = build("vit", "classification", run, steps)
    images = torch.randn(2, 1, 3, 32, 32)
    source.config.mask_ratio = 0.0
    order = torch.arange(16.0)[None].expand(2, -1)  # nothing masked, nothing shuffled
    with torch.no_grad():
        wanted = source.vit(pixel_values=images[:, 0], noise=order).last_hidden_state
        series = images.expand(-1, steps, -1, -1, -1).flatten(1, 2)
        got = model.backbone.vit(pixel_values=series).last_hidden_state
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_the_encoder_starts_a_segmenter(run):
    model = build(
        "dpt",
        "segmentation",
        run,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
    )
    source = ViTMAEForPreTraining.from_pretrained(run / "model")
    last = model.backbone.dpt.encoder.layer[3]
    assert torch.equal(
        last.attention.attention.query.weight, source.vit.layers[3].attention.q_proj.weight
    )
    assert torch.equal(last.output.dense.weight, source.vit.layers[3].mlp.fc2.weight)
    report = load_weights(model, run)
    assert all(name.startswith(("backbone.neck", "backbone.head")) for name in report.missing)
    assert all(name.startswith("decoder.") for name in report.unexpected)
    assert report.changed == ("backbone.dpt.embeddings.patch_embeddings.projection.weight",)
    images = torch.randn(2, 3, 3, 32, 32)
    model(images).square().mean().backward()
    assert model.backbone.dpt.embeddings.patch_embeddings.projection.weight.grad.abs().sum() > 0


def test_another_order_of_channels_is_refused_by_name(run):
    require_same_channels(run, CHANNELS)
    with pytest.raises(ConfigError, match="trained on insar_difference, insar_coherence, dem"):
        require_same_channels(run, CHANNELS[::-1])
    with pytest.raises(ConfigError, match="trained on raw phase"):
        require_same_channels(run, CHANNELS, "circular")


def test_the_phase_is_compared_on_the_circle():
    """A model that rebuilds everything one turn off is exactly right."""
    std = BY_NAME["insar_difference"].std
    module = MaskedAutoencoder(["dem", "insar_difference"], 16, OPTIONS)
    images = torch.rand(2, 2, 16, 16)
    noise = torch.rand(2, 4)

    def loss(turn, offset):
        wrong = images + torch.tensor([offset, turn * 2 * math.pi / std])[:, None, None]
        patches = module.autoencoder.patchify(wrong)
        answer = module.autoencoder(pixel_values=images, noise=noise)
        answer.logits = patches
        module.autoencoder.forward, kept = lambda **_: answer, module.autoencoder.forward
        try:
            return module(images, noise)
        finally:
            module.autoencoder.forward = kept

    torch.testing.assert_close(loss(1, 0.0), torch.zeros(2), atol=1e-5, rtol=0)
    # half a turn is the greatest error: 4 / std^2, and the elevation's is its square
    torch.testing.assert_close(loss(0.5, 0.3), torch.full((2,), (4 / std**2 + 0.09) / 2))


def test_options_that_do_not_suit_are_refused():
    with pytest.raises(ConfigError, match="patches of 7 pixels do not tile an image of 32"):
        MaskedAutoencoder(CHANNELS, 32, OPTIONS | {"patch_size": 7})
    with pytest.raises(ConfigError, match="did you mean mask_ratio"):
        MaskedAutoencoder(CHANNELS, 32, {"maskratio": 0.5})
    for ratio in (-0.5, 0.0, 0.99, 1.0, 1.5):
        with pytest.raises(ConfigError, match=rf"mask_ratio is {ratio}, of 16 patches: some must"):
            MaskedAutoencoder(CHANNELS, 32, OPTIONS | {"mask_ratio": ratio})
    with pytest.raises(ConfigError, match="num_channels is not yours"):
        MaskedAutoencoder(CHANNELS, 32, {"num_channels": 5})
    with pytest.raises(ConfigError, match=r"data\.mask_target would do nothing"):
        validate_pretraining(PretrainingConfig(data=DataConfig(mask_target="last")))
    with pytest.raises(ConfigError, match=r"augmentation\.repeated_date would do nothing"):
        repeated = AugmentationConfig(repeated_date=0.5)
        validate_pretraining(PretrainingConfig(augmentation=repeated))


def test_the_script_explains_itself(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--model.options" in capsys.readouterr().out


def test_the_script_runs_from_anywhere_and_refuses_unknown_keys(tmp_path):
    script = [sys.executable, str(ROOT / "training" / "pretrain.py"), "--training.epoch", "3"]
    refused = subprocess.run(script, capture_output=True, text=True, cwd=tmp_path)
    assert refused.returncode == 1
    assert "did you mean training.epochs" in refused.stderr
    assert "Traceback" not in refused.stderr
