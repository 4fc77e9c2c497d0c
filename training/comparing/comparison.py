"""Metrics of several runs on the same scenes, and intervals of their differences.

The bootstrap draws whole groups (frame and primary date), the same ones for every run at a time, so
that what makes a scene hard for all of them cancels in a difference. Runs need not have the same
samples, as series of one and of three dates do not: the same groups are enough.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_script.errors import ConfigError
from training.config.options import flatten, load_config
from training.evaluation.calibration import to_margin
from training.evaluation.detection import Detection
from training.evaluation.metrics import draws, interval
from training.evaluation.operating_point import calibration
from training.evaluation.predictions import Predictions
from training.evaluation.stored import PREDICTIONS, StoredPredictions, read_predictions
from training.facts import ModelFacts
from training.runs.history import read_history
from training.runs.results import results_folder

_UNTOLD = ("name", "output", "tracking.", "data.workers", "data.path")


@dataclass(frozen=True)
class Candidate:
    """A run that is compared.

    Attributes:
        name: What tables and figures call it.
        run: Its folder.
        stored: What it answered.
        settings: Its configuration, dotted keys to values.
        history: Its epochs.
    """

    name: str
    run: Path
    stored: StoredPredictions
    settings: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """A run's numbers, on the scenes that all runs have.

    Attributes:
        candidate: The run.
        samples: Samples that were counted.
        positives: Those that deform.
        metrics: Value of each metric, NaN where undefined.
        intervals: 95 % interval of each.
        differences: What it is above the first run, for each metric; of the first none.
        paired: 95 % interval of each difference.
        curves: Positives and negatives by descending score, `[L]` each.
        calibration: See `operating_point.calibration`.
    """

    candidate: Candidate
    samples: int
    positives: int
    metrics: dict[str, float]
    intervals: dict[str, list[float]]
    differences: dict[str, float]
    paired: dict[str, list[float]]
    curves: tuple[np.ndarray, np.ndarray]
    calibration: dict[str, Any]

    def differs(self, metric: str) -> bool:
        """Whether the interval of a difference leaves out zero."""
        ends = self.paired.get(metric)
        return ends is not None and len(ends) == 2 and not ends[0] <= 0 <= ends[1]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        dataset: Name of the dataset.
        split: Its split.
        rows: The runs, the one that the others are held against first.
        groups: Frames and primary dates that all runs have.
        left_out: Those that some run lacks; they are not counted.
        settings: Values by run of every key of the configuration that is not the same in all.
    """

    dataset: str
    split: str
    rows: list[Row]
    groups: int
    left_out: int
    settings: dict[str, list[Any]]


def read_candidates(
    runs: Sequence[Path], split: str = "test", dataset: str | None = None
) -> list[Candidate]:
    """Read what evaluate.py wrote of each run.

    Args:
        runs: Their folders, two at least.
        split: Split.
        dataset: Name of the dataset, if not the one that each was trained on.

    Returns:
        The runs, in the order given.

    Raises:
        ConfigError: If a run is given twice, was not evaluated, or answers another question than
            the first.
    """
    if len(runs) < 2:
        raise ConfigError("give two runs at least; the others are held against the first")
    if len({run.resolve() for run in runs}) < len(runs):
        raise ConfigError("a run is given twice; name each once")
    found = []
    for run in runs:
        facts, config = ModelFacts.load(run / "model.json"), load_config(run / "config.yaml")
        path = results_folder(run, dataset or facts.dataset, split) / PREDICTIONS
        if not path.exists():
            more = f" --split {split}" if split != "test" else ""
            raise ConfigError(
                f"{path} is missing: run `python training/evaluate.py {run}{more}` first"
            )
        stored = read_predictions(path)
        found.append(Candidate(config.name, run, stored, flatten(config), read_history(run)))
    names = [candidate.name for candidate in found]
    if len(set(names)) < len(names):  # runs of one name, told apart by where they lie
        shared = os.path.commonpath([run.resolve() for run in runs])
        found = [
            dataclasses.replace(each, name=str(each.run.resolve().relative_to(shared)))
            for each in found
        ]
    first = found[0]
    for other in found[1:]:
        for what in ("dataset", "split"):
            mine, theirs = getattr(first.stored, what), getattr(other.stored, what)
            if mine != theirs:
                raise ConfigError(
                    f"{first.run} was measured on the {what} {mine}, {other.run} on {theirs}; "
                    "compare what was measured on the same"
                )
        if other.stored.facts.objective != first.stored.facts.objective:
            raise ConfigError(
                f"{first.run} is a {first.stored.facts.objective}, {other.run} a "
                f"{other.stored.facts.objective}: images and pixels cannot be held against each "
                "other"
            )
    return found


