"""One analysis: a scene and what the segmentation model and the classifier say of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hub.inference.prediction import Prediction
from hub.inference.scanning.windows import Cancelled
from hub.scenes.scene import Scene
from page.answers.captions import described
from page.answers.jobs import Stopped
from page.answers.loaded_models import NO_MODEL, LoadedModels, predict
from page.errors import PageError
from page.gpu import on_gpu
from page.inputs.known import NOTHING, Known

Progress = Callable[[float, str], Any]
"""Told the share done, 0..1, and what is being done; a `gr.Progress` is one."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The models' answer for a scene.

    Attributes:
        prediction: Of the model that decides, with the second opinion if there is one. Page and
            files are made of it, so that they say the same.
        known: What is known of the scene beside its pixels.
    """

    prediction: Prediction
    known: Known = NOTHING

    @property
    def scene(self) -> Scene:
        """The scene."""
        return self.prediction.scene

    @property
    def segmentation(self) -> Prediction | None:
        """The segmentation model's prediction, or None where none was asked."""
        return self.prediction if self.prediction.facts.objective == "segmentation" else None

    @property
    def classification(self) -> Prediction | None:
        """The classifier's, or None."""
        return self.prediction.second if self.segmentation else self.prediction

    @property
    def probability(self) -> np.ndarray | None:
        """Probability of each pixel, float32 [H, W], or None without a segmentation model."""
        return None if self.segmentation is None else self.segmentation.probability

    @property
    def predictions(self) -> list[Prediction]:
        """The predictions that were made, segmentation first."""
        return [item for item in (self.segmentation, self.classification) if item is not None]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        rasters = [
            *scene_rasters(self.scene),
            *(
                raster
                for each in self.predictions
                for raster in (each.probability, each.evidence, each.by_date)
                if raster is not None
            ),
        ]
        return sum(raster.nbytes for raster in rasters)

    def at(self, threshold: float) -> Answer:
        """The same verdict with the mask drawn at another threshold; no model is asked again.

        Args:
            threshold: On the probability of a pixel, between 0 and 1.
        """
        if self.segmentation is None:
            return self
        return replace(self, prediction=self.prediction.with_threshold(threshold))

    def without_atmosphere(self) -> Answer:
        """The answer without atmospheric fields, which no picture and no file of it shows."""
        scene, second = replace(self.scene, atmosphere={}), self.prediction.second
        second = second and replace(second, scene=scene)
        return replace(self, prediction=replace(self.prediction, scene=scene, second=second))

    def summary(self) -> dict[str, Any]:
        """The numbers, as plain JSON types: those of the files, then each model's own."""
        each = {item.facts.objective: item.summary() for item in self.predictions}
        return self.prediction.summary() | each


def scene_rasters(scene: Scene) -> list[np.ndarray]:
    """All arrays that a scene holds."""
    optional = (scene.insar_coherence, scene.dem, scene.reference)
    rasters = [scene.insar_difference, scene.nodata, *scene.atmosphere.values()]
    return [*rasters, *(raster for raster in optional if raster is not None)]


_predict = on_gpu(predict)


@dataclass(frozen=True)
class Follow:
    """How somebody follows an analysis, and ends it.

    Attributes:
        progress: Told how far it is, at least every half second of waiting and after each batch
            of windows; what it raises ends the analysis.
        stopped: Asked before each batch of windows whether the answer is wanted no more.
        first_look: Given a coarse answer of a large scene, before most of its windows are asked.
    """

    progress: Progress
    stopped: Callable[[], bool] = bool
    first_look: Callable[[Answer], None] | None = None


LARGE = 1_000_000
"""Pixels from which on a scene takes so long that a first look is worth its memory."""


def analyse(
    scene: Scene,
    models: LoadedModels,
    references: tuple[str, str],
    threshold: float | None,
    follow: Follow,
    running: threading.Semaphore,
    known: Known = NOTHING,
) -> Answer:
    """Ask both models.

    Args:
        scene: The scene.
        models: The models kept loaded.
        references: Segmentation model and classifier, `NO_MODEL` or "" for neither.
        threshold: For the mask; None for the model's own.
        follow: How it is followed, and ended.
        running: Bounds how many analyses compute at once.
        known: What is known of the scene.

    Returns:
        The answer.

    Raises:
        PageError: If no model was chosen, or one is of the other kind.
        Stopped: If the answer is wanted no more.
        HephaestusError: If a model cannot be loaded or does not fit the scene.
    """
    chosen = [text if text and text != NO_MODEL else None for text in references]
    if not any(chosen):
        raise PageError("No model is chosen. Choose one under “Models”.")
    found: list[Prediction] = []
    count = sum(text is not None for text in chosen)
    for kind, reference in zip(("segmentation", "classification"), chosen, strict=True):
        if reference is None:
            continue
        done = len(found) / count
        follow.progress(done, f"Loading the {kind} model")
        facts = models.get(reference).facts
        if facts.objective != kind:
            raise PageError(f"{reference} is a {facts.objective} model, but was chosen for {kind}.")
        arguments: list[Any] = [models, reference, scene]
        if _predict is predict:  # no callback reaches another process
            arguments.append(_followed(follow, scene, known, done, 1 / count, kind))
        while not running.acquire(timeout=0.5):
            follow.progress(done, "Waiting for another visitor’s analysis")
        try:
            found.append(_predict(*arguments))
        except Cancelled:
            raise Stopped from None
        finally:
            running.release()
    follow.progress(1.0, "Drawing")
    # From another process each comes with a scene of its own.
    first, *others = (replace(item, scene=scene) for item in found)
    first = described(replace(first, second=others[0] if others else None), models.captions)
    answer = Answer(first, known)
    return answer if threshold is None else answer.at(threshold)


def _followed(
    follow: Follow, scene: Scene, known: Known, start: float, share: float, kind: str
) -> dict[str, Any]:
    """What `Detector.predict` tells and asks while it is at work."""

    def tell(done: int, total: int) -> None:
        what = f"Running the {kind} model: window {done} of {total}"
        follow.progress(start + share * done / total, what)

    options: dict[str, Any] = {"progress": tell, "cancel": follow.stopped}
    told = follow.first_look
    if told is not None and kind == "segmentation" and scene.height * scene.width >= LARGE:
        options["first_look"] = lambda prediction: told(Answer(prediction, known))
    return options
