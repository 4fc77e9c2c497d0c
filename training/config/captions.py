"""Which experiments on captions make sense, as far as that shows without the data and the model."""

from __future__ import annotations

import dataclasses
from typing import Any

from dataset_script.errors import ConfigError
from training.config.models import CaptionConfig
from training.config.schema import Config, LossConfig, TrackingConfig

_SELECT = {"caption": "f1", "retrieval": "mrr"}
"""Objectives whose samples are captions, and by what the best weights of each are kept."""

_MOVING = ("flip", "quarter_turn", "resample")
_AIR = ("stratification", "turbulence")


def check_caption(config: Config) -> None:
    """Check an experiment whose answer is a sentence, or whose question is one.

    Args:
        config: The configuration.

    Raises:
        ConfigError: Naming the first key that contradicts the objective, or would do nothing.
    """
    if config.task != "caption" or config.objective not in _SELECT:
        raise ConfigError(
            f"objective {config.objective} and task {config.task} do not go together: task caption "
            f"is of the objectives {' and '.join(_SELECT)}"
        )
    model, caption = config.model, config.caption
    if model.library == "smp":
        raise ConfigError(
            "model.library smp segments; for captions take timm, whose encoders smp calls tu-NAME, "
            "or transformers"
        )
    if model.temporal != "stack":
        raise ConfigError(
            f"model.temporal {model.temporal} needs a module of ours, which plain transformers "
            "could not load: for captions take stack"
        )
    if caption.width % caption.heads:
        raise ConfigError(
            f"caption.width is {caption.width}, which {caption.heads} heads do not divide; set "
            "caption.heads or caption.width"
        )
    if caption.decoder:
        own = dataclasses.replace(caption, decoder="", length=CaptionConfig.length)
        own.beams = CaptionConfig.beams
        refuse_idle(own, "caption", f"caption.decoder {caption.decoder} has its own")
    if config.objective == "retrieval" and (caption.decoder or caption.beams > 1):
        raise ConfigError(
            "caption.decoder and caption.beams would do nothing: a retriever writes no sentences; "
            "leave them out"
        )
    select, metric = config.training.select, _SELECT[config.objective]
    if select != metric:
        told = {"f1": "captions; choose f1, that of the facts that they tell"}
        raise ConfigError(
            f"training.select {select} is not known of "
            f"{told.get(metric, f'retrieval; set {metric}')}"
        )
    if config.loss.terms != {"cross_entropy": 1.0}:
        raise ConfigError("loss.terms of captions is the cross-entropy of each token; leave it out")
    plain = dataclasses.replace(config.loss, confidence=LossConfig.confidence)
    refuse_idle(plain, "loss", "objective caption has one loss, the cross-entropy of each token")
    if config.tracking.images not in (0, TrackingConfig.images):
        raise ConfigError("tracking.images would do nothing: captions are text; leave it out")
    _check_augmentation(config)


def _check_augmentation(config: Config) -> None:
    """Whatever changes what a caption says: where something lies, and what the air does."""
    reasons = dict.fromkeys(_MOVING, "would move what the caption places")
    reasons |= dict.fromkeys(_AIR, "would add air that the caption does not tell of")
    for name, reason in reasons.items():
        if getattr(config.augmentation, name):
            raise ConfigError(f"augmentation.{name} {reason}; leave it out")


def refuse_idle(section: Any, name: str, why: str) -> None:
    """Refuse keys of a section that nobody reads.

    Args:
        section: The section's dataclass.
        name: Its name.
        why: Why nobody reads it.

    Raises:
        ConfigError: Naming the first key that is not at its default.
    """
    plain = type(section)()
    for entry in dataclasses.fields(section):
        if getattr(section, entry.name) != getattr(plain, entry.name):
            raise ConfigError(f"{name}.{entry.name} would do nothing: {why}; leave it out")
