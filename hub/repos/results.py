"""A run's results as the Hub knows them: `model-index`, `.eval_results`, a row of a table."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import HubError
from training.facts import ModelFacts

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

# Our names; the Hub's metric type where it has one of another name, and the title
METRICS: dict[str, tuple[str, str]] = {
    "precision": ("precision", "Precision"),
    "recall": ("recall", "Recall"),
    "f1": ("f1", "F1"),
    "auroc": ("roc_auc", "AUROC"),
    "average_precision": ("average_precision", "Average precision"),
    "iou": ("iou", "IoU"),
    "scene_auroc": ("scene_auroc", "AUROC by scene"),
    "accuracy": ("accuracy", "Accuracy"),
    "exact": ("exact_match", "Captions with all facts right"),
    "bleu": ("bleu", "BLEU"),
    "rouge_l": ("rouge", "ROUGE-L"),
    "recall_at_1": ("recall_at_1", "Recall at 1"),
    "recall_at_5": ("recall_at_5", "Recall at 5"),
    "recall_at_10": ("recall_at_10", "Recall at 10"),
    "mrr": ("mrr", "Mean reciprocal rank"),
}
HUB_TASK = {
    "classification": "image-classification",
    "segmentation": "image-segmentation",
    "caption": "image-to-text",
    "retrieval": "image-feature-extraction",
}
REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")


def finite_metrics(results: Mapping[str, Any]) -> dict[str, float]:
    """The known metrics that have a value, in the table's order."""
    found = results.get("metrics", {})
    return {
        name: float(found[name])
        for name in METRICS
        if isinstance(found.get(name), int | float) and math.isfinite(found[name])
    }


def dataset_id(facts: ModelFacts, dataset: str = "") -> str:
    """The Hub's name of the data: the one given, or the run's own if it is one; "" for neither.

    Raises:
        HubError: If the given name is not of the form NS/NAME.
    """
    if dataset and not REPO_ID.fullmatch(dataset):
        raise HubError(f"--dataset {dataset} is not of the form NS/NAME")
    return dataset or (facts.dataset if REPO_ID.fullmatch(facts.dataset) else "")


def config_name(facts: ModelFacts, results: Mapping[str, Any]) -> str:
    """The dataset's config that the model was evaluated on."""
    return results.get("config") or f"ts{facts.timeseries_length}"


def eval_results(
    facts: ModelFacts, results: Mapping[str, Any], dataset: str = ""
) -> list[EvalResult]:
    """Entries of a card's `model-index`.

    Args:
        facts: The model's facts.
        results: What `training/evaluate.py` wrote.
        dataset: Hub name of the data.
    """
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=HUB_TASK[facts.objective],
            dataset_type=dataset_id(facts, dataset) or "hephaestus-minicubes",
            dataset_name=facts.dataset or "Hephaestus Minicubes",
            dataset_config=config_name(facts, results),
            dataset_split=results.get("split"),
            metric_type=METRICS[name][0],
            metric_name=METRICS[name][1],
            metric_value=round(value, 6),
        )
        for name, value in finite_metrics(results).items()
    ]


def eval_results_files(
    facts: ModelFacts, results: Mapping[str, Any], dataset: str, dataset_revision: str | None = None
) -> dict[str, str]:
    """`.eval_results/*.yaml`: one file for each metric, as the Hub's leaderboards read them.

    Args:
        facts: The model's facts.
        results: What `training/evaluate.py` wrote.
        dataset: Hub name of the benchmark dataset.
        dataset_revision: Its commit, if known.

    Returns:
        File path in the repository to content.

    Raises:
        HubError: If there is no benchmark to file the results under, or no metric.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    benchmark = dataset_id(facts, dataset)
    if not benchmark:
        raise HubError(
            f"the run was trained on {facts.dataset or 'unnamed data'!r}, which is no dataset of "
            "the Hub: name the one to file the results under with --dataset NS/NAME"
        )
    values = finite_metrics(results)
    if not values:
        raise HubError("results.json has no metrics: run training/evaluate.py on the run again")
    notes = f"{results.get('split', 'test')} split, {facts.split} scheme, {facts.task}"
    files = {}
    for name, value in values.items():
        task = f"{config_name(facts, results)}_{facts.objective}_{name}"
        entry = EvalResultEntry(
            dataset_id=benchmark,
            task_id=task,
            value=round(value, 6),
            dataset_revision=dataset_revision,
            notes=notes,
        )
        content = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False)
        files[f".eval_results/{benchmark.split('/')[1]}_{task}.yaml"] = content
    return files


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files of text, by their paths in the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def results_row(
    facts: ModelFacts, results: Mapping[str, Any], model: str, revision: str, dataset: str
) -> dict[str, Any]:
    """One row of the results dataset; the same columns for every run.

    Args:
        facts: The model's facts.
        results: What `training/evaluate.py` wrote.
        model: Repository of the model.
        revision: Its commit.
        dataset: Hub name of the data.
    """
    values = finite_metrics(results)
    intervals = results.get("confidence_intervals") or {}
    row: dict[str, Any] = {
        "model": model,
        "revision": revision,
        "dataset": dataset_id(facts, dataset) or facts.dataset,
        "config": config_name(facts, results),
        "split": results.get("split", ""),
        "split_scheme": facts.split,
        "objective": facts.objective,
        "task": facts.task,
        "library": facts.library,
        "architecture": facts.architecture,
        "encoder": facts.encoder,
        "temporal": facts.temporal,
        "channels": list(facts.channels),
        "threshold": facts.threshold,
        "samples": results.get("samples"),
    }
    for name in METRICS:
        low, high = intervals.get(name) or (None, None)
        row |= {name: values.get(name), f"{name}_low": low, f"{name}_high": high}
    return row


def results_file(row: Mapping[str, Any]) -> tuple[str, bytes]:
    """A row as a Parquet file named by what it is about, so that a second push replaces it.

    Args:
        row: From `results_row`.

    Returns:
        Path in the results dataset, and content.
    """
    import pyarrow as pa
    from pyarrow import parquet

    floats = {name + end for name in METRICS for end in ("", "_low", "_high")} | {"threshold"}
    types = {"channels": pa.list_(pa.string()), "samples": pa.int64()}
    schema = pa.schema(
        (name, types.get(name, pa.float64() if name in floats else pa.string())) for name in row
    )
    subject = "|".join(str(row[key]) for key in ("model", "dataset", "config", "split", "task"))
    name = hashlib.sha256(subject.encode()).hexdigest()[:12]
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(row)], schema), buffer)
    owner = str(row["model"]).replace("/", "--")
    return f"data/{owner}--{name}.parquet", buffer.getvalue()
