"""A run's folder: checkpoints, weights, and taking it up again."""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
