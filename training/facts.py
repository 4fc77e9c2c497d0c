"""What a trained model must be told to be used: the facts that travel with the weights.

A run keeps them in `model.json`; the hub writes them into each library's own configuration file
under the key `hephaestus`, so that a loader can say by name which channel is missing or misplaced.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_script.channels import places_of
from dataset_script.errors import ConfigError
from training.fact_checks import FORMAT_VERSION, check_facts, check_version

CONFIG_KEY = "hephaestus"


def count_planes(channels: Sequence[str], phase: str) -> int:
    """Planes of a step that a model sees: its channels, and each phase's sine if circular.

    Args:
        channels: Channels of a step.
        phase: "raw" or "circular".
    """
    return len(channels) + (len(places_of(channels, "phase")) if phase == "circular" else 0)


@dataclass(frozen=True)
class ModelFacts:
    """Everything beside the weights that inference depends on.

    Attributes:
        objective: "classification" (one answer an image), "segmentation" (one a pixel), "caption"
            (a sentence an image) or "retrieval" (how well a sentence fits an image).
        task: "binary", "activity_type", "intensity", "phase" or "caption".
        classes: Names of the model's outputs, in order; of captions, of what their samples were
            drawn by.
        multilabel: Whether the outputs are independent (sigmoid) rather than exclusive (softmax).
        library: "timm", "smp", "transformers", or "hephaestus" for our own temporal modules.
        architecture: The library's name of the model.
        encoder: Encoder name for smp, and for temporal models the per-step encoder; else "".
        options: Further keyword arguments the architecture was built with.
        temporal: "stack" (steps stacked as channels) or how a shared encoder's steps are fused:
            "mean", "max", "attention" or "convlstm".
        channels: Input channels of one step, in order.
        mean: Mean of each channel.
        std: Standard deviation of each channel.
        timeseries_length: Steps T; the model sees T * planes_per_step planes, time-major.
        image_size: Side of the training crops in pixels.
        pixel_size: Side of a training pixel in degrees.
        mask_target: How the masks of the steps became one target: last, peak, union or all.
        threshold: Threshold on the positive probability of an image or a pixel, at which F1 on
            validation is largest.
        unsure: Probabilities of a whole scene, chosen on validation, between which the verdict is
            "unsure": below the first misses are few, from the second on false alarms are. None
            (models of old, or a validation split of one kind) stands for `threshold` twice.
        temperature: Divisor of the logits that calibrates them, fitted on validation.
        split: Split scheme of the training data.
        dataset: Name of the training data.
        phase: "raw" (radians, standardised) or "circular" (cosine in the phase's place, sine after
            all channels); see `training.inputs.preprocessing`.
        optional: Channels that were withheld at times in training: the model does without them.
        correct_stratified: Whether the stratified troposphere was taken out of the training
            data's phase; see `dataset_script.rows.stratification`.
    """

    objective: str
    task: str
    classes: tuple[str, ...]
    multilabel: bool
    library: str
    architecture: str
    channels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    timeseries_length: int
    image_size: int
    encoder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    temporal: str = "stack"
    pixel_size: float = 0.001
    mask_target: str = "union"
    threshold: float = 0.5
    unsure: tuple[float, float] | None = None
    temperature: float = 1.0
    split: str = "paper"
    dataset: str = ""
    phase: str = "raw"
    optional: tuple[str, ...] = ()
    correct_stratified: bool = False

    def __post_init__(self) -> None:
        low, high = self.limits
        if not 0 <= low <= high <= 1:
            raise ConfigError(
                f"model facts: unsure is {low:g} to {high:g}, which are no ascending probabilities"
            )

    @property
    def planes_per_step(self) -> int:
        """Planes of a step that the model sees: its channels, and the phase's sine if circular."""
        return count_planes(self.channels, self.phase)

    @property
    def limits(self) -> tuple[float, float]:
        """Below the first a scene is quiet, from the second on it deforms."""
        return self.unsure or (self.threshold, self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """The facts as plain JSON types, with the version of their format."""
        record = json.loads(json.dumps(dataclasses.asdict(self)))
        return {"format_version": FORMAT_VERSION} | record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ModelFacts:
        """Read facts back.

        Args:
            record: What `to_dict` made.

        Returns:
            The facts.

        Raises:
            ConfigError: If it is no mapping, of a later version, or a field is missing, unknown or
                not what it must be.
        """
        if not isinstance(record, Mapping):
            raise ConfigError(f"model facts are a mapping of names to values, not {record!r:.60}")
        check_version(record)
        record = {name: value for name, value in record.items() if name != "format_version"}
        entries = dataclasses.fields(cls)
        if unknown := set(record) - {entry.name for entry in entries}:
            raise ConfigError(
                f"unknown model facts: {', '.join(sorted(unknown))}; a later version wrote them: "
                "update this one"
            )
        absent = (dataclasses.MISSING, dataclasses.MISSING)
        needed = [e.name for e in entries if (e.default, e.default_factory) == absent]
        if missing := [name for name in needed if name not in record]:
            raise ConfigError(f"incomplete model facts: {', '.join(missing)} missing")
        check_facts(record)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
        }
        return cls(**values)

    @classmethod
    def load(cls, path: Path) -> ModelFacts:
        """Read `model.json`.

        Raises:
            ConfigError: If the file is missing or is not a facts file.
        """
        try:
            record = json.loads(path.read_text())
        except FileNotFoundError:
            raise ConfigError(
                f"{path} is missing: is this a training run's folder? A run writes it at its "
                "first validation"
            ) from None
        except NotADirectoryError:
            refuse_pickle(path.parent)
            raise ConfigError(f"{path.parent} is a file; give the folder of a run") from None
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path} is not valid JSON: {error}") from None
        try:
            return cls.from_dict(record)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    def require_channels(self, names: Sequence[str]) -> None:
        """Check that channels are what the model was trained on, in its order.

        Args:
            names: The channels about to be fed.

        Raises:
            ConfigError: Naming the missing, surplus or misplaced channels.
        """
        if tuple(names) == self.channels:
            return
        missing = [name for name in self.channels if name not in names]
        surplus = [name for name in names if name not in self.channels]
        said = []
        if missing:
            said.append(f"lacks {', '.join(missing)}")
        if surplus:
            said.append(f"has {', '.join(surplus)}, which the model does not know")
        if not said:
            first = next(i for i, name in enumerate(names) if name != self.channels[i])
            said.append(
                f"has {names[first]} in place {first} where the model expects "
                f"{self.channels[first]}"
            )
        raise ConfigError(f"the input {' and '.join(said)}; the order is {list(self.channels)}")


def refuse_pickle(file: Path) -> None:
    """Refuse a checkpoint that `torch.save` wrote, as the authors' whole modules are.

    Args:
        file: A file.

    Raises:
        ConfigError: If it begins as a pickle or as torch's zip of one does.
    """
    with file.open("rb") as opened:
        begins = opened.read(4)
    if begins.startswith((b"PK\x03\x04", b"\x80")):
        raise ConfigError(
            f"{file} is a checkpoint of torch.save, of a whole module perhaps: loading it could "
            "run code from it, so it is refused. Where you trust it, save its weights as "
            "safetensors: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        )
