"""A run's best model, loaded to be evaluated or published."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from dataset_script.errors import ConfigError
from training.config.options import load_config
from training.config.schema import Config
from training.data.tasks import Task
from training.errors import one_line
from training.facts import ModelFacts
from training.models.build import build_model
from training.models.captioner import model as captioner
from training.models.model import Model
from training.models.retriever import model as retriever
from training.runs.files import BEST
from training.runs.results import read_results


@dataclass(frozen=True)
class LoadedRun:
    """A trained model with what is known of it.

    Attributes:
        model: The model with its best weights, in evaluation mode, on the CPU.
        facts: What inference depends on.
        config: The resolved configuration.
        results: Its results on a split of its own dataset, None before evaluate.py ran.
    """

    model: Model
    facts: ModelFacts
    config: Config
    results: dict[str, Any] | None


def _build(run: Path, config: Config, facts: ModelFacts) -> Model:
    """The run's model, with random weights."""
    if config.objective == "caption":
        return captioner.read_parts(run / captioner.FOLDER)
    if config.objective == "retrieval":
        return retriever.read_parts(run / retriever.FOLDER)
    return build_model(
        dataclasses.replace(config.model, pretrained=False, init_from=""),
        objective=config.objective,
        num_channels=facts.planes_per_step,
        timeseries_length=facts.timeseries_length,
        num_classes=Task.of(config, facts.timeseries_length).outputs,
        image_size=facts.image_size,
    )


def load_run(run: Path, split: str = "test") -> LoadedRun:
    """Load a run's best model.

    Args:
        run: The run's folder.
        split: Which split's results are wanted.

    Returns:
        The model and its facts.

    Raises:
        ConfigError: If the folder is no run, or its training has not reached a first validation.
    """
    run = Path(run)
    facts = ModelFacts.load(run / "model.json")
    config = load_config(run / "config.yaml")
    model = _build(run, config, facts)
    try:
        model.load_state_dict(load_file(run / BEST))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{run / BEST} cannot be read: {one_line(error)}") from None
    except RuntimeError as error:
        raise ConfigError(
            f"{run / BEST} does not fit the config.yaml beside it: {one_line(error)}; was either "
            "changed since the training?"
        ) from None
    return LoadedRun(model.eval(), facts, config, read_results(run, facts.dataset, split))
