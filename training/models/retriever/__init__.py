"""What brings series and sentences to one space: an image encoder and a text encoder."""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
