"""Which experiments make sense: everything that can be checked without the data and the model."""

from __future__ import annotations

from dataset_script.channels import select
from dataset_script.errors import ConfigError
from training.config.schema import LOSSES, Config


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
    config.output = config.output or f"runs/{config.name}"
    _check_numbers(config)
    _check_data(config)
    _check_loss(config)
    _check_objective(config)
    return config


_LEAST = {
    0: (
        "data.workers",
        "tracking.images",
        "optimizer.learning_rate",
        "optimizer.weight_decay",
        "loss.gamma",
        "augmentation.stratification_std",
        "augmentation.noise_std",
    ),
    1: (
        "data.image_size",
        "data.timeseries_length",
        "training.epochs",
        "training.batch_size",
        "training.accumulation",
        "training.validate_every",
        "training.early_stopping",
        "training.checkpoint_every",
        "training.keep_checkpoints",
        "tracking.log_every",
        "augmentation.scale",
    ),
}
_SHARES = (
    "augmentation.flip",
    "augmentation.quarter_turn",
    "augmentation.phase_offset",
    "augmentation.time_reversal",
    "augmentation.resample",
    "augmentation.stratification",
    "augmentation.noise",
    "augmentation.missing",
    "optimizer.momentum",
    "training.ema_decay",
    "loss.alpha",
)


def _check_numbers(config: Config) -> None:
    """Ranges of single keys; null stands for what is switched off."""

    def value(key: str) -> float | None:
        section, name = key.split(".")
        return getattr(getattr(config, section), name)

    for least, keys in _LEAST.items():
        for key in keys:
            _at_least(least, key, value(key))
    for key in _SHARES:
        _within(0, 1, key, value(key))
    _within(0, 180, "augmentation.rotation", config.augmentation.rotation)
    epochs, peak = config.training.epochs, config.optimizer.learning_rate
    _within(0, epochs, "schedule.warmup_epochs", config.schedule.warmup_epochs)
    for key in ("schedule.initial", "schedule.final"):
        _within(0, peak, key, value(key))
    if config.optimizer.momentum == 1:
        raise ConfigError("optimizer.momentum is 1; it must be less, or nothing new counts")
    if not 0 <= config.seed < 2**32:
        raise ConfigError(f"seed is {config.seed}; it must be at least 0 and less than 2^32")
    if config.training.clip is not None and config.training.clip <= 0:
        raise ConfigError("training.clip must be positive, or null for no clipping")


def _check_data(config: Config) -> None:
    _at_least(1, "data.channels (how many)", len(config.data.channels))
    if config.data.config == "groups" and not config.data.timeseries_length:
        raise ConfigError("data.config groups needs data.timeseries_length, the steps to draw")


def _check_loss(config: Config) -> None:
    if not config.loss.terms:
        raise ConfigError(f"loss.terms is empty; give a weight to any of {', '.join(LOSSES)}")
    for term, weight in config.loss.terms.items():
        if term not in LOSSES:
            raise ConfigError(f"unknown loss.terms.{term}; the terms are {', '.join(LOSSES)}")
        _at_least(0, f"loss.terms.{term}", weight)
    for place, weight in enumerate(config.loss.class_weights or ()):
        _at_least(0, f"loss.class_weights[{place}]", weight)


def _check_objective(config: Config) -> None:
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
    if config.model.library == "smp" and not config.model.encoder:
        raise ConfigError("model.encoder is missing: smp needs one, for example resnet18")


def _at_least(least: float, key: str, value: float | None) -> None:
    if value is not None and not value >= least:
        raise ConfigError(f"{key} is {value}; it must be at least {least:g}")


def _within(least: float, most: float, key: str, value: float | None) -> None:
    if value is not None and not least <= value <= most:
        raise ConfigError(f"{key} is {value}; it must lie in {least:g}..{most:g}")
