"""The loops, and what they are made of."""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
