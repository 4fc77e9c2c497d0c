"""A whole scene, answered from the answers of its windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hub.inference.resampling import world_origin
from hub.inference.window_model import WindowModel
from hub.inference.windows import Corner, Progress, blend, in_batches, product_corners
from hub.scenes.scene import Scene
from training.evaluation.scenes import SUPPORT, scene_peak

MIN_DATA = 0.25
"""Share of a classified window that must hold data, where the scene has such windows."""


@dataclass(frozen=True)
class SceneAnswer:
    """What a model answers for a scene on the training's pixels.

    Attributes:
        probability: Probability that the scene shows deformation; see `Prediction`.
        classes: Probability of each class, by name.
        row: Row where that probability was found: the middle of a kilometre or of a window.
        column: Its column.
        pixels: Probability of each pixel, float32 [H, W], NaN where there is no data; None for a
            classification.
    """

    probability: float
    classes: Mapping[str, float]
    row: float
    column: float
    pixels: np.ndarray | None = None


def segment_scene(
    model: WindowModel, scene: Scene, steps: Sequence[Sequence[int]], progress: Progress | None
) -> SceneAnswer:
    """Blend the windows' probabilities; the largest mean over a square kilometre counts.

    Args:
        model: A segmentation model.
        scene: On the training's pixels.
        steps: The steps of each run of the model, T each; a pixel keeps its largest answer.
        progress: Told of the windows that are done.
    """
    classes = model.facts.classes
    several = len(classes) > 2

    def planes_of(chosen: Sequence[int], corners: Sequence[Corner]) -> np.ndarray:
        found, each = model.probabilities(scene, chosen, corners)
        return np.concatenate([found, each], axis=1) if several else found

    planes: np.ndarray | None = None
    for number, chosen in enumerate(steps):
        blended = blend(
            partial(planes_of, chosen),
            scene.height,
            scene.width,
            model.facts.image_size,
            planes=1 + several * len(classes),
            origin=world_origin(scene, model.facts.pixel_size),
            wanted=lambda corner: model.data_share(scene, corner) > 0,
            batch_size=model.batch_size,
            progress=_part_of(progress, number, len(steps)),
        )
        planes = blended if planes is None else np.maximum(planes, blended, out=planes)
    assert planes is not None
    planes[:, scene.nodata] = np.nan
    row, column, found = scene_peak(planes[0], ~scene.nodata)
    if several:
        reach = SUPPORT // 2
        rows, columns = (slice(max(0, at - reach), at + reach + 1) for at in (row, column))
        near = planes[1:, rows, columns]
        shares = {name: float(np.nanmean(near[at])) for at, name in enumerate(classes)}
    else:
        shares = {classes[0]: 1 - found, classes[1]: found}
    return SceneAnswer(found, shares, row, column, planes[0])


def classify_scene(
    model: WindowModel, scene: Scene, steps: Sequence[Sequence[int]], progress: Progress | None
) -> SceneAnswer:
    """Classify every window with enough data; the most probable one counts.

    Args:
        model: A classification model.
        scene: On the training's pixels.
        steps: The steps of each run of the model, T each.
        progress: Told of the windows that are done.
    """
    window = model.facts.image_size
    origin = world_origin(scene, model.facts.pixel_size)
    corners = product_corners(scene.height, scene.width, window, origin)
    shares = {corner: model.data_share(scene, corner) for corner in corners}
    enough = min(MIN_DATA, max(shares.values()))
    corners = [corner for corner in corners if shares[corner] >= enough]
    best = -1.0
    for number, chosen in enumerate(steps):
        batches = in_batches(
            partial(model.probabilities, scene, chosen),
            corners,
            model.batch_size,
            _part_of(progress, number, len(steps)),
        )
        for batch, (found, classes) in batches:
            top = int(found[:, 0].argmax())
            if found[top, 0] > best:
                best, winner, answer = float(found[top, 0]), batch[top], classes[top]
    row = min(max(winner[0] + window / 2, 0), scene.height) - 0.5
    column = min(max(winner[1] + window / 2, 0), scene.width) - 0.5
    named = dict(zip(model.facts.classes, map(float, answer), strict=True))
    return SceneAnswer(best, named, row, column)


def _part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    if progress is None or parts == 1:
        return progress
    return lambda done, total: progress(number * total + done, parts * total)
