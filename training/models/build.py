"""Models by their configuration, whichever library has them."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from torch import nn

from dataset_script.errors import ConfigError
from training.config.models import ModelConfig
from training.models.families import Wanted, build_smp, build_timm, build_transformers
from training.models.locating import locate_weights
from training.models.model import OURS, Model, wrap_backbone
from training.models.temporal import TemporalClassifier, TemporalSegmenter
from training.models.weights import load_weights

logger = logging.getLogger(__name__)


def build_model(
    config: ModelConfig,
    *,
    objective: str,
    num_channels: int,
    timeseries_length: int,
    num_classes: int,
    image_size: int,
) -> Model:
    """Build a model, with random, pretrained or given weights.

    Args:
        config: The `model` section of the configuration. For a temporal model, `options` may hold
            `hidden_channels`, the width of the attention or of the ConvLSTM.
        objective: classification or segmentation.
        num_channels: Channels C of a step.
        timeseries_length: Steps T.
        num_classes: Outputs K.
        image_size: Side of the input in pixels.

    Returns:
        The model; its `library` is "hephaestus" where the steps are fused by a module of ours.

    Raises:
        ConfigError: If the library cannot build what is asked for, or weights are missing or do
            not fit.
    """
    stacked = config.temporal == "stack"
    planes = num_channels * timeseries_length if stacked else num_channels
    wanted = Wanted(planes, num_classes, image_size, config.pretrained, config.options)
    build = _stacked if stacked else _temporal
    model = wrap_backbone(
        build(config, objective, wanted), config.library if stacked else OURS, objective
    )
    if config.init_from:
        report = load_weights(model, locate_weights(config.init_from))
        level = logging.WARNING if report.missing else logging.INFO
        logger.log(level, "model.init_from: %s", report)
    return model


def _stacked(config: ModelConfig, objective: str, wanted: Wanted) -> nn.Module:
    if config.library == "transformers":
        return build_transformers(config.name, objective, wanted)
    _check_objective(config, objective)
    if config.library == "timm":
        return build_timm(config.name, wanted)
    return build_smp(config.name, config.encoder, wanted)


def _temporal(config: ModelConfig, objective: str, wanted: Wanted) -> nn.Module:
    if config.library == "transformers":
        raise ConfigError(
            f"model.temporal {config.temporal} takes encoders of timm (classification) and smp "
            "(segmentation); a transformers model can stack the steps"
        )
    _check_objective(config, objective)
    options = dict(wanted.options)
    width = {key: options.pop(key) for key in ("hidden_channels",) if key in options}
    if width and config.temporal in ("mean", "max"):
        raise ConfigError(
            f"model.options.hidden_channels would do nothing: model.temporal {config.temporal} "
            "learns nothing; leave it out, or take attention or convlstm"
        )
    common: dict[str, Any] = {
        "fusion": config.temporal,
        "in_channels": wanted.planes,
        "num_classes": wanted.num_classes,
        "image_size": wanted.image_size,
        "options": options,
        **width,
    }
    model: TemporalClassifier | TemporalSegmenter
    if config.library == "timm":
        model = TemporalClassifier(config.name, **common)
        part = model.encoder
    else:
        model = TemporalSegmenter(config.name, config.encoder, **common)
        part = model.segmenter
    if wanted.pretrained:
        single = _stacked(config, objective, dataclasses.replace(wanted, options=options))
        part.load_state_dict(single.state_dict())
    return model


def _check_objective(config: ModelConfig, objective: str) -> None:
    wanted = {"timm": "classification", "smp": "segmentation"}[config.library]
    if objective != wanted:
        other = "smp" if config.library == "timm" else "timm"
        raise ConfigError(
            f"model.library {config.library} is for {wanted}; for {objective} take {other} or "
            "transformers"
        )
