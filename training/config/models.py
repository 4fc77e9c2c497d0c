"""Which model is trained: the configuration's sections `model` and `caption`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from training.config.ranges import ranged


@dataclass
class ModelConfig:
    """Which model is trained.

    Attributes:
        library: timm, smp (segmentation-models-pytorch) or transformers.
        name: The library's name of the architecture (resnet50, Unet, segformer, vit, ...).
        encoder: Encoder of an smp architecture (resnet50, tu-convnext_tiny, ...).
        pretrained: Start from the library's pretrained weights, inflated to all input planes.
        temporal: stack the T steps as channels, or share one encoder over the steps and fuse its
            features by mean, max, attention or convlstm.
        options: Further keyword arguments of the architecture; with attention or convlstm also
            hidden_channels, the width of what they learn.
        init_from: Whose weights, matched by name, start this one: the folder of a run, of a
            pretraining run or of a packaged model, a repository NS/NAME of the Hub (or
            NS/NAME@REVISION), or deformation-segmenter, the model that comes with the project.
        freeze_encoder: Keep the encoder's weights and batch norms as they start; only the rest is
            trained.
    """

    library: Literal["timm", "smp", "transformers"] = "timm"
    name: str = "resnet50"
    encoder: str = ""
    pretrained: bool = False
    temporal: Literal["stack", "mean", "max", "attention", "convlstm"] = "stack"
    options: dict[str, Any] = field(default_factory=dict)
    init_from: str = ""
    freeze_encoder: bool = False


@dataclass
class CaptionConfig:
    """What writes the sentence, or of the objective retrieval what reads it; for these two alone.

    Attributes:
        decoder: A pretrained language model whose weights and tokenizer are taken, a repository
            of the Hub or a folder; empty for a GPT-2 of the sizes below, with a tokenizer that is
            made from the training split's captions. Of captions alone; a retriever's is a BERT.
        layers: Layers of the GPT-2 or the BERT.
        heads: Attention heads of a layer.
        width: Width of its embeddings; divisible by the heads.
        vocabulary: Most entries of the tokenizer, of which 259 are bytes and marks.
        length: Most tokens of a sentence, with its two marks.
        beams: Sentences that are followed at once while one is written; 1 takes the likeliest
            word each time. Of captions alone.
    """

    decoder: str = ""
    layers: int = ranged(2, least=1)
    heads: int = ranged(4, least=1)
    width: int = ranged(128, least=1)
    vocabulary: int = ranged(1024, least=259)
    length: int = ranged(160, least=3)
    beams: int = ranged(1, least=1)
