"""A frozen encoder is the same after a step as before, its batch norms included."""

import pytest
import torch

from tests.training.experiments import build
from tests.training.models.test_build import ALL
from training.config.models import ModelConfig
from training.config.schema import OptimizerConfig
from training.fit.optimisation import make_optimizer
from training.models.freezing import freeze_encoder

HEADS = {
    "resnet": (*ALL["resnet"], "backbone.fc."),
    "mobilenetv3": (*ALL["mobilenetv3"], "backbone.classifier."),
    "transformers vit": (*ALL["transformers vit"], "backbone.classifier."),
    "transformers segformer": (*ALL["transformers segformer"], "backbone.decode_head."),
    "transformers upernet": (*ALL["transformers upernet"], "backbone.decode_head."),
    "unet": (*ALL["unet"], ("backbone.decoder.", "backbone.segmentation_head.")),
    "series": (
        "classification",
        ModelConfig("timm", "test_resnet", temporal="attention", options={"hidden_channels": 8}),
        ("backbone.fusion.", "backbone.encoder.fc."),
    ),
    "series of masks": (
        "segmentation",
        ModelConfig("smp", "Unet", "resnet18", temporal="mean"),
        ("backbone.segmenter.decoder.", "backbone.segmenter.segmentation_head."),
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_nothing_but_the_head_changes(name):
    torch.manual_seed(0)
    objective, config, head = HEADS[name]
    model = build(config, objective, steps=2, channels=3)
    freeze_encoder(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = make_optimizer(model, OptimizerConfig(learning_rate=0.1))
    model.train()
    model(torch.randn(2, 2, 3, 64, 64)).square().sum().backward()
    optimizer.step()
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert changed and all(key.startswith(head) for key in changed)
    assert model.training and not model.eval().training
