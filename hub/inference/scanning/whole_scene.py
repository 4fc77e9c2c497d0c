"""A whole scene, classified by the most probable of its windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hub.inference.resampling import world_origin
from hub.inference.scanning.window_model import WindowModel
from hub.inference.scanning.windows import (
    Corner,
    Watch,
    coarse_corners,
    in_batches,
    product_corners,
)
from hub.scenes.scene import Scene

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
        evidence: Of each pixel, the largest mean over a square kilometre that it lies in, float32
            [H, W]; None for a classification.
        by_date: Probability of each pixel at each date, float16 [T, H, W]; None unless it was asked
            for and the model judged each of several dates alone.
    """

    probability: float
    classes: Mapping[str, float]
    row: float
    column: float
    pixels: np.ndarray | None = None
    evidence: np.ndarray | None = None
    by_date: np.ndarray | None = None


FirstLook = Callable[[SceneAnswer], None]
"""Given the answer of the fewest windows that cover the scene, before the others are asked."""


def classify_scene(
    model: WindowModel,
    scene: Scene,
    steps: Sequence[Sequence[int]],
    watch: Watch,
    first_look: FirstLook | None = None,
) -> SceneAnswer:
    """Classify every window with enough data; the most probable one counts.

    Args:
        model: A classification model.
        scene: On the training's pixels.
        steps: The steps of each run of the model, T each.
        watch: Told of the windows that are done.
        first_look: See `FirstLook`.

    Returns:
        The answer.

    Raises:
        Cancelled: If `watch` says so.
    """
    side = model.facts.image_size
    origin = world_origin(scene, model.facts.pixel_size)
    corners = product_corners(scene.height, scene.width, side, origin)
    shares = {corner: model.data_share(scene, corner) for corner in corners}
    enough = min(MIN_DATA, max(shares.values()))
    wanted = [corner for corner in corners if shares[corner] >= enough]
    network = model.networks.evaluated if len(corners) == 1 else model.networks.folded
    at_once = model.batch_size(network)
    best: SceneAnswer | None = None
    done = 0

    def ask(chosen: Sequence[Corner]) -> None:
        nonlocal best, done
        for step in steps:
            look = model.asking(scene, step, chosen, network)
            follow = watch.of(done, len(wanted) * len(steps))
            for batch, (found, classes) in in_batches(look, chosen, at_once, follow):
                assert classes is not None  # an image's are always told
                top = int(found[:, 0].argmax())
                if best is None or found[top, 0] > best.probability:
                    named = dict(zip(model.facts.classes, map(float, classes[top]), strict=True))
                    best = SceneAnswer(
                        float(found[top, 0]),
                        named,
                        min(max(batch[top][0] + side / 2, 0), scene.height) - 0.5,
                        min(max(batch[top][1] + side / 2, 0), scene.width) - 0.5,
                    )
            done += len(chosen)

    coarse = set(coarse_corners(corners, side)) if first_look else set()
    first = [corner for corner in wanted if corner in coarse]
    if first_look is not None and first:
        ask(first)
        assert best is not None
        first_look(best)
    ask([corner for corner in wanted if corner not in coarse])
    assert best is not None
    return best
