"""Cards: what a repository's README says of a model or a table of results, from templates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dataset_script.channels import select
from hub.repos.planes import output_names, plane_names
from hub.repos.results import METRICS, dataset_id, eval_results, finite_metrics
from hub.repos.snippets import loading_code, preparing_code
from training.evaluation.scenes import FALSE_ALARMS, MISSES
from training.facts import ModelFacts

TEMPLATES = Path(__file__).parent / "templates"
LIBRARY_NAMES = {
    "timm": "timm",
    "smp": "segmentation-models-pytorch",
    "transformers": "transformers",
    "hephaestus": "pytorch",
}
_SPLIT_NOTES = {
    "paper": " (by primary date: train to May 2019, validation to December 2019, test from 2020)",
    "strict": " (by date, without the pairs whose acquisitions lie in two splits)",
    "spatial": " (by frame)",
    "dates": " (by primary date, in periods that the dataset's card tells)",
}

_TABLES = (
    ("verdicts", "Verdicts of scenes", "truth"),
    ("without_inputs", "Without an input", "missing"),
    ("baselines", "Against trivial rules", "rule"),
    ("differences", "By how much above them, and 95 % intervals", "rule"),
    ("per_fact", "By what a caption tells", "fact"),
    ("recall", "By which interferograms are right", "right"),
    ("averages", "Averages over the classes", "average"),
    ("per_class", "By class", "class"),
    ("per_volcano", "By volcano", "volcano"),
    ("per_frame", "By frame", "frame"),
    ("per_activity_type", "By activity type", "type"),
    ("per_intensity", "By intensity", "intensity"),
    ("per_confounder", "By what can pass for deformation, or hide it", "confounder"),
)
_RESULT_KEYS = ("split", "samples", "positives", "calibration")


def render(template: str, **values: Any) -> str:
    """Fill in one of our templates.

    Args:
        template: File name under `hub/repos/templates`.
        **values: Every variable of the template; a missing one is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def folder_name(folder: Path) -> str:
    """A folder as the cards name it: with a leading "/" or ".", which no repository has."""
    return str(folder) if folder.is_absolute() else f"./{folder}"


def _format(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if math.isfinite(value) else "–"
    return "–" if value is None else str(value)


def _table(title: str, first: str, records: Mapping[str, Any]) -> dict[str, Any] | None:
    """Records as a table of their plain values; None if there are none."""
    rows = {name: record for name, record in records.items() if isinstance(record, Mapping)}
    columns: dict[str, None] = {}
    for record in rows.values():
        columns |= dict.fromkeys(
            key for key, value in record.items() if not isinstance(value, Mapping | list)
        )
    if not rows or not columns:
        return None
    body = [[name, *(_format(record.get(c)) for c in columns)] for name, record in rows.items()]
    heads = [METRICS[column][1] if column in METRICS else column for column in columns]
    return {"title": title, "columns": [first, *heads], "rows": body}


def _metric_rows(results: Mapping[str, Any]) -> list[dict[str, str]]:
    intervals = results.get("confidence_intervals") or {}
    rows = []
    for name, value in finite_metrics(results).items():
        low, high = intervals.get(name) or (None, None)
        interval = "–" if low is None else f"{_format(low)} to {_format(high)}"
        rows.append({"title": METRICS[name][1], "value": _format(value), "interval": interval})
    return rows


def _recipe(config: Any) -> str:
    """The run's configuration as YAML, without the places on the disk of whoever trained."""
    if config is None:
        return ""
    record = dataclasses.asdict(config) if dataclasses.is_dataclass(config) else dict(config)  # type: ignore[arg-type]
    record.pop("output", None)
    for section, key in (("data", "path"), ("model", "init_from")):
        if isinstance(record.get(section), dict):
            record[section].pop(key, None)
    return yaml.safe_dump(record, sort_keys=False).strip()


def model_card(
    facts: ModelFacts,
    results: Mapping[str, Any] | None,
    name: str,
    dataset: str = "",
    config: Any = None,
    note: str = "",
) -> str:
    """The README of a model's repository.

    Args:
        facts: The model's facts.
        results: What `training/evaluate.py` wrote, if it ran.
        name: Repository, or `folder_name`, that the examples load.
        dataset: Hub name of the training data.
        config: The run's configuration (a dataclass or a mapping), for the recipe.
        note: A sentence on how the model was made.

    Returns:
        Markdown with the Hub's metadata in front.
    """
    from huggingface_hub import ModelCardData

    title = Path(name).name
    steps = facts.timeseries_length
    known = dataset_id(facts, dataset)
    metadata = ModelCardData(
        license="mit",
        library_name=LIBRARY_NAMES[facts.library],
        # No pipeline_tag: the pipelines of the Hub's widgets bring any picture to three colours in
        # 0..1, and a model of radians and metres would refuse them, or, worse, answer.
        tags=["insar", "sentinel-1", "volcano", "deformation", "hephaestus-minicubes"],
        datasets=[known] if known else None,
        metrics=[METRICS[metric][0] for metric in finite_metrics(results or {})] or None,
        model_name=title,
        eval_results=eval_results(facts, results, dataset) if results else None,
    )
    found = results or {}
    tables = (_table(title, first, found.get(key) or {}) for key, title, first in _TABLES)
    return render(
        "model_card.md.j2",
        metadata=metadata.to_yaml().strip(),
        title=title,
        name=name,
        facts=facts,
        misses=MISSES,
        false_alarms=FALSE_ALARMS,
        channels=select(facts.channels),
        planes=plane_names(facts),
        outputs=output_names(facts),
        steps=f"a series of {steps} interferograms" if steps > 1 else "a single interferogram",
        steps_long=(
            f"the {len(facts.channels)} channels below"
            + (" for the first step, then for the next, and so on" if steps > 1 else "")
        ),
        loading=loading_code(facts, name),
        preparing=preparing_code(facts, name),
        split_note=_SPLIT_NOTES.get(facts.split, ""),
        results={key: found.get(key) for key in _RESULT_KEYS} if results else None,
        metrics=_metric_rows(found),
        sections=[table for table in tables if table],
        recipe=_recipe(config),
        note=note,
    )


def results_card(name: str) -> str:
    """The README of a results dataset.

    Args:
        name: Its repository.
    """
    from huggingface_hub import DatasetCardData

    metadata = DatasetCardData(
        license="mit",
        pretty_name="Results on Hephaestus Minicubes",
        tags=["insar", "volcano", "deformation", "leaderboard"],
        configs=[
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}
        ],
    )
    return render("results_card.md.j2", metadata=metadata.to_yaml().strip(), name=name)