def compare(candidates: Sequence[Candidate], seed: int = 0) -> Comparison:
    """Set runs side by side.

    Args:
        candidates: Of `read_candidates`.
        seed: Seed of the resampling.

    Returns:
        The comparison: of deformation as such, each run at the threshold of its own validation.

    Raises:
        ConfigError: If the runs have no scene in common, or annotations differ.
    """
    common = set.intersection(*(set(each.stored.groups) for each in candidates))
    everything = set.union(*(set(each.stored.groups) for each in candidates))
    if not common:
        raise ConfigError("the runs were measured on other scenes: none is in all of them")
    names = sorted(common)
    counted = [_Counted(each, names) for each in candidates]
    _require_same_truth(counted)
    values = [each.metrics(np.ones((1, len(names)))) for each in counted]
    drawn: list[dict[str, list[np.ndarray]]] = [{} for _ in counted]
    for weights in draws(len(names), [seed, len(names)]):
        for parts, each in zip(drawn, counted, strict=True):
            for name, scores in each.metrics(weights).items():
                parts.setdefault(name, []).append(scores)
    replicates = [{name: np.concatenate(v) for name, v in parts.items()} for parts in drawn]
    rows = []
    for number, (each, found, mine) in enumerate(zip(counted, values, replicates, strict=True)):
        held = {} if number == 0 else mine
        rows.append(
            Row(
                candidate=each.candidate,
                samples=len(each.owner),
                positives=int(each.truth.sum()),
                metrics={name: float(value[0]) for name, value in found.items()},
                intervals={name: interval(value) for name, value in mine.items()},
                differences={name: float((found[name] - values[0][name])[0]) for name in held},
                paired={name: interval(held[name] - replicates[0][name]) for name in held},
                curves=each.curves(),
                calibration=calibration(each.predictions, each.predictions.temperature),
            )
        )
    settings = {
        key: [each.settings[key] for each in candidates]
        for key in candidates[0].settings
        if not key.startswith(_UNTOLD)
        and any(each.settings[key] != candidates[0].settings[key] for each in candidates)
    }
    first = candidates[0].stored
    return Comparison(
        first.dataset, first.split, rows, len(names), len(everything) - len(names), settings
    )


class _Counted:
    """A run's answers on the groups that all have."""

    def __init__(self, candidate: Candidate, groups: Sequence[str]) -> None:
        places = {name: place for place, name in enumerate(groups)}
        stored, facts = candidate.stored, candidate.stored.facts
        chosen = np.array([i for i, group in enumerate(stored.groups) if group in places])
        self.candidate = candidate
        self.predictions: Predictions = stored.predictions.select(chosen)
        self.owner = np.array([places[stored.groups[i]] for i in chosen])
        self.truth = np.array([stored.labels[i] for i in chosen], bool)
        self.samples = [(stored.samples[i], stored.secondary_dates[i]) for i in chosen]
        self._detection = Detection(self.predictions)
        self._threshold = to_margin(facts.threshold, facts.temperature)

    def metrics(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Each metric `[R]` under weights of the groups `[R, G]`."""
        return self._detection.metrics(weights[:, self.owner].astype(float), self._threshold)

    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Positives and negatives by descending score."""
        _, positives, negatives = self._detection.counts(np.ones(len(self.owner)))
        return positives, negatives


def _require_same_truth(counted: Sequence[_Counted]) -> None:
    """Refuse runs that were held to other annotations of one sample: nothing would be compared."""
    first = dict(zip(counted[0].samples, counted[0].truth, strict=True))
    for other in counted[1:]:
        for sample, truth in zip(other.samples, other.truth, strict=True):
            if first.get(sample, truth) != truth:
                raise ConfigError(
                    f"sample {sample[0]} deforms for {counted[0].candidate.run} or for "
                    f"{other.candidate.run}, not for both: the annotations, or mask_target, differ"
                )
