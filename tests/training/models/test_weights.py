"""Pretrained weights, inflation, and starting from another model's weights."""

import functools
import logging
import time

import huggingface_hub
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import save_file
from transformers import (
    CLIPConfig,
    CLIPForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from dataset_script.errors import ConfigError
from tests.training.experiments import build
from training.config.models import ModelConfig
from training.models.inflation import first_convolution, fit
from training.models.weights import load_weights
from training.runs.loaded_run import load_run

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "patch_size": 16,
    "image_size": 64,
}


build = functools.partial(build, steps=3)


@pytest.fixture(scope="module")
def pretrained_vit(tmp_path_factory):
    """A three-channel, three-class ViT on disk, as one would find it on the Hub."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("vit")
    model = ViTForImageClassification(ViTConfig(**SMALL, num_labels=3))
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("config", "objective"),
    [
        (ModelConfig("timm", "resnet10t", pretrained=True), "classification"),
        (ModelConfig("timm", "resnet10t", pretrained=True, temporal="mean"), "classification"),
        (ModelConfig("smp", "Unet", encoder="resnet18", pretrained=True), "segmentation"),
        (ModelConfig("smp", "Unet", encoder="tu-resnet18", pretrained=True), "segmentation"),
        (
            ModelConfig("transformers", "google/vit-base-patch16-224", pretrained=True),
            "classification",
        ),
    ],
)
@pytest.mark.parametrize("offline", [True, False])
def test_pretrained_without_network_fails_quickly_and_says_what_to_set(
    config, objective, offline, monkeypatch, tmp_path
):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    start = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        build(config, objective)
    assert time.perf_counter() - start < 10, "the libraries' retries must not run"
    said = str(caught.value)
    assert all(word in said for word in ("pretrained: false", "init_from", "HF_HOME", "online"))
    assert ("HF_HUB_OFFLINE is set" if offline else "127.0.0.1:9 does not answer") in said
    assert huggingface_hub.constants.HF_HUB_OFFLINE is offline


def test_a_transformers_model_is_inflated_as_timm_does_it(pretrained_vit):
    source = ViTForImageClassification.from_pretrained(pretrained_vit)
    model = build(ModelConfig("transformers", str(pretrained_vit), pretrained=True))
    old = first_convolution(source)[1].weight
    new = first_convolution(model)[1].weight
    assert model.backbone.config.num_channels == 27
    torch.testing.assert_close(new, old.repeat(1, 9, 1, 1) * 3 / 27)
    # equal planes give the activation that one pretrained image gave
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = source.vit(pixel_values=image).last_hidden_state
        after = model.backbone.vit(pixel_values=image.repeat(1, 9, 1, 1)).last_hidden_state
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
    assert model.backbone.config.num_labels == 2, "the head of three classes is replaced"


def test_timm_and_smp_inflate_by_the_same_rule(tmp_path):
    torch.manual_seed(0)
    source = timm.create_model("test_vit", num_classes=7)
    save_file(source.state_dict(), tmp_path / "vit.safetensors")
    overlay = {"file": str(tmp_path / "vit.safetensors"), "num_classes": 7}
    config = ModelConfig(
        "timm", "test_vit", pretrained=True, options={"pretrained_cfg_overlay": overlay}
    )
    model = build(config, size=160)
    wanted = source.patch_embed.proj.weight.repeat(1, 9, 1, 1) * 3 / 27
    torch.testing.assert_close(model.backbone.patch_embed.proj.weight, wanted)
    assert torch.equal(model.backbone.blocks[0].mlp.fc1.weight, source.blocks[0].mlp.fc1.weight)

    encoder = smp.encoders.get_encoder("resnet18")
    wanted = encoder.conv1.weight.detach().repeat(1, 9, 1, 1) * 3 / 27
    encoder.set_in_channels(27, pretrained=True)
    torch.testing.assert_close(encoder.conv1.weight, torch.nn.Parameter(wanted))


def test_a_temporal_model_starts_from_the_single_images_weights(tmp_path):
    source = timm.create_model("test_resnet", num_classes=7)
    save_file(source.state_dict(), tmp_path / "resnet.safetensors")
    overlay = {"file": str(tmp_path / "resnet.safetensors"), "num_classes": 7}
    model = build(
        ModelConfig(
            "timm",
            "test_resnet",
            pretrained=True,
            temporal="attention",
            options={"pretrained_cfg_overlay": overlay, "hidden_channels": 16},
        )
    )
    first = model.backbone.encoder.conv1[0].weight
    torch.testing.assert_close(first, source.conv1[0].weight.repeat(1, 3, 1, 1) / 3)
    assert torch.equal(model.backbone.encoder.layer4[0].conv1.weight, source.layer4[0].conv1.weight)


def test_positions_are_resampled_to_another_image_size(pretrained_vit):
    model = build(ModelConfig("transformers", str(pretrained_vit), pretrained=True), size=128)
    assert model.backbone.vit.embeddings.position_embeddings.shape == (1, 1 + 64, 32)
    assert model(torch.zeros(1, 3, 9, 128, 128)).shape == (1, 2)


def test_positions_without_a_batch_dimension_are_resampled_too(tmp_path):
    torch.manual_seed(0)
    source = CLIPForImageClassification(CLIPConfig(vision_config=SMALL))
    source.save_pretrained(tmp_path)
    model = build(ModelConfig("transformers", str(tmp_path), pretrained=True), size=128)
    name = "vision_model.embeddings.position_embedding.weight"
    old, new = source.state_dict()[name], model.backbone.state_dict()[name]
    assert (old.shape, new.shape) == ((1 + 16, 32), (1 + 64, 32))
    torch.testing.assert_close(new[0], old[0], msg="the class token has no place to move to")
    assert model(torch.zeros(1, 3, 9, 128, 128)).shape == (1, 2)


def test_options_that_change_a_pretrained_shape_are_refused(pretrained_vit):
    config = ModelConfig(
        "transformers", str(pretrained_vit), pretrained=True, options={"intermediate_size": 128}
    )
    with pytest.raises(ConfigError, match=r"do not fit: vit.*64x32 for 128x32"):
        build(config)


def test_a_folder_without_pretrained_gives_its_configuration(pretrained_vit):
    torch.manual_seed(0)
    model = build(ModelConfig("transformers", str(pretrained_vit), options={"patch_size": 8}))
    assert model.backbone.config.hidden_size == 32
    assert model.backbone.vit.embeddings.position_embeddings.shape[1] == 1 + 64
    source = ViTForImageClassification.from_pretrained(pretrained_vit)
    assert not torch.equal(
        model.backbone.vit.layers[0].mlp.fc1.weight, source.vit.layers[0].mlp.fc1.weight
    )


def test_a_kind_of_model_has_no_weights():
    with pytest.raises(ConfigError, match="vit is a kind of model, which has no weights"):
        build(ModelConfig("transformers", "vit", pretrained=True))


def test_an_empty_folder_is_no_pretrained_model(tmp_path):
    with pytest.raises(ConfigError, match="cannot be built"):
        build(ModelConfig("transformers", str(tmp_path), pretrained=True))


@pytest.mark.parametrize(("channels", "steps"), [(1, 1), (3, 1), (4, 2), (9, 3)])
def test_inflation_keeps_the_answer_to_equal_planes(channels, steps):
    torch.manual_seed(0)
    source = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    target = torch.nn.Sequential(torch.nn.Conv2d(channels * steps, 4, 3))
    fitting, changed, misfits = fit(source.state_dict(), target)
    assert not misfits
    assert changed == ([] if channels * steps == 3 else ["0.weight"])
    if channels * steps % 3 == 0 or channels * steps == 1:
        target.load_state_dict(fitting)
        plane = torch.randn(1, 1, 8, 8)
        torch.testing.assert_close(
            target(plane.expand(-1, channels * steps, -1, -1)), source(plane.expand(-1, 3, -1, -1))
        )


def save(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)


def test_a_run_of_single_images_starts_a_series(tmp_path, caplog):
    run = build(ModelConfig("timm", "test_resnet"), steps=1)
    save(run, tmp_path / "run" / "best" / "model.safetensors")
    with caplog.at_level(logging.INFO, "training.models.build"):
        stacked = build(ModelConfig("timm", "test_resnet", init_from=str(tmp_path / "run")))
    assert "changed: backbone.conv1.0.weight" in caplog.text
    image = torch.randn(2, 1, 9, 64, 64)
    torch.testing.assert_close(
        stacked.eval()(image.expand(-1, 3, -1, -1, -1)), run.eval()(image), atol=1e-5, rtol=1e-4
    )
    shared = build(
        ModelConfig("timm", "test_resnet", temporal="convlstm", init_from=str(tmp_path / "run"))
    )
    for name, tensor in run.backbone.state_dict().items():
        assert torch.equal(shared.backbone.encoder.state_dict()[name], tensor)


def test_a_classifier_starts_a_segmenters_encoder(tmp_path):
    run = build(ModelConfig("timm", "resnet18"))
    save(run.backbone, tmp_path / "model.safetensors")  # as a packaged model lies
    segmenter = build(ModelConfig("smp", "Unet", encoder="resnet18"), "segmentation")
    report = load_weights(segmenter, tmp_path)
    assert report.prefixes == ("", "backbone.encoder.")
    assert set(report.unexpected) == {"fc.weight", "fc.bias"}
    assert report.missing
    assert all("encoder" not in name for name in report.missing)
    assert torch.equal(segmenter.backbone.encoder.conv1.weight, run.backbone.conv1.weight)


def test_weights_that_do_not_fit_are_named(tmp_path):
    save(build(ModelConfig("timm", "test_resnet")), tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match=r"backbone\.fc\.weight \(2x96 for 5x96\)"):
        build(ModelConfig("timm", "test_resnet", init_from=str(tmp_path)), classes=5)
    with pytest.raises(ConfigError, match=r"do not fit the model|has a name of the model's"):
        build(ModelConfig("timm", "test_vit", init_from=str(tmp_path)))


def test_init_from_without_weights_says_what_it_looked_for(tmp_path):
    with pytest.raises(ConfigError, match=r"has none of best/model\.safetensors"):
        build(ModelConfig("timm", "test_resnet", init_from=str(tmp_path)))
    (tmp_path / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(ConfigError, match="cannot be read"):
        build(ModelConfig("timm", "test_resnet", init_from=str(tmp_path)))


def test_a_whole_module_saved_by_torch_is_refused(tmp_path):
    """As the authors' checkpoints are: whoever made the file says what runs when it is loaded."""
    for number, options in enumerate(({}, {"_use_new_zipfile_serialization": False})):
        file = tmp_path / f"{number}.pt"
        torch.save(torch.nn.Linear(2, 2), file, **options)
        for load in (functools.partial(load_weights, torch.nn.Linear(2, 2)), load_run):
            with pytest.raises(ConfigError, match=r"could run code from it, so it is refused") as e:
                load(file)
            assert "safetensors.torch.save_file" in str(e.value) and "\n" not in str(e.value)
