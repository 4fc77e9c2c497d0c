"""Tiny models of every library: their configurations and facts."""

from dataset_script.channels import INSAR_CHANNELS, select
from training.config.models import ModelConfig
from training.facts import ModelFacts

SIZE = 32
KINDS = {
    "timm": ("classification", ModelConfig("timm", "test_resnet", pretrained=False)),
    "smp": ("segmentation", ModelConfig("smp", "Unet", "timm-mobilenetv3_small_minimal_100")),
    "vit": (
        "classification",
        ModelConfig(
            "transformers",
            "vit",
            options={
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "patch_size": 16,
            },
        ),
    ),
    "segformer": (
        "segmentation",
        ModelConfig(
            "transformers",
            "segformer",
            options={
                "hidden_sizes": [8, 8, 16, 16],
                "depths": [1, 1, 1, 1],
                "num_attention_heads": [1, 1, 1, 1],
                "decoder_hidden_size": 16,
            },
        ),
    ),
    "temporal": ("classification", ModelConfig("timm", "test_resnet", temporal="mean")),
}


def make_facts(kind, channels=INSAR_CHANNELS, steps=2, **changes):
    objective, config = KINDS[kind]
    rows = select(channels)
    library = "hephaestus" if config.temporal != "stack" else config.library
    return ModelFacts(
        **{
            "objective": objective,
            "task": "binary",
            "classes": ("Non_Deformation", "Deformation"),
            "multilabel": False,
            "library": library,
            "architecture": config.name,
            "encoder": config.encoder,
            "temporal": config.temporal,
            "channels": tuple(channels),
            "mean": tuple(row.mean for row in rows),
            "std": tuple(row.std for row in rows),
            "timeseries_length": steps,
            "image_size": SIZE,
            "threshold": 0.37,
            "temperature": 1.3,
            "dataset": "made-up rows",
            **changes,
        }
    )
