"""Predict on many inputs: a progress bar, one bad input stops nothing, done ones are skipped."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from dataset_script.errors import ConfigError
from dataset_script.workers import run_tasks
from hub.inference.devices import require_device
from hub.inference.judging import (
    Outcome,
    Task,
    judge,
    loaded,
    loaded_captioner,
    made_from,
    portable,
)
from hub.inference.prediction import require_threshold
from hub.record.columns import Row, plain_source, settings_of
from hub.record.sources import source_state
from hub.record.table import Record
from hub.record.writing import SUMMARY
from hub.repos.loading import PublishedModel, find_captioner, find_published
from hub.scenes.checks import SceneError
from hub.scenes.inputs import SceneInput, expand_inputs, find_inputs
from hub.scenes.products.product import ReadOptions

if TYPE_CHECKING:
    from hub.inference.captioning import SceneCaptioner
    from hub.inference.detector import Detector

SERIES = 4
"""Pairs of one primary date that a model of one date answers for together: LiCSAR connects each
acquisition to four later ones."""


@dataclass
class Batch:
    """What became of many inputs.

    Attributes:
        output: Folder of the files.
        summaries: Summary of each scene that has an answer, old or new, in the inputs' order.
        skipped: Names of the scenes whose answer was there already.
        new: Names of those whose answer is new to the record.
        unchanged: Number of inputs that were not read, as their files are those of before.
        failed: What was wrong, by input.
    """

    output: Path
    summaries: list[Mapping[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """A line for each answer, with its warnings, then what failed."""
        lines = []
        for summary in self.summaries:
            area = summary["area_km2"]
            size = "" if area is None else f" Mask of {area:.2f} km2."
            done = " (already there)" if summary["scene"] in self.skipped else ""
            lines.append(f"{summary['scene']}: {summary['verdict']}{size}{done}")
            if summary.get("caption"):
                lines.append(f"  in words, by {summary['caption_model']}: {summary['caption']}")
            lines += [f"  note: {warning}" for warning in summary["warnings"]]
        lines += [f"failed: {label}: {reason}" for label, reason in self.failed.items()]
        lines.append(f"{len(self.summaries)} scenes in {self.output}, table in {SUMMARY}")
        return "\n".join(lines)

    def require_success(self) -> None:
        """Fail if any input did.

        Raises:
            SceneError: Saying how many.
        """
        if self.failed:
            total = len(self.failed) + len(self.summaries)
            raise SceneError(f"{len(self.failed)} of {total} inputs failed, listed above")


def predict_many(
    model: str | Path | Detector,
    inputs: Sequence[str | Path],
    output: Path,
    *,
    classifier: str | Path | Detector | None = None,
    threshold: float | None = None,
    revision: str | None = None,
    device: str | None = None,
    workers: int = 1,
    dask: str | None = None,
    trust_times: bool = False,
    progress: bool = True,
    options: ReadOptions | None = None,
    each_pair: bool = False,
    captions: str | Path | SceneCaptioner | None = None,
) -> Batch:
    """Predict on all inputs, write each one's files, and add the answers to the folder's record.

    A scene is skipped if its files are there and were made from the same pixels, by the same
    weights, at the same threshold; so an interrupted run goes on where it stopped. Answers of other
    runs stay in the folder's tables, see `hub.record.table`.

    Args:
        model: A detector, or what `Detector.from_pretrained` takes.
        inputs: See `inputs.find_inputs`.
        output: Folder to write to.
        classifier: A second opinion beside a segmentation model; as `model`.
        threshold: Decision threshold, in place of the model's own; the second opinion keeps its.
        revision: Of the model's repository.
        device: Where to run.
        workers: Processes that judge scenes; each loads the models.
        dask: Address of a dask.distributed scheduler to use instead; its workers must see the
            inputs, the models' folders and `output` under the same names.
        trust_times: Whether an input whose files have the size and time of before is not even read.
        progress: Whether to show bars where standard error is a terminal.
        options: How inputs are read: units, scales, companions.
        each_pair: Whether a model of one date answers for each pair alone, rather than once for
            the pairs of a primary date.
        captions: Who writes a sentence about each scene, if anyone is to; as `model`.

    Returns:
        What became of each.

    Raises:
        HephaestusError: If a model does not load or is of the wrong kind, the threshold is no
            probability, an input stands for nothing, no input exists, or `output` cannot be made.
            What is wrong with a single scene is in the result instead.
    """
    require_threshold(threshold)
    require_device(device)
    if workers < 1:
        raise ConfigError(f"the number of workers is at least 1, not {workers}")
    named = expand_inputs(inputs)
    record = Record(output)
    models = _find_models(model, classifier, revision)
    writer = find_captioner(str(captions)) if isinstance(captions, str | Path) else captions
    alone = workers == 1 and dask is None
    asked = models if writer is None else (*models, writer)
    if not alone and not all(isinstance(item, PublishedModel) for item in asked):
        raise ConfigError("a detector stays in its process: name the model's folder or repository")
    record.adopt()
    length = models[0].facts.timeseries_length
    scenes = find_inputs(named, length if length > 1 or each_pair else SERIES, options)
    batch = Batch(output)
    if trust_times:
        known = len(scenes)
        settings = settings_of(made_from(models, None, threshold, options, writer))
        scenes = _changed(scenes, record, settings)
        batch.unchanged = known - len(scenes)
    if alone and scenes:
        models = tuple(loaded(item, device) for item in models)  # what is wrong is told at once
        writer = None if writer is None else loaded_captioner(writer, device)
    run = f"{platform.node()}-{os.getpid()}-{time.time_ns()}"
    # A Dask worker has its own rule for the threads of what it runs.
    threads = None if alone or dask else max(1, (os.cpu_count() or 1) // workers)
    tasks = {
        number: Task(
            given.label,
            given.load if alone else portable(given),
            models,
            output.absolute(),
            run,
            threshold,
            device,
            threads,
            progress and alone,
            options,
            writer,
        )
        for number, given in enumerate(scenes)
    }
    outcomes: dict[int, Outcome] = {}
    try:
        with tqdm(total=len(tasks), unit="scene", disable=None if progress else True) as bar:
            for number, outcome in run_tasks(judge, tasks, workers, dask):
                outcomes[number] = outcome
                bar.update()
    finally:
        if tasks:
            record.flush()
    for number, outcome in sorted(outcomes.items()):
        if outcome.summary is None:
            batch.failed[plain_source(scenes[number].label)] = plain_source(outcome.error or "")
            continue
        batch.summaries.append(outcome.summary)
        name = outcome.summary["scene"]
        if not outcome.judged:
            batch.skipped.append(name)
        if outcome.new:
            batch.new.append(name)
    return batch


def _find_models(
    model: str | Path | Detector, classifier: str | Path | Detector | None, revision: str | None
) -> tuple[PublishedModel | Detector, ...]:
    first = _found(model, revision)
    if classifier is None:
        return (first,)
    second = _found(classifier, None)
    kinds = [first.facts.objective, second.facts.objective]
    if kinds != ["segmentation", "classification"]:
        raise ConfigError(
            "a second opinion is a classifier's beside a segmentation model's; these are for "
            + " and ".join(kinds)
        )
    return first, second


def _found(model: str | Path | Detector, revision: str | None) -> PublishedModel | Detector:
    if not isinstance(model, str | Path):
        return model
    found = find_published(str(model), revision)
    if found.facts.objective == "caption":
        raise ConfigError(
            f"{model} writes captions, which are no verdict: name it after --captions, beside a "
            "model that judges"
        )
    if found.facts.objective == "retrieval":
        raise ConfigError(f"{model} gives no verdict: ask it by `python -m hub find {model}`")
    return found


def _changed(scenes: Sequence[SceneInput], record: Record, settings: str) -> list[SceneInput]:
    """The inputs whose files are not those of an answer that stands, made with these settings."""
    known: dict[str, Row] = {
        row["source"]: row for row in record.standing().values() if row["settings"] == settings
    }

    def stands(given: SceneInput) -> bool:
        row = known.get(plain_source(given.label))
        if row is None or row["source_state"] is None:
            return False
        complete = all((record.folder / name).exists() for name in row["files"].values())
        return complete and row["source_state"] == source_state(given.label)

    return [given for given in scenes if not stands(given)]
