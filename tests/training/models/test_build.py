import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from torch.nn.functional import cross_entropy

from dataset_script.errors import ConfigError
from tests.training.experiments import build
from training.config.models import ModelConfig
from training.models.inflation import first_convolution
from training.models.model import wrap_backbone

VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "patch_size": 16,
}
SWIN = {"depths": [1, 1, 1, 1], "embed_dim": 24, "num_heads": [1, 2, 4, 8]}
CONVNEXT = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
CLASSIFIERS = {
    "resnet": ModelConfig("timm", "test_resnet"),
    "mobilenetv3": ModelConfig("timm", "mobilenetv3_small_050"),
    "efficientnetv2": ModelConfig("timm", "tf_efficientnetv2_b0"),
    "convnext": ModelConfig("timm", "convnext_atto"),
    "vit": ModelConfig("timm", "test_vit"),
    "transformers vit": ModelConfig("transformers", "vit", options=VIT),
    "transformers convnext": ModelConfig("transformers", "convnext", options=CONVNEXT),
    "transformers swin": ModelConfig(
        "transformers",
        "swin",
        options={"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4},
    ),
    "transformers dinov2": ModelConfig(
        "transformers",
        "dinov2",
        options={key: value for key, value in VIT.items() if key != "intermediate_size"},
    ),
    # two heads of one kind, the image's configuration within another, image sizes as a pair
    "transformers deit": ModelConfig("transformers", "deit", options=VIT),
    "transformers clip": ModelConfig("transformers", "clip", options={"vision_config": VIT}),
    "transformers hiera": ModelConfig(
        "transformers",
        "hiera",
        options={"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]},
    ),
}
SEGMENTERS = {
    "unet": ModelConfig("smp", "Unet", encoder="resnet18"),
    "unet, timm encoder": ModelConfig("smp", "Unet", encoder="tu-test_resnet"),
    "deeplabv3": ModelConfig("smp", "DeepLabV3", encoder="tu-test_resnet"),
    "deeplabv3+": ModelConfig("smp", "DeepLabV3Plus", encoder="mobilenet_v2"),
    "segformer": ModelConfig("smp", "Segformer", encoder="resnet18", options={"encoder_depth": 4}),
    "transformers segformer": ModelConfig(
        "transformers",
        "segformer",
        options={
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "decoder_hidden_size": 16,
            "num_attention_heads": [1, 1, 2, 2],
        },
    ),
    "transformers dpt": ModelConfig(
        "transformers",
        "dpt",
        options=VIT
        | {
            "num_hidden_layers": 4,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [8, 8, 16, 16],
            "fusion_hidden_size": 16,
        },
    ),
    "transformers upernet": ModelConfig(
        "transformers",
        "upernet",
        options={
            "hidden_size": 16,
            "backbone_config": {
                "model_type": "convnext",
                "out_features": ["stage1", "stage2", "stage3", "stage4"],
                **CONVNEXT,
            },
        },
    ),
}
ALL = {name: ("classification", config) for name, config in CLASSIFIERS.items()} | {
    name: ("segmentation", config) for name, config in SEGMENTERS.items()
}


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_every_architecture_learns_its_batch(name, steps):
    objective, config = ALL[name]
    torch.manual_seed(0)
    model = build(config, objective, steps)
    images = torch.randn(2, steps, 9, 64, 64)
    wanted = torch.tensor([0, 1])
    if objective == "segmentation":
        wanted = wanted[:, None, None].expand(2, 64, 64).contiguous()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for _ in range(3):
        logits = model(images)
        assert logits.shape == ((2, 2) if objective == "classification" else (2, 2, 64, 64))
        loss = cross_entropy(logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        idle = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
        assert not idle, "DDP refuses parameters without a gradient"
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[1:]) < losses[0]


@pytest.mark.parametrize(
    ("objective", "config", "parameters"),
    [
        ("classification", ModelConfig("timm", "resnet50"), 23_587_394),
        ("classification", ModelConfig("timm", "convnext_tiny"), 27_858_530),
        ("classification", ModelConfig("timm", "vit_base_patch16_224"), 90_518_786),
        ("segmentation", ModelConfig("smp", "Unet", encoder="resnet50"), 32_596_514),
    ],
)
def test_real_variants_have_the_published_size(objective, config, parameters):
    with torch.device("meta"):
        model = build(config, objective, steps=3, size=224)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("transformers")])
