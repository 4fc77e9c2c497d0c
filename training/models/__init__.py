"""Any timm, smp or transformers model behind one face."""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
