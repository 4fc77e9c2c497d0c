"""Fine-tuning and evaluation of timm, segmentation-models-pytorch and transformers models."""

from training import _torchvision_schemas  # noqa: F401 (must run before anything imports torchvision)
