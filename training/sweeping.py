"""A grid of experiments, models times inputs times seeds, and its table in the paper's form."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import itertools
import json
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dataset_script.channels import ATMOSPHERIC_CHANNELS
from dataset_script.errors import ConfigError
from training.config import Config
from training.options import load_config, yaml_value

Layer = str | dict[str, Any]
METRICS = ("precision", "recall", "f1", "auroc", "iou")


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
    """

    output: str
    models: dict[str, list[Layer]]
    inputs: dict[str, list[Layer]]
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    base: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)
    reference: str = ""


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
        raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no sweep: it holds no mapping of keys to values")
    known = [entry.name for entry in dataclasses.fields(Sweep)]
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it takes {', '.join(known)}"
            raise ConfigError(f"unknown key {key!r} in {path}{hint}")
    for key in ("output", "models", "inputs"):
        if not content.get(key):
            raise ConfigError(f"{path} lacks {key}")
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
        ConfigError: If a configuration is not right.
    """
    grid = itertools.product(sweep.seeds, sweep.models.items(), sweep.inputs.items())
    for seed, (model, model_layers), (inputs, input_layers) in grid:
        if f"{model} / {inputs}" in sweep.skip:
            continue
        name = f"{_slug(model)}-{_slug(inputs)}"
        layers = [*sweep.base, *model_layers, *input_layers]
        own = {
            **{k: v for layer in layers if isinstance(layer, dict) for k, v in layer.items()},
            **sweep.overrides,
            "seed": seed,
            "name": f"{name}-seed{seed}",
            "output": f"{sweep.output}/{name}/seed-{seed}",
        }
        options = [f"--{key}={yaml_value(value)}" for key, value in own.items()]
        files = [layer for layer in layers if isinstance(layer, str)]
        yield Cell(model, inputs, load_config(files, [*options, *overrides]))


def finished(cell: Cell) -> dict[str, Any] | None:
    """Results of a run that was evaluated before, None of one that was not."""
    path = Path(cell.config.output) / "results.json"
    return json.loads(path.read_text()) if path.exists() else None


@dataclass
class Row:
    """A model with one input, over its seeds.

    Attributes:
        model: Name of the model.
        atmosphere: Whether the atmospheric channels are among its input.
        timeseries_length: Steps T.
        seeds: Seeds that were run.
        values: Values by metric, one a seed.
    """

    model: str
    atmosphere: bool
    timeseries_length: int
    seeds: list[int]
    values: dict[str, list[float]]

    def mean(self, metric: str) -> float | None:
        """Mean over the seeds."""
        known = self.values.get(metric)
        return statistics.fmean(known) if known else None

    def spread(self, metric: str) -> float | None:
        """Sample standard deviation over the seeds; None of one alone."""
        known = self.values.get(metric, [])
        return statistics.stdev(known) if len(known) > 1 else None


def collect(done: Sequence[tuple[Cell, dict[str, Any]]]) -> list[Row]:
    """Gather runs into rows, in the order of the sweep.

    Args:
        done: Runs with their results.
    """
    rows: dict[tuple[str, str], Row] = {}
    for cell, results in done:
        facts = json.loads((Path(cell.config.output) / "model.json").read_text())
        atmosphere = any(name in ATMOSPHERIC_CHANNELS for name in facts["channels"])
        row = rows.setdefault(
            (cell.model, cell.inputs),
            Row(cell.model, atmosphere, facts["timeseries_length"], [], {}),
        )
        row.seeds.append(cell.config.seed)
        for metric in METRICS:
            value = results["metrics"].get(metric)
            if value is not None:
                row.values.setdefault(metric, []).append(value)
    return list(rows.values())


def read_reference(path: str) -> dict[tuple[str, bool, int], dict[str, str]]:
    """Published figures by model, atmosphere and T."""
    if not path:
        return {}
    try:
        with Path(path).open(newline="") as file:
            return {
                (r["model"], r["atmosphere"] == "yes", int(r["timeseries_length"])): r
                for r in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{path} is no table of published figures: {error}") from None


def to_csv(rows: Sequence[Row], reference: dict[tuple[str, bool, int], dict[str, str]]) -> str:
    """The table for machines: means and standard deviations over seeds, and the published ones."""
    head = ["model", "atmosphere", "timeseries_length", "seeds"]
    ours = [f"{metric}{part}" for metric in METRICS for part in ("", "_sd")]
    theirs = ["precision", "recall", "f1", "f1_sd", "auroc"]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*head, *ours, *(f"published_{name}" for name in theirs)])
    for row in rows:
        known = reference.get((row.model, row.atmosphere, row.timeseries_length), {})
        numbers = [part for metric in METRICS for part in (row.mean(metric), row.spread(metric))]
        writer.writerow(
            [
                row.model,
                "yes" if row.atmosphere else "no",
                row.timeseries_length,
                " ".join(map(str, row.seeds)),
                *("" if number is None else f"{number:.4f}" for number in numbers),
                *(known.get(name, "") for name in theirs),
            ]
        )
    return file.getvalue()


def to_markdown(rows: Sequence[Row], reference: dict[tuple[str, bool, int], dict[str, str]]) -> str:
    """The table in the paper's form: a line a model and atmosphere, a column a length T.

    A cell is precision / recall / F1 ± its standard deviation over the seeds / AUROC of the
    deformation class in per cent (and IoU of a segmentation); the published figures stand below
    in italics.
    """
    lengths = sorted({row.timeseries_length for row in rows})
    lines = [
        f"| model | atmosphere | {' | '.join(_length_title(length) for length in lengths)} |",
        "|" + " --- |" * (2 + len(lengths)),
    ]
    keys = list(dict.fromkeys((row.model, row.atmosphere) for row in rows))
    for model, atmosphere in sorted(keys, key=lambda key: (_first(rows, key[0]), key[1])):
        texts = []
        for length in lengths:
            own = [
                row
                for row in rows
                if (row.model, row.atmosphere, row.timeseries_length) == (model, atmosphere, length)
            ]
            known = reference.get((model, atmosphere, length))
            text = _cell(own[0]) if own else "-"
            texts.append(text + (f"<br>*{_published(known)}*" if known else ""))
        lines.append(f"| {model} | {'yes' if atmosphere else 'no'} | {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


def _first(rows: Sequence[Row], model: str) -> int:
    return next(place for place, row in enumerate(rows) if row.model == model)


def _length_title(length: int) -> str:
    return "single image" if length == 1 else f"time series (T={length})"


def _cell(row: Row) -> str:
    parts = []
    for metric in METRICS:
        mean, spread = row.mean(metric), row.spread(metric)
        if mean is not None:
            text = f"{100 * mean:.2f}"
            if metric == "f1" and spread is not None:
                text += f"±{100 * spread:.2f}"
            parts.append(f"IoU {text}" if metric == "iou" else text)
    return " / ".join(parts) or "undefined"


def _published(known: dict[str, str]) -> str:
    precision, recall, f1, spread, auroc = (
        100 * float(known[name]) for name in ("precision", "recall", "f1", "f1_sd", "auroc")
    )
    return f"{precision:.2f} / {recall:.2f} / {f1:.2f}±{spread:.2f} / {auroc:.2f}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
