"""What writes a sentence about a series: an image encoder, a language model, a tokenizer."""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
