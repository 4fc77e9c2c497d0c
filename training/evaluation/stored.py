"""What a model answered for each sample, in a Parquet file: to look at, and to measure again.

The first columns are for people: which sample, what is true, what the model says of the scene. The
last ones hold a `Predictions` whole, so that metrics, curves and comparisons need no model.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import special

from dataset_script.errors import ConfigError
from dataset_script.labels import BINARY_LABELS
from dataset_script.safe_files import renamed
from training.config.schema import Config
from training.data.samples import Samples
from training.data.sources import OpenedData
from training.data.tasks import Task
from training.errors import one_line
from training.evaluation.operating_point import scene_margins, scene_scores
from training.evaluation.predictions import BINS, Predictions
from training.facts import ModelFacts

PREDICTIONS = "predictions.parquet"
"""The file, in a folder of results."""

UNSURE = "Unsure"
_KEY = b"hephaestus"
_VERSION = 1
_ROWS = 1024  # samples of a row group
_ARRAYS = {"logits": "float32", "targets": "", "histogram": "int32", "confusion": "int32"}
_ALMOST = float(np.finfo(np.float32).eps)  # a probability of exactly 1 has no logit


def measured_on(
    facts: ModelFacts,
    data: OpenedData,
    config: Config,
    split: str,
    dataset: str,
    digests: Mapping[str, str],
) -> dict[str, Any]:
    """What every results.json begins with: what was measured, on which samples.

    Args:
        facts: Of the model.
        data: Where the samples are from.
        config: Of the run.
        split: The split.
        dataset: Name of the dataset.
        digests: `samples_digests` of the samples.
    """
    samples = data.splits[split]
    return {
        "objective": facts.objective,
        "task": facts.task,
        "dataset": dataset,
        "config": config.data.config,
        "split": split,
        "split_scheme": data.scheme,
        "samples": len(samples),
        **digests,
        "positives": int(samples.positive.sum()),
    }


@dataclass(frozen=True)
class StoredPredictions:
    """A file of predictions.

    Attributes:
        predictions: The predictions; no losses are kept.
        facts: Of the model.
        dataset: Name of the dataset.
        split: Split of it.
        samples: Id of each sample.
        groups: Frame and primary date of each sample.
        labels: Whether each deforms, bool `[N]`.
        secondary_dates: Days of the steps that each shows: of one row there may be several.
    """

    predictions: Predictions
    facts: ModelFacts
    dataset: str
    split: str
    samples: Sequence[str]
    groups: Sequence[str]
    labels: np.ndarray
    secondary_dates: Sequence[tuple[datetime.date, ...]]


def write_predictions(
    path: Path,
    predictions: Predictions,
    samples: Samples,
    facts: ModelFacts,
    dataset: str,
    split: str,
) -> None:
    """Write the predictions of a split; the file is replaced whole.

    Args:
        path: File.
        predictions: The predictions, at the model's temperature.
        samples: The split.
        facts: Of the model.
        dataset: Name of the dataset.
        split: Name of the split.

    Raises:
        DataError: If it cannot be written.
    """
    columns = {**identities(samples), **_answers(predictions, facts), **_arrays(predictions)}
    table = pa.table(columns).replace_schema_metadata(note_of(facts, dataset, split))
    with renamed(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_ROWS, compression="zstd")


def read_predictions(path: Path) -> StoredPredictions:
    """Read what `write_predictions` wrote.

    Args:
        path: File.

    Returns:
        The predictions.

    Raises:
        ConfigError: If it is missing, damaged or of another version.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is missing: run training/evaluate.py on the run first")
    try:
        table = pq.read_table(path, memory_map=True)
        note = json.loads((table.schema.metadata or {})[_KEY])
        version, facts = note["version"], ModelFacts.from_dict(note["facts"])
        dataset, split = note["dataset"], note["split"]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path} cannot be read: {one_line(error)}; run training/evaluate.py again"
        ) from None
    if facts.objective == "caption":
        raise ConfigError(
            f"{path} holds sentences, which have no curves: results.json beside it has their scores"
        )
    if version != _VERSION:
        raise ConfigError(f"{path} is of another version: run training/evaluate.py again")
    days = [f"{day:%Y-%m-%d}" for day in table.column("primary_date").to_pylist()]
    frames = table.column("frame_id").to_pylist()
    return StoredPredictions(
        _restored(table, facts),
        facts,
        dataset,
        split,
        table.column("sample_id").to_pylist(),
        [f"{frame}/{day}" for frame, day in zip(frames, days, strict=True)],
        np.array(table.column("label").to_pylist()) == BINARY_LABELS[1],
        [tuple(days) for days in table.column("secondary_dates").to_pylist()],
    )