def test_every_kind_of_transformers_is_inflated(name, tmp_path):
    """It does not do so by itself: from three channels and five classes to nine, three steps."""
    objective, config = ALL[name]
    torch.manual_seed(0)
    source = build(config, objective, channels=3, classes=5).backbone
    source.save_pretrained(tmp_path)
    wanted = ModelConfig("transformers", str(tmp_path), pretrained=True)
    model = build(wanted, objective, steps=3).backbone
    first, old = first_convolution(model)
    torch.testing.assert_close(
        old.weight, first_convolution(source)[1].weight.repeat(1, 9, 1, 1) * 3 / 27
    )
    before, fresh = source.state_dict(), []
    for key, weight in model.state_dict().items():
        if key != f"{first}.weight" and not torch.equal(weight, before[key].to(weight.dtype)):
            fresh.append(key)
    assert all(len(before[key]) == 5 for key in fresh), "more than the head is new"


def test_planes_are_time_major():
    """Step 1's channel 0 is plane C, whichever the library."""

    class Probe(torch.nn.Module):
        def forward(self, planes):
            return planes.mean((2, 3))

    images = torch.arange(6.0).reshape(1, 2, 3, 1, 1).expand(1, 2, 3, 8, 8)
    answer = wrap_backbone(Probe(), "timm", "classification")(images)
    assert answer.tolist() == [[0, 1, 2, 3, 4, 5]]


def test_backbones_are_the_libraries_own():
    assert isinstance(build(CLASSIFIERS["resnet"]).backbone, timm.models.ResNet)
    assert isinstance(build(SEGMENTERS["unet"], "segmentation").backbone, smp.Unet)
    vit = build(CLASSIFIERS["transformers vit"], steps=3)
    assert type(vit.backbone).__name__ == "ViTForImageClassification"
    assert vit.backbone.config.num_channels == 27
    assert vit.backbone.config.image_size == 64
    assert vit.backbone.config.num_labels == 2


def test_wrapping_a_loaded_module_gives_the_same_logits():
    built = build(CLASSIFIERS["resnet"], steps=3).eval()
    images = torch.randn(2, 3, 9, 64, 64)
    again = wrap_backbone(built.backbone, "timm", "classification")
    assert torch.equal(built(images), again(images))
    with pytest.raises(ConfigError, match="unknown library 'keras'"):
        wrap_backbone(built.backbone, "keras", "classification")
    with pytest.raises(ConfigError, match="unknown objective 'detection'"):
        wrap_backbone(built.backbone, "timm", "detection")


@pytest.mark.parametrize("classes", [2, 5])
def test_transformers_segments_at_the_inputs_size(classes):
    model = build(SEGMENTERS["transformers segformer"], "segmentation", classes=classes).eval()
    images = torch.randn(1, 1, 9, 64, 64)
    coarse = model.backbone(pixel_values=images[:, 0]).logits
    assert coarse.shape == (1, classes, 16, 16)
    fine = model(images)
    assert fine.shape == (1, classes, 64, 64)
    torch.testing.assert_close(fine.mean(), coarse.mean(), rtol=0.1, atol=0.02)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (ModelConfig("timm", "eva02_tiny_patch14_224"), 126),
        (ModelConfig("timm", "eva02_tiny_patch14_224", temporal="max"), 126),
        (ModelConfig("timm", "swin_tiny_patch4_window7_224"), 128),
        (ModelConfig("transformers", "swin", options=SWIN), 128),
        (ModelConfig("smp", "DPT", encoder="tu-vit_tiny_patch16_224"), 96),
        (ModelConfig("smp", "Unet", encoder="tu-swin_tiny_patch4_window7_224"), 96),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_architectures_of_a_fixed_size_are_built_for_the_datas(config, size):
    objective = "segmentation" if config.library == "smp" else "classification"
    model = build(config, objective, steps=2, size=size)
    with torch.inference_mode():
        answer = model.eval()(torch.zeros(1, 2, 9, size, size))
    assert answer.shape == ((1, 2, size, size) if objective == "segmentation" else (1, 2))
