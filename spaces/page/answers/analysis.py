"""One analysis: a scene and what the segmentation model and the classifier say of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hub.inference.prediction import Prediction
from hub.scenes.scene import Scene
from page.answers.captions import described
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
            *(p.probability for p in self.predictions if p.probability is not None),
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


def _windows(progress: Progress, start: float, share: float, what: str) -> Callable:
    def tell(done: int, total: int) -> None:
        progress(start + share * done / total, f"{what}: window {done} of {total}")

    return tell


def analyse(
    scene: Scene,
    models: LoadedModels,
    references: tuple[str, str],
    threshold: float | None,
    progress: Progress,
    running: threading.Semaphore,
    known: Known = NOTHING,
) -> Answer:
    """Ask both models.

    Args:
        scene: The scene.
        models: The models kept loaded.
        references: Segmentation model and classifier, `NO_MODEL` or "" for neither.
        threshold: For the mask; None for the model's own.
        progress: Told how far it is, at least every half second of waiting and after each batch of
            windows; what it raises ends the analysis.
        running: Bounds how many analyses compute at once.
        known: What is known of the scene.

    Returns:
        The answer.

    Raises:
        PageError: If no model was chosen, or one is of the other kind.
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
        progress(done, f"Loading the {kind} model")
        facts = models.get(reference).facts
        if facts.objective != kind:
            raise PageError(f"{reference} is a {facts.objective} model, but was chosen for {kind}.")
        arguments = [models, reference, scene]
        if _predict is predict:  # no callback reaches another process
            arguments.append(_windows(progress, done, 1 / count, f"Running the {kind} model"))
        while not running.acquire(timeout=0.5):
            progress(done, "Waiting for another visitor’s analysis")
        try:
            found.append(_predict(*arguments))
        finally:
            running.release()
    progress(1.0, "Drawing")
    # From another process each comes with a scene of its own.
    first, *others = (replace(item, scene=scene) for item in found)
    first = described(replace(first, second=others[0] if others else None), models.captions)
    answer = Answer(first, known)
    return answer if threshold is None else answer.at(threshold)
