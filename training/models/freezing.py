"""A frozen encoder: what is learnt is the rest of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from dataset_script.errors import ConfigError
from training.models.model import Model
from training.models.temporal import TemporalClassifier, TemporalSegmenter


def freeze_encoder(model: Model) -> None:
    """Keep a model's encoder as it is: its weights, and the statistics of its batch norms.

    The encoder of a timm classifier is all but its last layer.

    Args:
        model: The model; changed in place, so that its `train` leaves the encoder evaluating.

    Raises:
        ConfigError: If the model has no encoder that can be told from its head.
    """
    encoder, heads = _parts(model.backbone, model.library)
    learning = {id(parameter) for head in heads for parameter in head.parameters()}
    for parameter in encoder.parameters():
        if id(parameter) not in learning:
            parameter.requires_grad_(False)
    model.freeze(encoder, heads)


def _parts(backbone: Any, library: str) -> tuple[nn.Module, Sequence[nn.Module]]:
    """The encoder, and the modules within it that are heads."""
    if library == "transformers":
        encoder = backbone.base_model
        if encoder is backbone:  # those whose encoder is any other model's
            encoder = getattr(backbone, "backbone", None)
        if encoder is None:
            name = type(backbone).__name__
            raise ConfigError(f"model.freeze_encoder: {name} has no encoder apart from its head")
        return encoder, ()
    if isinstance(backbone, TemporalSegmenter):
        backbone = backbone.segmenter
    elif isinstance(backbone, TemporalClassifier):
        backbone = backbone.encoder
    if isinstance(getattr(backbone, "encoder", None), nn.Module):
        return backbone.encoder, ()
    classifier = backbone.get_classifier()
    return backbone, classifier if isinstance(classifier, tuple) else (classifier,)
