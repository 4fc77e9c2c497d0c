"""transformers' vision encoder-decoder, fed with series: a sentence for each."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GPT2Config,
    PreTrainedTokenizerBase,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
)

from dataset_script.errors import ConfigError
from training.config.models import CaptionConfig, ModelConfig
from training.errors import one_line, refusals
from training.models.captioner.encoders import build_encoder, to_freeze
from training.models.captioner.tokenizer import make_tokenizer, pretrained_tokenizer
from training.models.families import Wanted, freeze_unreached
from training.models.fetching import fetching
from training.models.locating import locate_weights
from training.models.model import Model
from training.models.weights import load_weights

logger = logging.getLogger(__name__)

FOLDER = "captioner"
"""Where a run keeps the configuration of its model and the tokenizer."""


class Captioner(Model):
    """A `VisionEncoderDecoderModel`, with the tokenizer of its language model.

    Args:
        backbone: transformers' module.
        tokenizer: Of its decoder.
    """

    def __init__(self, backbone: VisionEncoderDecoderModel, tokenizer: PreTrainedTokenizerBase):
        super().__init__(backbone, "transformers", "caption")
        self.tokenizer = tokenizer

    def forward(self, images: Tensor, read: Tensor) -> Tensor:  # type: ignore[override]
        """The next token after each of a caption's.

        Args:
            images: float32 [B, T, C, H, W], normalised.
            read: int64 [B, L], of `tokenizer.pad`.

        Returns:
            Logits [B, L, entries of the vocabulary].
        """
        answer = self.backbone(
            pixel_values=images.flatten(1, 2),
            decoder_input_ids=read,
            # Nothing is masked: what fills up a caption comes after it, where no token looks.
            decoder_attention_mask=torch.ones_like(read),
            use_cache=False,
        )
        return answer.logits

    @torch.no_grad()
    def write(self, images: Tensor) -> list[str]:
        """Write a sentence for each series, as the model's generation settings say.

        Args:
            images: float32 [B, T, C, H, W], normalised.
        """
        tokens = self.backbone.generate(pixel_values=images.flatten(1, 2))  # type: ignore[operator]
        return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)


def choose_tokenizer(config: CaptionConfig, captions: list[str]) -> PreTrainedTokenizerBase:
    """The tokenizer of a captioner.

    Args:
        config: The `caption` section of the configuration.
        captions: The training split's; not read for a pretrained decoder.

    Raises:
        ConfigError: If a pretrained one cannot be had.
    """
    if not config.decoder:
        return make_tokenizer(captions, config.vocabulary, config.length)
    with _had(config.decoder, "the tokenizer"):
        return pretrained_tokenizer(config.decoder)


def build_captioner(
    config: ModelConfig,
    caption: CaptionConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    planes: int,
    image_size: int,
) -> Captioner:
    """Build a captioner, with random, pretrained or given weights.

    Args:
        config: The `model` section of the configuration.
        caption: The `caption` section.
        tokenizer: Of `choose_tokenizer`.
        planes: Input planes: channels times steps.
        image_size: Side of the input in pixels.

    Raises:
        ConfigError: If it cannot be built, or weights are missing or do not fit.
    """
    wanted = Wanted(planes, 0, image_size, config.pretrained, config.options)
    encoder: Any = build_encoder(config, wanted)
    decoder = _build_decoder(caption, tokenizer)
    with refusals(f"a captioner of {config.library} {config.name}"):
        backbone = VisionEncoderDecoderModel(encoder=encoder, decoder=decoder)
        _tell_marks(backbone, caption, tokenizer)
        begin = torch.full((1, 1), tokenizer.bos_token_id)
        freeze_unreached(
            backbone,
            lambda image: backbone(pixel_values=image, decoder_input_ids=begin).logits,
            torch.zeros(1, planes, image_size, image_size),
        )
    if not any(weight.requires_grad for weight in encoder.parameters()):
        raise ConfigError(
            f"caption.decoder {caption.decoder} never looks at the image, as it has no "
            "cross-attention: take another, as openai-community/gpt2"
        )
    model = Captioner(backbone, tokenizer)
    if config.init_from:
        report = load_weights(model, locate_weights(config.init_from))
        logger.log(logging.INFO, "model.init_from: %s", report)
    if config.freeze_encoder:
        part = to_freeze(backbone.encoder)
        part.requires_grad_(False)
        model.freeze(part, ())
    return model


def _build_decoder(caption: CaptionConfig, tokenizer: PreTrainedTokenizerBase) -> Any:
    if caption.decoder:
        what = "the weights"
        with refusals(f"caption.decoder {caption.decoder}"), _had(caption.decoder, what):
            setup = AutoConfig.from_pretrained(caption.decoder)
            setup.is_decoder = setup.add_cross_attention = True
            decoder = AutoModelForCausalLM.from_pretrained(caption.decoder, config=setup)
        most = getattr(decoder.config, "max_position_embeddings", caption.length)
        if most < caption.length:
            raise ConfigError(
                f"caption.length is {caption.length}, but {caption.decoder} reads {most} tokens "
                "at most"
            )
        return decoder
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=caption.length,
        n_embd=caption.width,
        n_layer=caption.layers,
        n_head=caption.heads,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        add_cross_attention=True,
        tie_word_embeddings=False,
    )
    return AutoModelForCausalLM.from_config(config)


def _had(name: str, what: str) -> Any:
    local = Path(name).is_dir()
    return nullcontext() if local else fetching(f"{what} of {name}", "caption.decoder")


def _tell_marks(backbone: Any, caption: CaptionConfig, tokenizer: PreTrainedTokenizerBase) -> None:
    """What plain transformers needs to begin and to end a sentence."""
    marks = {
        "decoder_start_token_id": tokenizer.bos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for name, value in marks.items():
        setattr(backbone.config, name, value)
    # transformers warns of unmasked padding wherever the decoder knows its mark: here it comes
    # after the end of a sentence alone.
    backbone.config.decoder.pad_token_id = None
    backbone.generation_config = GenerationConfig(
        **marks, max_length=caption.length, num_beams=caption.beams, do_sample=False
    )


def save_parts(model: Captioner, folder: Path) -> None:
    """Write everything of a captioner but its weights."""
    backbone: Any = model.backbone
    backbone.config.save_pretrained(folder)
    backbone.generation_config.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


def read_parts(folder: Path) -> Captioner:
    """A captioner as `save_parts` left it, with random weights.

    Raises:
        ConfigError: If a file is missing or damaged.
    """
    try:
        backbone: Any = VisionEncoderDecoderModel(
            VisionEncoderDecoderConfig.from_pretrained(folder)
        )
        backbone.generation_config = GenerationConfig.from_pretrained(folder)
        return Captioner(backbone, AutoTokenizer.from_pretrained(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder} cannot be read: {one_line(error)}") from None
