"""Fine-tuning and evaluation of timm, segmentation-models-pytorch and transformers models."""

import os

# Fresh memory is handed out in small pages, whose first touch costs several times what writing to
# them does: assembling a batch of 512 pixels on a CPU takes a third of the time with large ones.
# torch reads this when it first allocates.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
