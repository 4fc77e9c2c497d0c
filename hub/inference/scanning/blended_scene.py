"""A whole scene, segmented: its windows' probabilities blended, and the peak of them settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import nn

from hub.inference.resampling import world_origin
from hub.inference.scanning.mosaic import Mosaic
from hub.inference.scanning.networks import TOLERANCE, is_half
from hub.inference.scanning.whole_scene import FirstLook, SceneAnswer
from hub.inference.scanning.window_model import WindowModel
from hub.inference.scanning.windows import (
    Corner,
    Part,
    Watch,
    coarse_corners,
    in_batches,
    product_corners,
)
from hub.scenes.scene import Scene
from training.evaluation.scenes import SUPPORT, Support

Peak = tuple[int, int, float]
"""Row, column and probability of `Support.peak`."""

_REACH = SUPPORT // 2
_MARGIN = 16
"""Pixels around the peak's square kilometre that are settled with it: it may move a little."""

_EVERYWHERE = (slice(None), slice(None))

_PEAKS = 3
"""Peaks that are settled at most: another may come out on top once the first is known better."""


def segment_scene(
    model: WindowModel,
    scene: Scene,
    steps: Sequence[Sequence[int]],
    watch: Watch,
    first_look: FirstLook | None = None,
    each_date: bool = False,
) -> SceneAnswer:
    """Blend the windows' probabilities; the largest mean over a square kilometre counts.

    Where windows are asked in half precision, that square kilometre is asked again in full. If
    half precision was off by more than `TOLERANCE` there, the whole scene is asked again.

    Args:
        model: A segmentation model.
        scene: On the training's pixels.
        steps: The steps of each run of the model, T each; a pixel keeps its largest answer.
        watch: Told of the windows that are done.
        first_look: See `FirstLook`.
        each_date: Whether to keep each run's probabilities, where there are several.

    Returns:
        The answer.

    Raises:
        Cancelled: If `watch` says so.
    """
    frame = _Frame(model, scene, steps, watch, each_date)
    network = model.networks.choose(len(frame.wanted) * len(steps), model.facts.image_size)
    planes = frame.blend(network, first_look)
    support = frame.support(planes)
    # Not "greater than": a network that is none in half precision is off by NaN.
    if is_half(network) and not frame.settle(planes, support) <= TOLERANCE:
        planes = frame.blend(model.networks.folded)
        support = frame.support(planes)
    return frame.answer(planes, support)


