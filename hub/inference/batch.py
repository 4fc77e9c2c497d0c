"""Predict on many inputs: a progress bar, one bad input stops nothing, done ones are skipped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from dataset_script.errors import ConfigError, HephaestusError
from dataset_script.safe_files import renamed, writable
from hub.inference.devices import require_device
from hub.inference.outputs import save_prediction, write_table
from hub.inference.prediction import require_threshold
from hub.repos.loading import PublishedModel, find_published
from hub.scenes.checks import SceneError
from hub.scenes.inputs import expand_inputs, find_inputs
from hub.scenes.products.product import ReadOptions
from hub.scenes.scene import Scene

if TYPE_CHECKING:
    from hub.inference.detector import Detector

TABLE = "summary.csv"

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
        failed: What was wrong, by input.
    """

    output: Path
    summaries: list[Mapping[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """A line for each answer, with its warnings, then what failed."""
        lines = []
        for summary in self.summaries:
            area = summary["area_km2"]
            size = "" if area is None else f" Mask of {area:.2f} km2."
            done = " (already there)" if summary["scene"] in self.skipped else ""
            lines.append(f"{summary['scene']}: {summary['verdict']}{size}{done}")
            lines += [f"  note: {warning}" for warning in summary["warnings"]]
        lines += [f"failed: {label}: {reason}" for label, reason in self.failed.items()]
        lines.append(f"{len(self.summaries)} scenes in {self.output}, table in {TABLE}")
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
    progress: bool = True,
    options: ReadOptions | None = None,
    each_pair: bool = False,
) -> Batch:
    """Predict on all inputs and write each one's files, and `summary.csv` over all of them.

    A scene is skipped if its files are there and were made from the same pixels, by the same
    weights, at the same threshold; so an interrupted run goes on where it stopped.

    Args:
        model: A detector, or what `Detector.from_pretrained` takes.
        inputs: See `inputs.find_inputs`.
        output: Folder to write to.
        classifier: A second opinion beside a segmentation model; as `model`.
        threshold: Decision threshold, in place of the model's own; the second opinion keeps its.
        revision: Of the model's repository.
        device: Where to run.
        progress: Whether to show bars where standard error is a terminal.
        options: How inputs are read: units, scales, companions.
        each_pair: Whether a model of one date answers for each pair alone, rather than once for
            the pairs of a primary date.

    Returns:
        What became of each.

    Raises:
        HephaestusError: If a model does not load or is of the wrong kind, the threshold is no
            probability, an input stands for nothing, no input exists, or `output` cannot be made.
            What is wrong with a single scene is in the result instead.
    """
    require_threshold(threshold)
    require_device(device)
    named = expand_inputs(inputs)
    with writable(output):
        output.mkdir(parents=True, exist_ok=True)
    models = [_found(model, revision)]
    if classifier is not None:
        models.append(_found(classifier, None))
        kinds = [item.facts.objective for item in models]
        if kinds != ["segmentation", "classification"]:
            raise ConfigError(
                "a second opinion is a classifier's beside a segmentation model's; these are for "
                + " and ".join(kinds)
            )
    length = models[0].facts.timeseries_length
    # What stands for nothing is told before weights are loaded.
    scenes = find_inputs(named, length if length > 1 or each_pair else SERIES, options)
    detectors = [_loaded(item, device) for item in models]
    batch = Batch(output)
    taken = {Path(TABLE).stem}  # a scene's own table would lie in the place of all scenes'
    for given in tqdm(scenes, unit="scene", disable=None if progress else True):
        try:
            scene = _named_apart(given.load(), taken)
            key = _key(detectors, scene, threshold)
            summary = _finished(output, scene.name, key)
            if summary is not None:
                batch.skipped.append(scene.name)
            else:
                summary = _predict_one(detectors, scene, threshold, output, key, progress)
            batch.summaries.append(summary)
        except (HephaestusError, OSError) as error:  # OSError: a name or a disk that is too full
            batch.failed[given.label] = _in_a_line(error)
        except Exception as error:  # a defect of ours or of a library costs one scene, not a night
            reason = f"unexpected {type(error).__name__}: {_in_a_line(error)}"
            batch.failed[given.label] = f"{reason}; please report it with the input"
    with renamed(output / TABLE, shared=True) as path:
        write_table(path, batch.summaries)
    return batch


def _in_a_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _found(model: str | Path | Detector, revision: str | None) -> PublishedModel | Detector:
    return find_published(str(model), revision) if isinstance(model, str | Path) else model


def _loaded(found: PublishedModel | Detector, device: str | None) -> Detector:
    if not isinstance(found, PublishedModel):
        return found
    # Loads torch: what is wrong with the command is told before.
    from hub.inference.detector import Detector

    return Detector.from_published(found, device)


def _predict_one(
    detectors: Sequence[Detector],
    scene: Scene,
    threshold: float | None,
    output: Path,
    key: Mapping[str, Any],
    progress: bool,
) -> Mapping[str, Any]:
    with tqdm(
        desc=scene.name, unit="window", leave=False, disable=None if progress else True
    ) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        prediction, *others = (
            detector.predict(scene, threshold if number == 0 else None, report)
            for number, detector in enumerate(detectors)
        )
    prediction = dataclasses.replace(prediction, second=others[0] if others else None)
    save_prediction(prediction, output, key)
    return prediction.summary()


def _named_apart(scene: Scene, taken: set[str]) -> Scene:
    """The scene, renamed if another of the batch already has its name."""
    name, number = scene.name, 1
    while name in taken:
        number += 1
        name = f"{scene.name}-{number}"
    taken.add(name)
    return dataclasses.replace(scene, name=name)


def _key(detectors: Sequence[Detector], scene: Scene, threshold: float | None) -> dict[str, Any]:
    """All that an answer depends on."""
    first, *others = detectors
    return {
        "input": scene.fingerprint(),
        "weights": first.weights,
        "facts": first.facts.to_dict(),
        "threshold": threshold,
        "second": [{"weights": item.weights, "facts": item.facts.to_dict()} for item in others],
    }


def _finished(output: Path, name: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The summary of an earlier run's answer, if it is the one wanted and its files are there."""
    try:
        record = json.loads((output / f"{name}.json").read_text())
        made_from, files = record.pop("made_from"), record.pop("files")
    except (OSError, ValueError, KeyError):
        return None
    complete = all((output / file).exists() for file in files.values())
    return record if complete and made_from == key else None
