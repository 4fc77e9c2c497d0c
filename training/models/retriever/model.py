"""transformers' pair of an image and a text encoder (CLIP's plan, Radford et al. 2021).

Both answer with a direction in one space; the nearer a series and a sentence are there, the better
the sentence fits.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    PreTrainedTokenizerBase,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
)

from dataset_script.errors import ConfigError
from training.config.models import CaptionConfig, ModelConfig
from training.errors import one_line, refusals
from training.models.captioner.encoders import build_encoder, to_freeze
from training.models.captioner.tokenizer import BEGIN, END, make_tokenizer
from training.models.families import Wanted, freeze_unreached
from training.models.locating import locate_weights
from training.models.model import Model
from training.models.weights import load_weights

logger = logging.getLogger(__name__)

FOLDER = "retriever"
"""Where a run keeps the configuration of its model and the tokenizer."""

_TEXTS = 64  # texts of a batch


class Retriever(Model):
    """A `VisionTextDualEncoderModel`, with the tokenizer of its text encoder.

    Args:
        backbone: transformers' module.
        tokenizer: Which marks the begin and the end of a text by itself.
    """

    def __init__(self, backbone: VisionTextDualEncoderModel, tokenizer: PreTrainedTokenizerBase):
        super().__init__(backbone, "transformers", "retrieval")
        self.tokenizer = tokenizer

    def forward(self, images: Tensor, read: Tensor, seen: Tensor) -> Tensor:  # type: ignore[override]
        """How well each text fits each series.

        Args:
            images: float32 [B, T, C, H, W], normalised.
            read: int64 [Q, L], tokens of the texts.
            seen: int64 [Q, L], 0 where a text is filled up.

        Returns:
            Logits [Q, B], the cosines times a learnt scale.
        """
        answer = self.backbone(
            pixel_values=images.flatten(1, 2), input_ids=read, attention_mask=seen
        )
        return answer.logits_per_text

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """What `forward` reads of texts; those that are too long are cut."""
        found = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return found["input_ids"], found["attention_mask"]

    @torch.no_grad()
    def embed_images(self, images: Tensor) -> Tensor:
        """Directions of series `[B, T, C, H, W]`, float32 `[B, D]` of length 1."""
        backbone: Any = self.backbone
        found = backbone.get_image_features(pixel_values=images.flatten(1, 2))
        return F.normalize(found.pooler_output.float(), dim=1)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Directions of texts, float32 `[Q, D]` of length 1."""
        backbone: Any = self.backbone
        read, seen = (part.to(backbone.device) for part in self.tokens(texts))
        found = backbone.get_text_features(input_ids=read, attention_mask=seen)
        return F.normalize(found.pooler_output.float(), dim=1)

    def embed_all(self, texts: Sequence[str]) -> np.ndarray:
        """Directions of any number of texts, a batch at a time."""
        parts = [self.embed_texts(texts[i : i + _TEXTS]) for i in range(0, len(texts), _TEXTS)]
        return torch.cat(parts).cpu().numpy()


def retriever_tokenizer(config: CaptionConfig, captions: list[str]) -> PreTrainedTokenizerBase:
    """The captioner's kind of tokenizer, which marks the begin and the end of a text by itself.

    Args:
        config: The `caption` section of the configuration.
        captions: The training split's, and whatever else texts may be like.
    """
    tokenizer = make_tokenizer(captions, config.vocabulary, config.length)
    marks = [(mark, tokenizer.convert_tokens_to_ids(mark)) for mark in (BEGIN, END)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=marks
    )
    return tokenizer


def build_retriever(
    config: ModelConfig,
    caption: CaptionConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    planes: int,
    image_size: int,
) -> Retriever:
    """Build a retriever, with random, pretrained or given weights.

    Args:
        config: The `model` section of the configuration, the image encoder's.
        caption: The `caption` section, of which the text encoder has its sizes.
        tokenizer: Of `retriever_tokenizer`.
        planes: Input planes: channels times steps.
        image_size: Side of the input in pixels.

    Raises:
        ConfigError: If it cannot be built, or weights are missing or do not fit.
    """
    wanted = Wanted(planes, 0, image_size, config.pretrained, config.options)
    what = f"a retriever of {config.library} {config.name}"
    vision: Any = build_encoder(config, wanted)
    with refusals(what):
        text = AutoModel.from_config(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=caption.width,
                num_hidden_layers=caption.layers,
                num_attention_heads=caption.heads,
                intermediate_size=4 * caption.width,
                max_position_embeddings=caption.length,
                type_vocab_size=1,
                hidden_dropout_prob=0.0,  # which slows so short a training
                attention_probs_dropout_prob=0.0,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        both: Any = VisionTextDualEncoderConfig.from_vision_text_configs(
            vision.config, text.config, projection_dim=caption.width
        )
        backbone = VisionTextDualEncoderModel(both, vision, text)
        _widen(backbone, config.pretrained)
        model = Retriever(backbone, tokenizer)
        read, seen = model.tokens(["a sill"])
        freeze_unreached(
            backbone,
            lambda image: (
                backbone(pixel_values=image, input_ids=read, attention_mask=seen).logits_per_text
            ),
            torch.randn(1, planes, image_size, image_size),
        )
    if config.init_from:
        report = load_weights(model, locate_weights(config.init_from))
        logger.log(logging.INFO, "model.init_from: %s", report)
    if config.freeze_encoder:
        part = to_freeze(backbone.vision_model)
        part.requires_grad_(False)
        model.freeze(part, ())
    return model


def _widen(backbone: Any, pretrained: bool) -> None:
    """Begin new layers at the scale of their inputs.

    transformers begins all at 0.02, which suits a width of 768: in narrow ones the first token,
    which alone is read, hears next to nothing of the others, and training does not start.
    """
    parts = [backbone.text_model, backbone.text_projection, backbone.visual_projection]
    if not pretrained:
        parts.append(backbone.vision_model)
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)


def save_parts(model: Retriever, folder: Path) -> None:
    """Write everything of a retriever but its weights."""
    backbone: Any = model.backbone
    backbone.config.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


def read_parts(folder: Path) -> Retriever:
    """A retriever as `save_parts` left it, with random weights.

    Raises:
        ConfigError: If a file is missing or damaged.
    """
    try:
        config = VisionTextDualEncoderConfig.from_pretrained(folder)
        backbone = VisionTextDualEncoderModel(config)
        return Retriever(backbone, AutoTokenizer.from_pretrained(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder} cannot be read: {one_line(error)}") from None
