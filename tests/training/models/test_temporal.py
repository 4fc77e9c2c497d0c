import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.errors import ConfigError
from training.config.models import ModelConfig
from training.models.build import build_model
from training.models.fusion import FUSIONS, ConvLSTM, make_fusion, step_code
from training.models.model import OURS
from training.models.temporal import TemporalClassifier, TemporalSegmenter

ENCODERS = {
    "resnet": ModelConfig("timm", "test_resnet"),
    "mobilenetv3": ModelConfig("timm", "mobilenetv3_small_050"),
    "vit": ModelConfig("timm", "test_vit"),
    "unet": ModelConfig("smp", "Unet", encoder="tu-test_resnet"),
    "deeplabv3+": ModelConfig("smp", "DeepLabV3Plus", encoder="resnet18"),
    "segformer": ModelConfig("smp", "Segformer", encoder="mit_b0"),
}


def build(name, fusion, channels=9, size=64):
    config = ENCODERS[name]
    options = {} if fusion in ("mean", "max") else {"hidden_channels": 16}
    return build_model(
        ModelConfig(config.library, config.name, config.encoder, temporal=fusion, options=options),
        objective="classification" if config.library == "timm" else "segmentation",
        num_channels=channels,
        timeseries_length=3,
        num_classes=2,
        image_size=size,
    )


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", ENCODERS)
def test_every_step_and_every_parameter_gets_a_gradient(name, fusion):
    torch.manual_seed(0)
    model = build(name, fusion).train()
    assert model.library == OURS
    images = torch.randn(2, 3, 9, 64, 64, requires_grad=True)
    logits = model(images)
    assert logits.shape == ((2, 2) if ENCODERS[name].library == "timm" else (2, 2, 64, 64))
    logits.square().sum().backward()
    assert (images.grad.abs().amax((2, 3, 4)) > 0).all(), "a step without influence"
    assert not [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    optimizer.step()
    assert model(images).isfinite().all()


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", ["resnet", "vit", "unet"])
def test_only_attention_and_convlstm_know_the_order(name, fusion):
    torch.manual_seed(0)
    model = build(name, fusion).eval()
    images = torch.randn(1, 3, 9, 64, 64)
    with torch.no_grad():
        forward, backward = model(images), model(images.flip(1))
    same = torch.allclose(forward, backward, atol=1e-5)
    assert same == (fusion in ("mean", "max"))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_equal_steps_are_one_step_to_mean_and_max(fusion):
    torch.manual_seed(0)
    module = make_fusion(fusion, 16, 16)
    one = torch.randn(2, 1, 16, 4, 4)
    with torch.no_grad():
        three = module(one.expand(-1, 3, -1, -1, -1))
        single = module(one)
    assert torch.allclose(three, single, atol=1e-6) == (fusion != "convlstm")


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(FUSIONS),
    st.integers(1, 6),
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_any_length_and_any_map(fusion, steps, channels, height, width):
    module = make_fusion(fusion, channels, 16)
    features = torch.randn(2, steps, channels, height, width)
    assert module(features).shape == (2, channels, height, width)


def test_the_convlstm_cell_is_its_equations():
    torch.manual_seed(0)
    lstm = ConvLSTM(8, 8)
    inputs, hidden, cell = torch.randn(3, 1, 8, 5, 5)
    with torch.no_grad():
        got_hidden, got_cell = lstm.step(inputs, hidden, cell)
        both = torch.cat([inputs, hidden], 1)
        gates = [
            torch.nn.functional.conv2d(both, weight, bias, padding=1)
            for weight, bias in zip(
                lstm.gates.weight.split(8), lstm.gates.bias.split(8), strict=True
            )
        ]
        enter, forget, leave = (torch.sigmoid(gate) for gate in gates[:3])
        wanted_cell = forget * cell + enter * torch.tanh(gates[3])
        torch.testing.assert_close(got_cell, wanted_cell)
        torch.testing.assert_close(got_hidden, leave * torch.tanh(wanted_cell))
    assert (lstm.gates.bias[8:16] == 1).all(), "the forget gate starts open"


def test_the_convlstm_remembers_the_first_step():
    """With a memory that only adds, the answer to (x, 0) differs from that to (0, 0)."""
    torch.manual_seed(0)
    lstm = ConvLSTM(8, 8)
    features = torch.zeros(1, 3, 8, 4, 4)
    features[:, 0] = torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        _, cell = lstm.step(lstm.narrow(lstm.norm(features[:, 0])), *torch.zeros(2, 1, 8, 4, 4))
        seen = lstm(features) - features.mean(1)
        blank = lstm(torch.zeros_like(features))
    assert cell.abs().max() > 0
    assert (seen - blank).abs().max() > 1e-4


def test_step_codes_differ():
    code = step_code(12, 16, torch.zeros(1))
    assert code.shape == (12, 16)
    assert torch.cdist(code, code).fill_diagonal_(1).min() > 0.1


@pytest.mark.parametrize("name", ["resnet", "vit", "unet"])
@pytest.mark.parametrize("fusion", ["mean", "attention", "convlstm"])
def test_saved_and_loaded_models_answer_alike(name, fusion, tmp_path):
    torch.manual_seed(0)
    model = build(name, fusion).eval()
    model.backbone.save_pretrained(tmp_path)
    kwargs = json.loads((tmp_path / "config.json").read_text())
    assert kwargs["fusion"] == fusion
    assert kwargs["in_channels"] == 9
    again = type(model.backbone).from_pretrained(tmp_path).eval()
    images = torch.randn(2, 3, 9, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(images), model(images))
        assert again(images[:, :2]).isfinite().all(), "another number of steps"


def test_one_encoder_is_shared():
    counts = {
        fusion: sum(p.numel() for p in build("resnet", fusion).parameters()) for fusion in FUSIONS
    }
    assert counts["mean"] == counts["max"]
    assert counts["mean"] < counts["attention"] < counts["convlstm"]
    with torch.device("meta"):
        single = build_model(
            ENCODERS["resnet"],
            objective="classification",
            num_channels=9,
            timeseries_length=1,
            num_classes=2,
            image_size=64,
        )
    assert sum(p.numel() for p in single.parameters()) == counts["mean"]


def test_mean_of_series_is_the_single_image_model_on_equal_steps():
    torch.manual_seed(0)
    model = TemporalClassifier("test_resnet", "mean", 9, 2, 64).eval()
    image = torch.randn(2, 9, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            model(image[:, None].expand(-1, 4, -1, -1, -1)), model.encoder(image)
        )
    segmenter = TemporalSegmenter("Unet", "tu-test_resnet", "mean", 9, 2, 64).eval()
    with torch.no_grad():
        torch.testing.assert_close(
            segmenter(image[:, None].expand(-1, 4, -1, -1, -1)), segmenter.segmenter(image)
        )


def test_fine_and_unused_levels_learn_no_fusion():
    segmenter = TemporalSegmenter("DeepLabV3Plus", "resnet18", "attention", 9, 2, 64)
    kinds = [type(fusion).__name__ for fusion in segmenter.fusions]
    assert kinds == ["Mean", "Mean", "Attention", "Mean", "Mean", "Attention"]


def test_a_width_that_is_no_number_is_refused():
    with pytest.raises(ConfigError, match="hidden_channels is many; it must be a multiple of 8"):
        make_fusion("attention", 32, "many")


def test_unknown_fusions_are_refused():
    with pytest.raises(ConfigError, match="unknown fusion 'median'; choose mean, max"):
        TemporalClassifier("test_resnet", "median", 9, 2, 64)
    with pytest.raises(ConfigError, match="use stack"):
        TemporalSegmenter("DPT", "tu-test_vit", "mean", 9, 2, 64)
