"""One input judged for a record, in this process or in a worker on any machine."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from dataset_script.errors import HephaestusError
from hub.inference.outputs import save_prediction
from hub.inference.polygons import bounds_degrees
from hub.record.columns import frame_of_name, pair_of, plain_source
from hub.record.sources import product_of, source_state
from hub.record.table import Record
from hub.repos.loading import PublishedModel
from hub.scenes.inputs import SceneInput
from hub.scenes.load import load_scene
from hub.scenes.products.product import ReadOptions
from hub.scenes.scene import Scene

if TYPE_CHECKING:
    from hub.inference.captioning import SceneCaptioner
    from hub.inference.detector import Detector

MOST_LOADED = 3
"""Models that a process keeps: one, its second opinion, and one that writes."""


@dataclass(frozen=True)
class Task:
    """What is to be judged, with what, and where the answer goes.

    Attributes:
        label: The input's name, which is its source in the record.
        load: Reads the scene.
        models: The model that decides and, if there is one, the second opinion's; or detectors.
        output: Folder of the record.
        batch: Names the run.
        threshold: In place of the model's own.
        device: Where to run.
        threads: Threads of a worker's own; None leaves them as they are.
        progress: Whether to show a bar over the windows.
        options: How the input was read.
        captions: Who writes a sentence about the scene, if anyone does.
    """

    label: str
    load: Callable[[], Scene]
    models: tuple[PublishedModel | Detector, ...]
    output: Path
    batch: str
    threshold: float | None = None
    device: str | None = None
    threads: int | None = None
    progress: bool = False
    options: ReadOptions | None = None
    captions: PublishedModel | SceneCaptioner | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        summary: The scene's summary; None if it failed.
        judged: Whether a model was asked, or the answer was there already.
        new: Whether the answer is new to the record.
        error: What was wrong.
    """

    summary: Mapping[str, Any] | None
    judged: bool = False
    new: bool = False
    error: str | None = None


def portable(given: SceneInput) -> Callable[[], Scene]:
    """What reads an input in another process: its own reader, or one that goes by its name."""
    try:
        pickle.dumps(given.load)
    except (pickle.PicklingError, AttributeError, TypeError):
        return partial(load_scene, given.label)
    return given.load


def judge(task: Task) -> Outcome:
    """Judge an input and add the answer to the record; what is wrong with it is in the result.

    An answer that is there, made from the same pixels by the same models at the same threshold,
    is kept. Whoever else judges the same scene at the same time is waited for.
    """
    try:
        detectors = _detectors(task)
        state = source_state(task.label)  # before reading: a file that changes meanwhile differs
        scene = task.load()
        key = made_from(detectors, scene, task.threshold, task.options, task.captions)
        record = Record(task.output)
        about = _about(scene, task.label)
        primary, *secondaries = pair_of(about)
        dates = {"primary_date": primary, "secondary_dates": secondaries}
        identity = {**about, **dates, "scene": scene.name, "input": key["input"]}
        scene = dataclasses.replace(scene, name=record.claim(identity, task.batch))
        with record.scene_lock(scene.name):
            answer = _finished(task.output, scene.name, key)
            judged = answer is None
            if answer is None:
                answer = _predict(detectors, scene, task, key, about)
            new = record.add({**answer, **about}, state)
        hidden = ("files", "made_from")
        summary = {name: value for name, value in answer.items() if name not in hidden}
        return Outcome(summary, judged, new)
    except (HephaestusError, OSError) as error:  # OSError: a name or a disk that is too full
        return Outcome(None, error=_in_a_line(error))
    except Exception as error:  # a defect of ours or of a library costs one scene, not a night
        reason = f"unexpected {type(error).__name__}: {_in_a_line(error)}"
        return Outcome(None, error=f"{reason}; please report it with the input")


def _in_a_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def made_from(
    detectors: Sequence[Detector | PublishedModel],
    scene: Scene | None,
    threshold: float | None,
    options: ReadOptions | None = None,
    captions: PublishedModel | SceneCaptioner | None = None,
) -> dict[str, Any]:
    """All that an answer depends on; without a scene, all but its pixels."""
    first, *others = detectors
    pixels = {} if scene is None else {"input": scene.fingerprint()}
    insisted = {} if options is None else options.insisted()
    wrote = {} if captions is None else {"captions": captions.weights}
    return (
        pixels
        | wrote
        | ({"reading": insisted} if insisted else {})
        | {
            "weights": first.weights,
            "facts": first.facts.to_dict(),
            "threshold": threshold,
            "second": [{"weights": item.weights, "facts": item.facts.to_dict()} for item in others],
        }
    )


def _predict(
    detectors: Sequence[Detector],
    scene: Scene,
    task: Task,
    key: Mapping[str, Any],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    with tqdm(
        desc=scene.name, unit="window", leave=False, disable=None if task.progress else True
    ) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        prediction, *others = (
            detector.predict(scene, task.threshold if number == 0 else None, report)
            for number, detector in enumerate(detectors)
        )
    prediction = dataclasses.replace(prediction, second=others[0] if others else None)
    if task.captions is not None:
        writer = loaded_captioner(task.captions, task.device)
        prediction = dataclasses.replace(prediction, caption=writer.describe(prediction))
    paths = save_prediction(prediction, task.output, key, about=about)
    files = {kind: path.name for kind, path in paths.items()}
    return prediction.summary() | dict(about) | {"files": files, "made_from": dict(key)}


def _about(scene: Scene, source: str) -> dict[str, Any]:
    """Where a scene is from: source, product, frame; and its dates and place, as in a row."""
    bounds = bounds_degrees(scene)
    dates = {
        "primary_date": scene.primary_date and f"{scene.primary_date:%Y%m%d}",
        "secondary_dates": [f"{date:%Y%m%d}" for date in scene.secondary_dates],
    }
    return {
        "source": plain_source(source),
        "product": scene.product or product_of(source),
        "frame": frame_of_name(scene.name),
        "bounds": list(bounds) if bounds else None,
        **dates,
    }


def _finished(output: Path, name: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """An earlier run's answer, if it is the one wanted and its files are there."""
    try:
        answer = json.loads((output / f"{name}.json").read_text())
        complete = all((output / file).exists() for file in answer["files"].values())
        return answer if complete and answer["made_from"] == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _detectors(task: Task) -> list[Detector]:
    if task.threads is not None:
        import torch

        torch.set_num_threads(task.threads)
    return [loaded(item, task.device) for item in task.models]


_LOADED: dict[tuple[str, str, str, str | None], Any] = {}


def loaded(found: PublishedModel | Detector, device: str | None) -> Detector:
    """A detector that a process loads once, and again when its folder has other weights.

    Raises:
        HephaestusError: If it does not load, or there is no such device.
    """
    if not isinstance(found, PublishedModel):
        return found
    # Loads torch: what is wrong with the command is told before.
    from hub.inference.detector import Detector

    return _once(Detector, found, device)


def loaded_captioner(found: PublishedModel | SceneCaptioner, device: str | None) -> SceneCaptioner:
    """The same of a captioner.

    Raises:
        HephaestusError: If it does not load, or there is no such device.
    """
    if not isinstance(found, PublishedModel):
        return found
    from hub.inference.captioning import SceneCaptioner

    return _once(SceneCaptioner, found, device)


def _once(kind: Any, found: PublishedModel, device: str | None) -> Any:
    key = (kind.__name__, str(found.folder), found.weights, device)
    if key not in _LOADED:
        while len(_LOADED) >= MOST_LOADED:
            del _LOADED[next(iter(_LOADED))]
        _LOADED[key] = kind.from_published(found, device)
    return _LOADED[key]
