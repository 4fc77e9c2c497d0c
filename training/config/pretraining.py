"""What a pretraining is: its configuration, of the parts that it shares with an experiment's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dataset_script.errors import ConfigError
from training.config.models import ModelConfig
from training.config.schema import (
    AugmentationConfig,
    Config,
    DataConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrackingConfig,
    TrainingConfig,
)
from training.config.validation import validate


@dataclass
class AutoencoderConfig:
    """The masked autoencoder.

    Attributes:
        options: Fields of transformers' ViTMAEConfig: hidden_size, num_hidden_layers, patch_size,
            mask_ratio, decoder_hidden_size, ...; the defaults are ViT-B/16.
    """

    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class PretrainingLoopConfig:
    """The loop. Mixed precision and the number of processes come from accelerate.

    Attributes:
        epochs: Passes over all rows.
        batch_size: Rows a step, on each process; each has as many pairs as the series has steps.
        clip: Greatest gradient norm; null leaves gradients as they are.
        checkpoint_every: Updates between two checkpoints; null writes one each epoch.
        keep_checkpoints: Latest checkpoints kept.
        log_every: Updates between two reports of the loss.
    """

    epochs: int = 100
    batch_size: int = 16
    clip: float | None = 1.0
    checkpoint_every: int | None = None
    keep_checkpoints: int = 2
    log_every: int = 10


@dataclass
class PretrainingConfig:
    """One pretraining.

    Attributes:
        name: Name of the run.
        output: Folder of the run; empty stands for runs/<name>.
        seed: Seed of weights, order, masks and augmentation.
        data: The samples; their labels are not read.
        model: The model.
        optimizer: The optimiser.
        schedule: The learning-rate schedule.
        training: The loop.
        augmentation: The augmentations.
    """

    name: str = "pretraining"
    output: str = ""
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(learning_rate=1.5e-4, weight_decay=0.05)
    )
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: PretrainingLoopConfig = field(default_factory=PretrainingLoopConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


def as_experiment(config: PretrainingConfig) -> Config:
    """The parts that a pretraining shares with an experiment, as one.

    Args:
        config: The pretraining.

    Returns:
        An experiment with the same data, model, optimiser, schedule and augmentation.
    """
    loop = config.training
    return Config(
        name=config.name,
        output=config.output,
        seed=config.seed,
        data=config.data,
        model=ModelConfig("transformers", "vit_mae", options=config.model.options),
        optimizer=config.optimizer,
        schedule=config.schedule,
        training=TrainingConfig(
            epochs=loop.epochs,
            batch_size=loop.batch_size,
            clip=loop.clip,
            checkpoint_every=loop.checkpoint_every,
            keep_checkpoints=loop.keep_checkpoints,
        ),
        augmentation=config.augmentation,
        tracking=TrackingConfig(log_every=loop.log_every),
    )


def validate_pretraining(config: PretrainingConfig) -> PretrainingConfig:
    """Check everything that can be checked without the data and the model.

    Raises:
        ConfigError: See `config.validation.validate`; also for a key that would do nothing.
    """
    if config.data.phase != "raw":
        raise ConfigError("data.phase must be raw: the autoencoder restores channels as they are")
    if config.data.mask_target != DataConfig.mask_target:
        raise ConfigError(
            "data.mask_target would do nothing: pretraining reads no masks; leave it out"
        )
    if config.augmentation.repeated_date:
        raise ConfigError(
            "augmentation.repeated_date would do nothing: each step of a series is a pair of its "
            "own in pretraining; leave it out"
        )
    config.output = validate(as_experiment(config)).output
    return config