def note_of(facts: ModelFacts, dataset: str, split: str) -> dict[bytes, str]:
    """What a file of predictions says of itself.

    Args:
        facts: Of the model.
        dataset: Name of the dataset.
        split: Name of the split.
    """
    note = {"version": _VERSION, "dataset": dataset, "split": split, "facts": facts.to_dict()}
    return {_KEY: json.dumps(note)}


def identities(samples: Samples) -> dict[str, pa.Array]:
    """Columns that say which sample each row is of."""
    facts = [samples.metadata(i) for i in range(len(samples))]
    secondary = [
        [known.secondary_dates[step] for step in samples.steps(i)] if known.secondary_dates else []
        for i, known in enumerate(facts)
    ]
    return {
        "sample_id": pa.array([known.sample_id for known in facts], pa.string()),
        "frame_id": pa.array([known.frame_id for known in facts], pa.string()),
        "volcanoes": pa.array([list(known.volcanoes) for known in facts], pa.list_(pa.string())),
        "primary_date": pa.array([known.primary_date for known in facts], pa.date32()),
        "secondary_dates": pa.array(secondary, pa.list_(pa.date32())),
    }


def _answers(predictions: Predictions, facts: ModelFacts) -> dict[str, pa.Array]:
    """What is true of each sample as a scene, and what the model says of it."""
    found = scene_scores(predictions, facts.temperature)
    assert found is not None  # the temperature of a trained model is known
    probability, truth = found
    if predictions.peak is None:
        logit = scene_margins(predictions, facts.temperature)
    else:
        logit = facts.temperature * special.logit(np.clip(probability, _ALMOST, 1 - _ALMOST))
    low, high = facts.limits
    verdict = np.where(
        probability >= high, BINARY_LABELS[1], np.where(probability < low, BINARY_LABELS[0], UNSURE)
    )
    columns = {
        "label": pa.array(np.array(BINARY_LABELS)[truth.astype(int)].tolist(), pa.string()),
        "logit": pa.array(logit, pa.float64()),
        "probability": pa.array(probability, pa.float64()),
        "verdict": pa.array(verdict.tolist(), pa.string()),
    }
    if predictions.task.name != "binary":
        names, true, called = pa.list_(pa.string()), *_held(predictions)
        columns |= {
            "true_classes": pa.array(true, names),
            "predicted_classes": pa.array(called, names),
        }
    return columns


def _held(predictions: Predictions) -> tuple[list[list[str]], list[list[str]]]:
    """Names of the classes that each sample has, and that the model gives it, once each."""
    task = predictions.task
    if predictions.confusion is not None:
        true, called = (predictions.confusion.sum(axis) > 0 for axis in (2, 1))
        true[:, 0] = called[:, 0] = False  # the class that stands for nothing is everywhere
    else:
        logits, targets = predictions.logits, predictions.targets
        assert logits is not None and targets is not None
        if task.multilabel:
            true, called = (targets > 0).any(1), (logits >= 0).any(1)
        else:
            codes = np.arange(logits.shape[2])
            true = (targets[..., None] == codes).any(1)
            called = (logits.argmax(2)[..., None] == codes).any(1)
    names = np.array(task.classes)
    true_names, called_names = ([names[row].tolist() for row in held] for held in (true, called))
    return true_names, called_names


def _arrays(predictions: Predictions) -> dict[str, pa.Array]:
    columns = {}
    for name, dtype in _ARRAYS.items():
        value = getattr(predictions, name)
        if value is not None:
            kind = dtype or ("float32" if value.dtype.kind == "f" else "int16")
            flat = np.ascontiguousarray(value.reshape(len(value), -1), kind)
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
    return columns


def _restored(table: pa.Table, facts: ModelFacts) -> Predictions:
    task = Task(facts.task, facts.objective, facts.mask_target, facts.timeseries_length)
    count, classes = len(table), len(task.classes)
    shapes = {
        "logits": (count, -1, classes),
        "targets": (count, -1, classes) if task.multilabel else (count, -1),
        "histogram": (count, 2, BINS),
        "confusion": (count, classes, classes),
    }
    arrays: Mapping[str, Any] = {
        name: table.column(name).combine_chunks().flatten().to_numpy().reshape(shape)
        for name, shape in shapes.items()
        if name in table.column_names
    }
    if "targets" in arrays and not task.multilabel:
        arrays = {**arrays, "targets": arrays["targets"].astype("int64")}
    peak = None
    if task.objective == "segmentation":
        peak = table.column("probability").to_numpy()
    return Predictions(
        task, np.full(count, np.nan), peak=peak, temperature=facts.temperature, **arrays
    )
