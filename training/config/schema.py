"""What an experiment is: the configuration's dataclasses.

Every key is read somewhere in this room. `config.options` reads the YAML files and the command
line into these classes. The range of a number stands beside it; `config.validation` checks it, and
what concerns several keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dataset_script.channels import PUBLISHED_NAMES
from training.config.models import CaptionConfig, ModelConfig
from training.config.ranges import ranged

Objective = Literal["classification", "segmentation", "caption", "retrieval"]
TaskName = Literal["binary", "activity_type", "intensity", "phase", "caption"]
LOSSES = ("cross_entropy", "focal", "dice", "lovasz")


@dataclass
class DataConfig:
    """Where the samples come from.

    Attributes:
        source: An exported dataset (huggingface), minicubes read through the builder, or the
            authors' WebDataset shards.
        path: Folder of the exported dataset (or its name on the Hub), of the minicubes, or of the
            shards.
        config: Config of the dataset: ts1, ts3, any ts<N>, or groups (all secondaries of a
            primary, from which each epoch draws `timeseries_length` steps afresh).
        timeseries_length: Steps T of a sample; needed for groups alone, elsewhere the dataset
            says it.
        image_size: Side of the crops in pixels; needed for source minicubes alone.
        split: Split scheme (paper, strict, spatial or dates); read for source minicubes alone.
        train_dates: For split dates, years, months, days or stretches of time from:to, such as
            2014:2018 or 2019-06, by primary date.
        validation_dates: The same of validation.
        test_dates: The same of test.
        channels: Input channels of a step, in order; a bare ERA5 name stands for both its dates.
        phase: How the model sees the wrapped phase: raw, in radians as in the paper, or circular,
            as its cosine and sine, in which -pi and pi are the same.
        mask_target: How the T masks and labels become one target: last, peak (the largest mask),
            union, or all (one answer a step). Of the captions of a series, last alone.
        workers: Threads that read rows ahead of the device; 0 reads in the main thread.
    """

    source: Literal["huggingface", "minicubes", "webdataset"] = "huggingface"
    path: str = "hephaestus-minicubes"
    config: str = "ts3"
    timeseries_length: int | None = ranged(None, least=1)
    image_size: int = ranged(512, least=1)
    split: Literal["paper", "strict", "spatial", "dates"] = "paper"
    train_dates: list[str | int] = field(default_factory=list)
    validation_dates: list[str | int] = field(default_factory=list)
    test_dates: list[str | int] = field(default_factory=list)
    channels: list[str] = field(default_factory=lambda: list(PUBLISHED_NAMES))
    phase: Literal["raw", "circular"] = "raw"
    mask_target: Literal["last", "peak", "union", "all"] = "union"
    workers: int = ranged(2, least=0)


@dataclass
class LossConfig:
    """What is minimised.

    Attributes:
        terms: Weight of each term of the sum: cross_entropy, focal, dice, lovasz.
        gamma: Focusing exponent of the focal term.
        alpha: Weight of the first class (no deformation) in the focal term; every other class
            gets 1 - alpha. Null weighs all alike.
        class_weights: Weight of each class in the cross-entropy term, in the task's class order;
            null weighs all alike.
        confidence: Weigh each sample by the annotators' mean confidence.
    """

    terms: dict[str, float] = field(default_factory=lambda: {"cross_entropy": 1.0})
    gamma: float = ranged(2.0, least=0)
    alpha: float | None = ranged(None, least=0, most=1)
    class_weights: list[float] | None = None
    confidence: bool = False


@dataclass
class OptimizerConfig:
    """How weights are moved.

    Attributes:
        name: adamw, adam or sgd (with Nesterov momentum).
        learning_rate: Peak learning rate.
        weight_decay: Weight decay; norms and biases are spared.
        momentum: Momentum of sgd; the first beta of adam and adamw.
    """

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = ranged(1e-4, least=0)
    weight_decay: float = ranged(1e-2, least=0)
    momentum: float = ranged(0.9, least=0, most=1)


@dataclass
class ScheduleConfig:
    """How the learning rate moves, in steps of the real epoch length.

    Attributes:
        name: constant, or cosine from the peak to `final`.
        warmup_epochs: Epochs (fractions allowed) of a linear rise from `initial`.
        initial: Learning rate at the first step of the warm-up.
        final: Learning rate at the last step of the cosine.
    """

    name: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: float = 0.0
    initial: float = 0.0
    final: float = 0.0


@dataclass
class TrainingConfig:
    """The loop. Mixed precision and the number of processes come from accelerate.

    Attributes:
        epochs: Passes at most.
        batch_size: Samples a step, on each process.
        accumulation: Steps whose gradients make one update.
        clip: Greatest gradient norm; null leaves gradients as they are.
        sampling: balanced (all positives and as many negatives, freshly drawn), all, or weighted
            (as many draws as samples, positives and negatives equally likely).
        ema_decay: Decay of the moving average of the weights, which is evaluated too and kept if
            it is the better; null trains without.
        compile: Compile the model with torch.compile.
        channels_last: Keep images in channels-last memory order.
        select: Validation metric by which the best weights are kept; of captions, f1 is that of
            the facts that they tell. mrr, the mean reciprocal rank of the first right
            interferogram, is of retrieval, and nothing else is.
        validate_every: Epochs between two validations; the last epoch always has one.
        early_stopping: Validations without improvement after which training ends; null never
            stops.
        checkpoint_every: Updates between two checkpoints; there is one after each validation too.
        keep_checkpoints: Latest checkpoints kept beside the best weights.
    """

    epochs: int = ranged(20, least=1)
    batch_size: int = ranged(16, least=1)
    accumulation: int = ranged(1, least=1)
    clip: float | None = 1.0
    sampling: Literal["balanced", "all", "weighted"] = "balanced"
    ema_decay: float | None = ranged(None, least=0, most=1)
    compile: bool = False
    channels_last: bool = False
    select: Literal["f1", "iou", "auroc", "average_precision", "mrr"] = "f1"
    validate_every: int = ranged(1, least=1)
    early_stopping: int | None = ranged(None, least=1)
    checkpoint_every: int | None = ranged(None, least=1)
    keep_checkpoints: int = ranged(2, least=1)


@dataclass
class AugmentationConfig:
    """Random changes of a training sample, each with its probability, all on the device.

    Attributes:
        flip: Mirror left to right, and, drawn apart, top to bottom.
        quarter_turn: Turn by a multiple of 90 degrees.
        phase_offset: Add a constant to the phase of each step (its reference point is arbitrary).
        time_reversal: Negate the phase and swap the primary and secondary fields.
        resample: Rotate and scale, the phase as exp(i phase).
        rotation: Greatest rotation of a resampling, in degrees.
        scale: Greatest zoom of a resampling, in or out (1.2: between 1/1.2 and 1.2).
        stratification: Add a phase in proportion to the elevation, as a stratified troposphere
            does, drawn for each step.
        stratification_std: Standard deviation of that proportion, in rad per km.
        noise: Add independent noise to the phase.
        noise_std: Its standard deviation in rad.
        missing: Withhold the ERA5 fields, and, drawn apart, the elevation: the model must not lean
            on them alone, and scenes without them can still be read.
        repeated_date: Show one pair of a series T times, as a scene of a single pair is shown.
        missing_coherence: Withhold the coherence, as where a processor delivered the phase alone.
        elevation_offset: Add a constant to the elevation, as heights above another datum do.
        elevation_offset_std: Its standard deviation in metres.
        turbulence: Add turbulent air to the phase, drawn for each step, rough in parts of a scene.
        turbulence_std: Spread over the samples of its standard deviation in rad where its eddies
            are as large as a crop; smaller ones carry less.
    """

    flip: float = ranged(0.0, least=0, most=1)
    quarter_turn: float = ranged(0.0, least=0, most=1)
    phase_offset: float = ranged(0.0, least=0, most=1)
    time_reversal: float = ranged(0.0, least=0, most=1)
    resample: float = ranged(0.0, least=0, most=1)
    rotation: float = ranged(30.0, least=0, most=180)
    scale: float = ranged(1.2, least=1)
    stratification: float = ranged(0.0, least=0, most=1)
    stratification_std: float = ranged(1.0, least=0)
    noise: float = ranged(0.0, least=0, most=1)
    noise_std: float = ranged(0.2, least=0)
    missing: float = ranged(0.0, least=0, most=1)
    repeated_date: float = ranged(0.0, least=0, most=1)
    missing_coherence: float = ranged(0.0, least=0, most=1)
    elevation_offset: float = ranged(0.0, least=0, most=1)
    elevation_offset_std: float = ranged(300.0, least=0)
    turbulence: float = ranged(0.0, least=0, most=1)
    turbulence_std: float = ranged(1.2, least=0)


@dataclass
class TrackingConfig:
    """What is logged, and where.

    Attributes:
        trackers: Any of tensorboard, trackio, wandb.
        project: Name of the project in the trackers.
        entity: User or team of wandb that the project is of; empty takes wandb's own default.
        images: Samples whose predictions are drawn at each validation, where there are trackers.
        log_every: Updates between two reports of the training loss.
    """

    trackers: list[Literal["tensorboard", "trackio", "wandb"]] = field(
        default_factory=lambda: ["tensorboard"]
    )
    project: str = "hephaestus-minicubes"
    entity: str = ""
    images: int = ranged(4, least=0)
    log_every: int = ranged(10, least=1)


@dataclass
class Config:
    """One experiment.

    Attributes:
        name: Name of the run, in trackers and tables.
        output: Folder of the run; empty stands for runs/<name>.
        seed: Seed of weights, sampling and augmentation.
        objective: classification (one answer an image), segmentation (one a pixel), caption (a
            sentence an image) or retrieval (how well a sentence fits an image).
        task: binary (the paper's), activity_type, intensity, or phase (classification alone); for
            the objectives caption and retrieval, caption.
        data: The samples.
        model: The model; of captions and retrieval, its image encoder.
        caption: What writes captions, or reads them.
        loss: The loss.
        optimizer: The optimiser.
        schedule: The learning-rate schedule.
        training: The loop.
        augmentation: The augmentations.
        tracking: Logging.
    """

    name: str = "run"
    output: str = ""
    seed: int = 0
    objective: Objective = "classification"
    task: TaskName = "binary"
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    caption: CaptionConfig = field(default_factory=CaptionConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
