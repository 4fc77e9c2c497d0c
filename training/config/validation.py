"""Which experiments make sense, as far as that shows without the data and the model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from dataset_script.channels import PHASE, places_of, select
from dataset_script.errors import ConfigError
from training.config.captions import check_caption, refuse_idle
from training.config.schema import (
    LOSSES,
    AugmentationConfig,
    Config,
    DataConfig,
    LossConfig,
    ScheduleConfig,
)

_STRENGTHS = {
    "rotation": "resample",
    "scale": "resample",
    "stratification_std": "stratification",
    "noise_std": "noise",
    "elevation_offset_std": "elevation_offset",
    "turbulence_std": "turbulence",
}
"""Strengths of augmentations, and the probability that each goes with."""


def validate(config: Config) -> Config:
    """Check a configuration.

    A bare ERA5 name among the channels is expanded, and an empty `output` filled in.

    Args:
        config: The configuration; changed in place.

    Returns:
        The same configuration.

    Raises:
        ConfigError: Naming the first key that is out of range or contradicts another.
    """
    config.data.channels = [channel.name for channel in select(config.data.channels)]
    _check_name(config)
    config.output = config.output or f"runs/{config.name}"
    _check_numbers(config)
    _check_schedule(config.schedule)
    _check_strengths(config.augmentation)
    _check_data(config)
    _check_loss(config)
    if config.objective in ("caption", "retrieval") or config.task == "caption":
        check_caption(config)
    else:
        _check_objective(config)
    _check_odds(config.model.options, "model.options.")
    _check_freezing(config)
    _check_tracking(config)
    return config


def _check_name(config: Config) -> None:
    if not config.name.strip():
        raise ConfigError("name is empty; give the run a name, as --name first-try")
    parts = config.name.split("/")
    if not config.output and (not all(parts) or {".", ".."} & set(parts)):
        raise ConfigError(
            f"name is {config.name!r}, and the run would lie in runs/{config.name}: give it a name "
            "without empty parts, . or .., or set output to the folder that you want"
        )


def _check_numbers(config: Config) -> None:
    _check_ranges(config)
    epochs, peak = config.training.epochs, config.optimizer.learning_rate
    _within(0, epochs, "schedule.warmup_epochs", config.schedule.warmup_epochs)
    for key in ("schedule.initial", "schedule.final"):
        _within(0, peak, key, getattr(config.schedule, key.removeprefix("schedule.")))
    if config.optimizer.momentum == 1:
        raise ConfigError("optimizer.momentum is 1; it must be less, or nothing new counts")
    if not 0 <= config.seed < 2**32:
        raise ConfigError(f"seed is {config.seed}; it must be at least 0 and less than 2^32")
    if config.training.clip is not None and not config.training.clip > 0:
        raise ConfigError("training.clip must be positive, or null for no clipping")


def _check_ranges(section: Any, prefix: str = "") -> None:
    """The ranges that stand beside the fields of a dataclass and of those in it."""
    for entry in dataclasses.fields(section):
        key, value = prefix + entry.name, getattr(section, entry.name)
        if dataclasses.is_dataclass(value):
            _check_ranges(value, f"{key}.")
        elif "least" in entry.metadata:
            _within(entry.metadata["least"], entry.metadata["most"], key, value)


def _check_schedule(schedule: ScheduleConfig) -> None:
    if schedule.name == "constant" and schedule.final != ScheduleConfig.final:
        raise ConfigError(
            "schedule.final would do nothing: schedule.name constant stays at "
            f"optimizer.learning_rate; set cosine, or leave it at {ScheduleConfig.final:g}"
        )
    if not schedule.warmup_epochs and schedule.initial != ScheduleConfig.initial:
        raise ConfigError(
            "schedule.initial would do nothing: there is no warm-up; set schedule.warmup_epochs, "
            f"or leave it at {ScheduleConfig.initial:g}"
        )


def _check_strengths(augmentation: AugmentationConfig) -> None:
    plain = AugmentationConfig()
    for strength, chance in _STRENGTHS.items():
        default = getattr(plain, strength)
        if getattr(augmentation, strength) != default and not getattr(augmentation, chance):
            raise ConfigError(
                f"augmentation.{strength} would do nothing: augmentation.{chance} is 0; give that "
                f"a probability, or leave {strength} at {default:g}"
            )


def _check_data(config: Config) -> None:
    _within(1, None, "data.channels (how many)", len(config.data.channels))
    if config.data.phase == "circular" and not places_of(config.data.channels, "phase"):
        raise ConfigError(f"data.phase circular needs {PHASE} among data.channels")
    if config.data.config == "groups" and not config.data.timeseries_length:
        raise ConfigError("data.config groups needs data.timeseries_length, the steps to draw")
    if config.data.source != "minicubes":
        idle = ("split", "image_size", "train_dates", "validation_dates", "test_dates")
        for name in idle:
            if getattr(config.data, name) != getattr(DataConfig(), name):
                raise ConfigError(
                    f"data.{name} would do nothing: data.source {config.data.source} has it from "
                    "the dataset's export; leave it out"
                )


def _check_loss(config: Config) -> None:
    if not config.loss.terms:
        raise ConfigError(f"loss.terms is empty; give a weight to any of {', '.join(LOSSES)}")
    for term, weight in config.loss.terms.items():
        if term not in LOSSES:
            raise ConfigError(f"unknown loss.terms.{term}; the terms are {', '.join(LOSSES)}")
        _within(0, None, f"loss.terms.{term}", weight)
    for place, weight in enumerate(config.loss.class_weights or ()):
        _within(0, None, f"loss.class_weights[{place}]", weight)
    used = [term for term, weight in config.loss.terms.items() if weight]
    if not used:
        raise ConfigError("all of loss.terms weigh 0: nothing would be learnt")
    if config.loss.class_weights is not None and not sum(config.loss.class_weights):
        raise ConfigError("all of loss.class_weights are 0: nothing would be learnt")
    plain = LossConfig()
    for key, term in (("gamma", "focal"), ("alpha", "focal"), ("class_weights", "cross_entropy")):
        if getattr(config.loss, key) != getattr(plain, key) and term not in used:
            raise ConfigError(
                f"loss.{key} would do nothing: it belongs to the term {term}; give "
                f"loss.terms.{term} a weight, or leave it out"
            )


def _check_objective(config: Config) -> None:
    refuse_idle(config.caption, "caption", f"objective {config.objective} has no sentences")
    if config.training.select == "mrr":
        raise ConfigError("training.select mrr is for retrieval; choose f1")
    if config.objective == "classification":
        if "lovasz" in config.loss.terms:
            raise ConfigError("loss.terms.lovasz is for segmentation; classification has no pixels")
        if config.training.select == "iou":
            raise ConfigError("training.select iou is for segmentation; choose f1")
        if config.model.library == "smp":
            raise ConfigError("model.library smp segments; for classification take timm")
    elif config.task == "phase":
        raise ConfigError("task phase belongs to whole images: set objective classification")
    elif config.task != "binary" and config.training.select not in ("f1", "iou"):
        raise ConfigError(
            f"training.select {config.training.select} is not known of pixels of several classes; "
            "choose f1 or iou"
        )
    if config.model.library != "smp" and config.model.encoder:
        raise ConfigError(
            f"model.encoder would do nothing: a model of {config.model.library} is named by "
            "model.name alone; leave it out"
        )
    if config.model.library == "smp" and not config.model.encoder:
        raise ConfigError("model.encoder is missing: smp needs one, for example resnet18")


def _check_odds(options: Mapping[Any, Any], prefix: str) -> None:
    """Rates of dropping, at which libraries look in the first step of training, or never."""
    for name, value in options.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):  # transformers' configurations of parts
            _check_odds(value, f"{key}.")
        elif "drop" in str(name) and not str(name).endswith("size"):
            for rate in value if isinstance(value, list) else [value]:
                if isinstance(rate, str):
                    raise ConfigError(f"{key} is {rate!r}; it must be a number in 0..1")
                _within(0, 1, key, rate)


def _check_freezing(config: Config) -> None:
    if config.model.freeze_encoder and not (config.model.pretrained or config.model.init_from):
        raise ConfigError(
            "model.freeze_encoder would keep random weights: set model.pretrained or "
            "model.init_from as well"
        )


def _check_tracking(config: Config) -> None:
    if not config.tracking.project:
        raise ConfigError("tracking.project is empty; give the project a name")
    if config.tracking.entity and "wandb" not in config.tracking.trackers:
        raise ConfigError("tracking.entity is wandb's alone; add wandb to tracking.trackers")


def _within(least: float, most: float | None, key: str, value: float | None) -> None:
    if value is None or (value >= least and (most is None or value <= most)):
        if value is None or math.isfinite(value):
            return
        raise ConfigError(f"{key} is {value}; it must be finite")
    wanted = f"be at least {least:g}" if most is None else f"lie in {least:g}..{most:g}"
    raise ConfigError(f"{key} is {value}; it must {wanted}")