class _Frame:
    """A scene with the windows of it that hold data."""

    def __init__(
        self,
        model: WindowModel,
        scene: Scene,
        steps: Sequence[Sequence[int]],
        watch: Watch,
        each_date: bool,
    ) -> None:
        self.model = model
        self.scene = scene
        self.steps = steps
        self.watch = watch
        self.side = model.facts.image_size
        self.shape = scene.height, scene.width
        origin = world_origin(scene, model.facts.pixel_size)
        self.corners = product_corners(*self.shape, self.side, origin)
        self.wanted = [corner for corner in self.corners if model.data_share(scene, corner) > 0]
        # Beside the probability, that of each class where there are more than two.
        self.several = len(model.facts.classes) > 2
        self.by_date: np.ndarray | None = None
        if each_date and len(steps) > 1:
            self.by_date = np.zeros((len(steps), *self.shape), np.float16)

    def blend(self, network: nn.Module, first_look: FirstLook | None = None) -> np.ndarray:
        """Ask every window at every step.

        Returns:
            float32 [planes, H, W], NaN where there is no data.
        """
        total = len(self.wanted) * len(self.steps)
        coarse = coarse_corners(self.corners, self.side) if first_look else []
        first = [corner for corner in self.wanted if corner in set(coarse)]
        rest = [corner for corner in self.wanted if corner not in set(first)]
        begun: list[Mosaic] = []  # of all dates at once for a first look alone: they take memory
        if first_look is not None:
            for number, step in enumerate(self.steps):
                follow = self.watch.of(number * len(first), total)
                begun.append(self._asked(network, step, first, follow))
            planes = self._largest(mosaic.so_far(coarse) for mosaic in begun)
            first_look(self.answer(planes, self.support(planes)))
        done = len(begun) * len(first)
        return self._largest(
            self._asked(
                network,
                step,
                rest,
                self.watch.of(done + number * len(rest), total),
                begun[number] if begun else None,
            ).blended()
            for number, step in enumerate(self.steps)
        )

    def support(self, planes: np.ndarray) -> Support:
        """What the probability is over each square kilometre; a pass over memory."""
        return Support(planes[0], ~self.scene.nodata)

    def settle(self, planes: np.ndarray, support: Support) -> float:
        """Put the answer of full precision where the scene's probability is found.

        Args:
            planes: Of `blend` in half precision; changed in place.
            support: Of the same; changed with them.

        Returns:
            The most that a pixel's probability was off there, NaN if it was none at all.
        """
        settled = np.zeros(self.shape, bool)
        off = [0.0]
        for _ in range(_PEAKS):
            peak = support.peak()
            if settled[_around(peak, _REACH)].all():
                break
            box = _around(peak, _REACH + _MARGIN)
            known = ~self.scene.nodata[box]
            exact = self._in_full(box)
            off.append(float(np.abs(exact[0] - planes[0][box])[known].max()))
            planes[:, box[0], box[1]] = exact
            support.update(box)
            settled[box] = True
        return float(np.max(off))

    def answer(self, planes: np.ndarray, support: Support) -> SceneAnswer:
        """What planes of `blend` say of the scene."""
        classes = self.model.facts.classes
        row, column, found = peak = support.peak()
        if self.several:
            rows, columns = _around(peak, _REACH)
            near = planes[1:, rows, columns]
            shares = {name: float(np.nanmean(near[at])) for at, name in enumerate(classes)}
        else:
            shares = {classes[0]: 1 - found, classes[1]: found}
        if self.by_date is not None:
            self.by_date[:, self.scene.nodata] = np.nan
        return SceneAnswer(found, shares, row, column, planes[0], support.evidence(), self.by_date)

    def _in_full(self, box: Part) -> np.ndarray:
        """A part of the scene in full precision, from the windows that lie over it."""
        over = [
            (row, column)
            for row, column in self.wanted
            if row < box[0].stop and row + self.side > box[0].start
            if column < box[1].stop and column + self.side > box[1].start
        ]
        silent = Watch(cancel=self.watch.cancel)
        parts = (
            self._asked(self.model.networks.folded, step, over, silent, self._mosaic(box)).blended()
            for step in self.steps
        )
        return self._largest(parts, box)

    def _asked(
        self,
        network: nn.Module,
        step: Sequence[int],
        chosen: Sequence[Corner],
        watch: Watch,
        mosaic: Mosaic | None = None,
    ) -> Mosaic:
        """A mosaic with the chosen windows put in, or put into the one that is given."""
        mosaic = mosaic or self._mosaic()
        ask = self.model.asking(self.scene, step, chosen, network)
        at_once = self.model.batch_size(network)
        for batch, (found, each) in in_batches(ask, chosen, at_once, watch):
            values = found if each is None else np.concatenate([found, each], axis=1)
            for corner, value in zip(batch, values, strict=True):
                mosaic.add(corner, value)
        return mosaic

    def _mosaic(self, part: Part = _EVERYWHERE) -> Mosaic:
        planes = 1 + self.several * len(self.model.facts.classes)
        return Mosaic(self.corners, self.shape, self.side, planes, part)

    def _largest(self, blended: Iterable[np.ndarray], part: Part = _EVERYWHERE) -> np.ndarray:
        """Of each pixel of a part the largest over the runs."""
        planes: np.ndarray | None = None
        for number, found in enumerate(blended):
            if self.by_date is not None:
                self.by_date[number][part] = found[0]
            planes = found if planes is None else np.maximum(planes, found, out=planes)
        assert planes is not None
        planes[:, self.scene.nodata[part]] = np.nan
        return planes


def _around(peak: Peak, reach: int) -> Part:
    """The square of pixels around one; beyond the last row or column a slice ends by itself."""
    rows, columns = (slice(max(0, at - reach), at + reach + 1) for at in peak[:2])
    return rows, columns
