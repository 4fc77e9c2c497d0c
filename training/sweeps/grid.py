"""A grid of experiments: models times inputs times seeds."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dataset_script.errors import ConfigError
from dataset_script.shards.metadata import METADATA_FILE
from training.config.comparison import moved, require_same_settings
from training.config.options import load_config, yaml_value
from training.config.schema import Config
from training.errors import nearest, one_line
from training.facts import ModelFacts
from training.runs.results import RESULTS, read_results, results_folder

Layer = str | dict[str, Any]


@dataclass
class Sweep:
    """What a sweep file says.

    Attributes:
        output: Folder of the sweep.
        seeds: A run of each row for every seed.
        base: Configuration files of every run.
        models: What makes each model, by the name that the table gives it: configuration files,
            and mappings of dotted keys to values.
        inputs: What makes each input, by name.
        skip: Model and input names joined by " / " of cells that make no sense.
        overrides: Dotted keys and values laid over everything.
        reference: CSV of published figures shown beside ours; empty for none.
        jobs: Runs at once, each in a process of its own with an equal share of the cores. Small
            models keep several cores busier so than one after the other.
    """

    output: str
    models: dict[str, list[Layer]]
    inputs: dict[str, list[Layer]]
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    base: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)
    reference: str = ""
    jobs: int = 1


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        model: Name of the model.
        inputs: Name of the input.
        config: Its configuration.
    """

    model: str
    inputs: str
    config: Config


def read_sweep(path: Path) -> Sweep:
    """Read a sweep file.

    Args:
        path: YAML file.

    Returns:
        The sweep.

    Raises:
        ConfigError: If the file or a key of it is not right.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no sweep: it holds no mapping of keys to values")
    known = [entry.name for entry in dataclasses.fields(Sweep)]
    for key in content:
        if key not in known:
            hint = nearest(str(key), known) or f"; it takes {', '.join(known)}"
            raise ConfigError(f"unknown key {key!r} in {path}{hint}")
    for key in ("output", "models", "inputs"):
        if not content.get(key):
            raise ConfigError(f"{path} lacks {key}")
    for key in ("output", "reference"):
        if not isinstance(content.get(key, ""), str):
            raise ConfigError(f"{path}: {key} is no text")
    for key, kind in (("seeds", int), ("base", str), ("skip", str)):
        listed = content.get(key, [])
        if not isinstance(listed, list):
            raise ConfigError(f"{path}: {key} is no list")
        for item in listed:
            if not isinstance(item, kind) or isinstance(item, bool):
                raise ConfigError(f"{path}: {key} holds {item!r}, which is no {kind.__name__}")
    if content.get("seeds") == []:
        raise ConfigError(f"{path}: seeds is empty, so that there would be no run")
    for key in ("models", "inputs"):
        given = content[key]
        if not isinstance(given, dict) or not all(map(_is_layers, given.values())):
            raise ConfigError(
                f"{path}: {key} must give each name a list of files and of mappings of dotted keys "
                "to values"
            )
    if not isinstance(content.get("overrides", {}), dict):
        raise ConfigError(f"{path}: overrides is no mapping of dotted keys to values")
    jobs = content.get("jobs", 1)
    if not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(f"{path}: jobs is {jobs!r}; it must be a whole number, at least 1")
    sweep = Sweep(**content)
    names = {f"{model} / {inputs}" for model in sweep.models for inputs in sweep.inputs}
    for name in sweep.skip:
        if name not in names:
            raise ConfigError(f"{path} skips {name!r}, which is no cell of it")
    return sweep


def cells(sweep: Sweep, overrides: Sequence[str] = ()) -> Iterator[Cell]:
    """Every run of a sweep, all validated as they come.

    Args:
        sweep: The sweep.
        overrides: Options as on the command line, laid over everything.

    Yields:
        The runs: seed by seed, so that an unfinished sweep has whole tables of fewer seeds.

    Raises:
        ConfigError: If a configuration is not right, or two runs would share a folder.
    """
    folders: set[str] = set()
    grid = itertools.product(sweep.seeds, sweep.models.items(), sweep.inputs.items())
    for seed, (model, model_layers), (inputs, input_layers) in grid:
        if f"{model} / {inputs}" in sweep.skip:
            continue
        name = f"{_slug(model)}-{_slug(inputs)}"
        layers = [*sweep.base, *model_layers, *input_layers]
        own = {
            **sweep.overrides,
            "seed": seed,
            "name": f"{name}-seed{seed}",
            "output": f"{sweep.output}/{name}/seed-{seed}",
        }
        # Files and keys in the order in which they stand: each is laid over those before it.
        words = [word for layer in (*layers, own) for word in _words(layer)]
        config = load_config(None, [*words, *overrides])
        if config.seed != seed or "seed" in sweep.overrides:
            raise ConfigError(
                "one seed is set for all runs, so that they would be one run several times: name "
                "the seeds under `seeds` in the sweep's file"
            )
        if config.output in folders:
            raise ConfigError(
                f"{model} / {inputs} with seed {seed} would be a second run in {config.output}: "
                "give models and inputs names that differ in letters or digits, name each seed "
                "once, and set no output for all runs"
            )
        folders.add(config.output)
        yield Cell(model, inputs, config)


def finished(cell: Cell) -> dict[str, Any] | None:
    """Results of a run that was evaluated before.

    Args:
        cell: The run.

    Returns:
        Those on the test split of its own dataset; None where there are none yet.

    Raises:
        ConfigError: If the folder holds a run of other settings.
    """
    run = Path(cell.config.output)
    require_same_settings(run, cell.config)
    facts = run / "model.json"
    if not facts.exists():
        return None
    dataset = ModelFacts.load(facts).dataset
    exported = _time_of(Path(cell.config.data.path) / METADATA_FILE)
    if moved(run, cell.config) or exported > _time_of(results_folder(run, dataset) / RESULTS):
        return None  # whether it is the same data is told when it is opened
    return read_results(run, dataset)


def _time_of(path: Path) -> float:
    """When a file was written; minus infinity for none, as of a dataset on the Hub."""
    try:
        return path.stat().st_mtime
    except OSError:
        return -math.inf


def _words(layer: Layer) -> list[str]:
    """A layer as on the command line."""
    if isinstance(layer, str):
        return [f"--config={layer}"]
    return [f"--{key}={yaml_value(value)}" for key, value in layer.items()]


def _is_layers(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(layer, str | dict) for layer in given)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
