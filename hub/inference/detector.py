"""A published model, used on new scenes.

detector = Detector.from_pretrained("NS/NAME")            # or a packaged model's folder
prediction = detector.predict(load_scene("20170101_20170113.geo.diff_pha.tif"))
print(prediction.summary())
save_prediction(prediction, "out")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from torch import nn

from dataset_script.errors import ConfigError
from hub.inference.prediction import Prediction
from hub.inference.resampling import (
    on_training_pixels,
    to_input_pixels,
    to_training_pixels,
    world_origin,
)
from hub.inference.window_model import WindowModel
from hub.inference.windows import Corner, Progress, blend, in_batches, product_corners
from hub.repos.loading import load_published
from hub.scenes.checks import MAX_PIXELS
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene
from training.facts import ModelFacts

SUPPORT = 9
"""Side in training pixels, about a kilometre, over which a probability must hold to count."""

MIN_DATA = 0.25
"""Share of a classified window that must hold data, where the scene has such windows."""


CORRECTED = (
    "the model was trained on phases without the stratified troposphere; the phase was taken as it "
    "is, so give one that `dataset_script.stratification.remove_stratified` corrected"
)
"""What is said of every answer of such a model: a phase does not show whether it was corrected."""


class Detector:
    """A model with its facts.

    Args:
        backbone: The library's own module, weights in place.
        facts: The model's facts.
        name: What the model is called in results.
        revision: Its commit, or "local".
        weights: Digest of its weights.
        device: Where to run; a GPU if there is one.
    """

    def __init__(
        self,
        backbone: nn.Module,
        facts: ModelFacts,
        name: str,
        revision: str = "local",
        weights: str = "",
        device: str | None = None,
    ) -> None:
        self.facts = facts
        self.name = name
        self.revision = revision
        self.weights = weights
        self._windows = WindowModel(backbone, facts, device)
        self.device = self._windows.device

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, revision: str | None = None, device: str | None = None
    ) -> Detector:
        """Load a model of ours, in whichever library's format, from a folder or from the Hub.

        Args:
            name_or_path: Folder of a packaged model, or repository NS/NAME.
            revision: Branch, tag or commit of the repository.
            device: Where to run; a GPU if there is one.

        Returns:
            The detector.

        Raises:
            ConfigError: If this is not a model of this project, a revision of a folder is asked
                for, or there is no such device.
            HubError: If the repository cannot be had, or the weights do not load.
        """
        found = load_published(str(name_or_path), revision)
        name = str(name_or_path)
        return cls(found.backbone, found.facts, name, found.revision, found.weights, device)

    def predict(
        self,
        scene: Scene | str | Path | Sequence[str | Path] | Mapping[str, Any],
        threshold: float | None = None,
        progress: Progress | None = None,
    ) -> Prediction:
        """Answer for a whole scene of any size, on any grid.

        The scene is resampled to the training's pixels, judged by overlapping windows of the
        training's size, and the blended answer is brought back to the scene's own grid. A channel
        that the scene lacks takes its training mean, with a warning. A model of one date judges
        each date alone, and the largest probability counts; a model of T dates takes the last T
        of more, and repeats dates in order where there are fewer.

        Args:
            scene: What to judge: a scene, or what `load_scene` makes one of.
            threshold: Decision threshold, in place of the model's own.
            progress: Called with the number of windows done and their total.

        Returns:
            The prediction.

        Raises:
            ConfigError: If the threshold is no probability.
            SceneError: If the scene cannot be read, or brought to the training's pixels.
        """
        if not isinstance(scene, Scene):
            scene = load_scene(scene)
        if threshold is not None and not 0 <= threshold <= 1:
            raise ConfigError(f"threshold {threshold} is not between 0 and 1")
        said = [*scene.warnings]
        series, steps = _choose_steps(scene, self.facts.timeseries_length, said)
        worked = to_training_pixels(series, self.facts.pixel_size, MAX_PIXELS)
        if not on_training_pixels(scene, self.facts.pixel_size):
            said.append(
                f"resampled to the training's pixels of {self.facts.pixel_size:g} degrees and back"
            )
        if missing := [name for name in self.facts.channels if worked.channel(name) is None]:
            said.append(f"not in the input, so taken as the training mean: {_listed(missing)}")
        if self.facts.correct_stratified:
            said.append(CORRECTED)
        judge = self._segment if self.facts.objective == "segmentation" else self._classify
        found, classes, pixel, planes = judge(worked, steps, progress)
        probability = None
        if planes is not None:
            probability = to_input_pixels(planes, worked, series)[0]
            probability[scene.nodata] = np.nan
        return Prediction(
            scene=scene,
            facts=self.facts,
            model=self.name,
            revision=self.revision,
            weights=self.weights,
            probability=probability,
            image_probability=found,
            class_probabilities=classes,
            threshold=self.facts.threshold if threshold is None else threshold,
            place=worked.place(pixel[1] + 0.5, pixel[0] + 0.5),
            warnings=tuple(said),
        )

    def logits(self, planes: np.ndarray, channels: Sequence[str]) -> np.ndarray:
        """Ask the model about planes that the caller has put together.

        Args:
            planes: float32 `[B, T, C, H, W]`, in the channels' units.
            channels: Names of the C channels, in the order of the planes.

        Returns:
            float32 `[B, K]` or `[B, K, H, W]`, divided by the calibration's temperature.

        Raises:
            ConfigError: If the channels or their order are not the model's own, naming those that
                are missing, surplus or misplaced; or if the number of steps is another.
        """
        return self._windows.logits(planes, channels)

    def _segment(
        self, scene: Scene, steps: Sequence[Sequence[int]], progress: Progress | None
    ) -> tuple[float, dict[str, float], tuple[float, float], np.ndarray | None]:
        classes = self.facts.classes
        several = len(classes) > 2
        planes: np.ndarray | None = None
        for number, chosen in enumerate(steps):
            blended = blend(
                partial(self._planes, scene, chosen),
                scene.height,
                scene.width,
                self.facts.image_size,
                planes=1 + several * len(classes),
                origin=world_origin(scene, self.facts.pixel_size),
                wanted=lambda corner: self._windows.data_share(scene, corner) > 0,
                batch_size=self._windows.batch_size,
                progress=_part_of(progress, number, len(steps)),
            )
            planes = blended if planes is None else np.maximum(planes, blended, out=planes)
        assert planes is not None
        valid = ~scene.nodata
        planes[:, scene.nodata] = np.nan
        (row, col), found = _most_probable(planes[0], valid)
        if several:
            reach = SUPPORT // 2
            rows, cols = (slice(max(0, at - reach), at + reach + 1) for at in (row, col))
            near = planes[1:, rows, cols]
            shares = {name: float(np.nanmean(near[at])) for at, name in enumerate(classes)}
        else:
            shares = {classes[0]: 1 - found, classes[1]: found}
        return found, shares, (row, col), planes[:1]

    def _classify(
        self, scene: Scene, steps: Sequence[Sequence[int]], progress: Progress | None
    ) -> tuple[float, dict[str, float], tuple[float, float], np.ndarray | None]:
        window = self.facts.image_size
        origin = world_origin(scene, self.facts.pixel_size)
        corners = product_corners(scene.height, scene.width, window, origin)
        shares = {corner: self._windows.data_share(scene, corner) for corner in corners}
        enough = min(MIN_DATA, max(shares.values()))
        corners = [corner for corner in corners if shares[corner] >= enough]
        best = -1.0
        for number, chosen in enumerate(steps):
            batches = in_batches(
                partial(self._windows.probabilities, scene, chosen),
                corners,
                self._windows.batch_size,
                _part_of(progress, number, len(steps)),
            )
            for batch, (found, classes) in batches:
                top = int(found[:, 0].argmax())
                if found[top, 0] > best:
                    best, winner, answer = float(found[top, 0]), batch[top], classes[top]
        middle = (
            min(max(winner[0] + window / 2, 0), scene.height) - 0.5,
            min(max(winner[1] + window / 2, 0), scene.width) - 0.5,
        )
        return best, dict(zip(self.facts.classes, map(float, answer), strict=True)), middle, None

    def _planes(self, scene: Scene, steps: Sequence[int], corners: Sequence[Corner]) -> np.ndarray:
        """Probability of deformation and, if there are several types, of each class."""
        found, classes = self._windows.probabilities(scene, steps, corners)
        return np.concatenate([found, classes], axis=1) if len(self.facts.classes) > 2 else found


def _choose_steps(scene: Scene, length: int, said: list[str]) -> tuple[Scene, list[list[int]]]:
    """Which steps of a scene a model of `length` dates sees, in how many runs."""
    count = scene.steps
    if length == 1:
        if count > 1:
            said.append(
                f"the model judges one date at a time: the largest of {count} answers counts"
            )
        return scene, [[step] for step in range(count)]
    if count > length:
        said.append(f"of {count} dates the model takes {length}: the last ones were used")
        return scene.last(length), [list(range(length))]
    if count < length:
        said.append(
            f"the model takes {length} dates and the input has {count}: dates were repeated"
        )
    return scene, [[step * count // length for step in range(length)]]


def _most_probable(probability: np.ndarray, valid: np.ndarray) -> tuple[tuple[int, int], float]:
    """Where the mean probability over `SUPPORT` x `SUPPORT` pixels with data is largest."""
    share = ndimage.uniform_filter(valid.astype(np.float32), SUPPORT, mode="constant")
    total = ndimage.uniform_filter(
        np.where(valid, probability, np.float32(0)), SUPPORT, mode="constant"
    )
    # Half a box of data at least: a lone pixel at the swath's edge is no square kilometre.
    enough = min(0.5, float(share.max()) - 1e-3)
    mean = np.where(valid & (share >= enough), total / np.maximum(share, 1e-6), -1)
    row, col = np.unravel_index(int(mean.argmax()), mean.shape)
    return (int(row), int(col)), float(np.clip(mean[row, col], 0, 1))


def _listed(missing: Sequence[str]) -> str:
    """Channel names, an ERA5 field that misses both of its dates said once."""
    said = []
    for name in missing:
        field = name.removeprefix("primary_date_").removeprefix("secondary_date_")
        both = {f"primary_date_{field}", f"secondary_date_{field}"} <= set(missing)
        said.append(f"{field} (both dates)" if both else name)
    return ", ".join(dict.fromkeys(said))


def _part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    if progress is None or parts == 1:
        return progress
    report: Callable[[int, int], None] = progress
    return lambda done, total: report(number * total + done, parts * total)
