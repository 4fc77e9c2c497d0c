"""Models that cannot be built: which key is wrong, and what to do."""

import pytest

from dataset_script.errors import ConfigError
from tests.training.experiments import build
from training.config.models import ModelConfig


@pytest.mark.parametrize(
    ("config", "objective", "message"),
    [
        (ModelConfig("timm", "resnet5O"), "classification", "did you mean resnet50"),
        (ModelConfig("timm", "resnet18.nope"), "classification", "Invalid pretrained tag"),
        (ModelConfig("timm", "resnet18", options={"foo": 1}), "classification", "'foo'"),
        (ModelConfig("timm", "resnet18", options={"in_chans": 3}), "classification", "in_chans"),
        (
            ModelConfig("timm", "test_resnet", options={"layers": [1, 1]}),
            "classification",
            "timm test_resnet cannot be built: 'ResNet' object has no attribute 'layer3'",
        ),
        (
            ModelConfig("timm", "test_resnet", options={"output_stride": 7}),
            "classification",
            "cannot be built: AssertionError$",
        ),
        (
            ModelConfig("timm", "test_vit", options={"patch_size": 0}),
            "classification",
            "test_vit cannot be built: .* by zero",
        ),
        (
            ModelConfig("transformers", "vit", options={"num_attention_heads": 0}),
            "classification",
            "vit cannot be built: .* by zero",
        ),
        (ModelConfig("timm", "resnet18"), "segmentation", "take smp"),
        (ModelConfig("smp", "Unett", encoder="resnet18"), "segmentation", "it has Unet"),
        (ModelConfig("smp", "Unet", encoder="resnet188"), "segmentation", "did you mean resnet18"),
        (ModelConfig("smp", "Unet", encoder="tu-nothing"), "segmentation", "Unknown model"),
        (
            ModelConfig("smp", "Unet", encoder="resnet18", options={"encoder_dept": 4}),
            "segmentation",
            "did you mean encoder_depth",
        ),
        (ModelConfig("transformers", "vitt"), "classification", "did you mean vit"),
        (ModelConfig("transformers", "bert"), "classification", "cannot be built"),
        (ModelConfig("transformers", "textnet"), "classification", "another name for them"),
        (
            ModelConfig("transformers", "vit", options={"hiden_size": 3}),
            "classification",
            "did you mean hidden_size",
        ),
        (
            ModelConfig("transformers", "vit", options={"hidden_size": "big"}),
            "classification",
            "expected int",
        ),
        (ModelConfig("transformers", "vit", temporal="mean"), "classification", "stack the steps"),
        (
            ModelConfig("timm", "test_resnet", temporal="convlstm", options={"hidden_channels": 5}),
            "classification",
            "multiple of 8",
        ),
        (
            ModelConfig("timm", "test_resnet", temporal="mean", options={"hidden_channels": 8}),
            "classification",
            r"options\.hidden_channels would do nothing: model\.temporal mean",
        ),
        (
            ModelConfig("timm", "swin_tiny"),
            "classification",
            "did you mean swin_tiny_patch4_window7_224",
        ),
        (
            ModelConfig("smp", "Unet", encoder="tu-vit_tiny_patch16_224"),
            "segmentation",
            r"model\.encoder: .* keeps one resolution.* take model\.name DPT",
        ),
        (
            ModelConfig("transformers", "swin", options={"window_size": 7}),
            "classification",
            r"model\.options\.window_size is 7, but of 64 pixels .* 2 x 2: set it to 2 or less",
        ),
    ],
)
def test_refusals_name_the_key(config, objective, message):
    with pytest.raises(ConfigError, match=message):
        build(config, objective)


def test_pretrained_windows_that_do_not_fit_are_refused():
    from transformers import SwinConfig

    from training.models.sizes import fit_windows

    config = SwinConfig()
    fit_windows(config, 224, {}, pretrained=True)
    assert config.window_size == 7
    with pytest.raises(ConfigError, match="images of 224 pixels and more, not 128: set"):
        fit_windows(config, 128, {}, pretrained=True)
    fit_windows(config, 128, {}, pretrained=False)
    assert config.window_size == 4
    with pytest.raises(ConfigError, match="patch_size: Swin divides an image by 32"):
        fit_windows(config, 16, {}, pretrained=False)


def test_an_image_size_that_the_encoder_cannot_halve_is_refused_before_training():
    with pytest.raises(ConfigError, match="divisible by 32, not 100"):
        build(ModelConfig("smp", "Linknet", encoder="resnet18"), "segmentation", size=100)
