"""Image encoders whose answer is a list of tokens, which a language model of transformers reads.

A convolutional encoder of timm answers with maps. transformers' hybrid of DPT (Ranftl et al. 2021,
"Vision Transformers for Dense Prediction") puts a few transformer layers on the last map of
another library's encoder, with a position each; so plain transformers loads these too.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn
from transformers import AutoModel, DPTConfig, TimmBackboneConfig

from dataset_script.errors import ConfigError
from training.config.models import ModelConfig
from training.errors import nearest, refusals, refuse_reserved, refuse_unknown
from training.models.families import Wanted, configured, pretrained, require_planes
from training.models.fetching import fetching
from training.models.inflation import take_over
from training.models.sizes import has_fixed_size

_HYBRID = {"hidden_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "stage": 4}
"""Options of the transformer on a map of timm's, with their defaults; `stage` says which map."""


def build_encoder(config: ModelConfig, wanted: Wanted) -> nn.Module:
    """An image encoder of transformers.

    Args:
        config: The `model` section of the configuration; its library is timm or transformers.
        wanted: See `families.Wanted`.

    Returns:
        transformers' module; float32 [B, planes, H, W] -> an output whose first part is tokens,
        [B, N, hidden_size].

    Raises:
        ConfigError: If there is no such encoder, it refuses an option, or answers otherwise.
    """
    build = _build_hybrid if config.library == "timm" else _build_plain
    encoder = build(config.name, wanted)
    _require_tokens(encoder, wanted, f"{config.library} {config.name}")
    return encoder


def to_freeze(encoder: Any) -> nn.Module:
    """What `model.freeze_encoder` keeps: of timm's encoder, not the new layers on it."""
    return encoder.embeddings.backbone if _is_hybrid(encoder) else encoder


def _is_hybrid(encoder: Any) -> bool:
    return encoder.config.model_type == "dpt" and encoder.config.is_hybrid


def _build_plain(name: str, wanted: Wanted) -> nn.Module:
    what = f"transformers {name}"
    refuse_reserved(wanted.options, ("num_channels", "num_labels"))
    with refusals(what):
        source = pretrained(AutoModel, name, what) if wanted.pretrained else None
        config = configured(name, wanted, what)
        if config.model_type == "vit_mae":
            raise ConfigError(
                "model.name: vit_mae hides most of an image; take vit, and start it from the "
                "pretraining by model.init_from"
            )
        encoder = AutoModel.from_config(config)
        require_planes(encoder, wanted.planes, what)
    if source is not None:
        take_over(source, encoder, what)
    return encoder


def _build_hybrid(name: str, wanted: Wanted) -> nn.Module:
    what = f"timm {name}"
    if not timm.is_model(name.split(".")[0]):
        raise ConfigError(f"model.name: timm has no {name!r}{nearest(name, timm.list_models())}")
    if has_fixed_size(name):
        raise ConfigError(
            f"model.name: {what} is of one input size, which it keeps within a captioner: take a "
            "convolutional encoder of timm, or model.library transformers with vit, deit or swin"
        )
    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob", "intermediate_size")
    refuse_unknown(wanted.options, (*_HYBRID, *dropouts), f"a captioner on {what}")
    options: dict[str, Any] = _HYBRID | dict(wanted.options)
    options.setdefault("intermediate_size", 4 * options["hidden_size"])
    stage, size = options.pop("stage"), wanted.image_size
    if not isinstance(stage, int) or stage < 2:
        raise ConfigError(f"model.options.stage is {stage}; it must be a whole number from 2 on")
    maps = (stage - 2, stage - 1, stage)  # transformers wants three, and reads the last
    with refusals(what):
        features = _features(name, what, wanted, maps)
        stride, channels = (
            features.feature_info.reduction()[-1],
            features.feature_info.channels()[-1],
        )
        if size % stride:
            raise ConfigError(
                f"{what} divides an image by {stride}, which does not go into {size} pixels; "
                "choose another model.options.stage, or crops of another size"
            )
        side = size // stride
        backbone: dict[str, Any] = {
            "backbone": name.split(".")[0],
            "num_channels": wanted.planes,
            "out_indices": list(maps),
        }
        encoder = AutoModel.from_config(
            DPTConfig(
                is_hybrid=True,
                backbone_config=TimmBackboneConfig(**backbone),
                backbone_featmap_shape=[1, channels, side, side],
                image_size=size,
                patch_size=stride,
                num_channels=wanted.planes,
                **options,
            )
        )
        # transformers starts every position as zero, and the fringes' place is half of a caption
        nn.init.trunc_normal_(encoder.embeddings.position_embeddings, std=0.02)
        encoder.embeddings.backbone._backbone.load_state_dict(features.state_dict())
    return encoder


def _features(name: str, what: str, wanted: Wanted, maps: tuple[int, ...]) -> Any:
    """Timm's encoder, with random or pretrained weights."""

    def create() -> Any:
        return timm.create_model(
            name,
            pretrained=wanted.pretrained,
            features_only=True,
            in_chans=wanted.planes,
            out_indices=maps,
        )

    if not wanted.pretrained:
        return create()
    with fetching(f"the weights of {what}"):
        return create()


def _require_tokens(encoder: Any, wanted: Wanted, what: str) -> None:
    training = encoder.training
    encoder.eval()
    size = wanted.image_size
    with refusals(what), torch.no_grad():
        answer = encoder(pixel_values=torch.zeros(1, wanted.planes, size, size))[0]
    encoder.train(training)
    if answer.ndim != 3:
        raise ConfigError(
            f"{what} answers with a map, which no language model of transformers reads: take vit, "
            "deit or swin, or model.library timm for a convolutional encoder"
        )
    if getattr(encoder.config, "hidden_size", None) is None:
        encoder.config.hidden_size = answer.shape[2]  # which the decoder looks for
    if encoder.config.hidden_size != answer.shape[2]:
        raise ConfigError(
            f"{what} says that its tokens have {encoder.config.hidden_size} numbers, and they have "
            f"{answer.shape[2]}: a language model of transformers cannot read them; take vit, deit "
            "or swin"
        )
