"""A published model, used on new scenes.

detector = Detector.from_pretrained()                     # the model that comes with the project
detector = Detector.from_pretrained("NS/NAME")            # or a packaged model's folder
prediction = detector.predict(load_scene("20170101_20170113.geo.diff_pha.tif"))
print(prediction.summary())
save_prediction(prediction, "out")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset_script.errors import ConfigError
from hub.inference.prediction import Prediction, require_threshold
from hub.inference.resampling import (
    on_training_pixels,
    size_notes,
    to_input_pixels,
    to_training_pixels,
)
from hub.inference.scanning.blended_scene import segment_scene
from hub.inference.scanning.whole_scene import SceneAnswer, classify_scene
from hub.inference.scanning.window_model import WindowModel, usable_device
from hub.inference.scanning.windows import Progress, Watch
from hub.repos.loading import IN_THE_BOX, PublishedModel, find_published
from hub.scenes.checks import MAX_PIXELS
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene
from training.facts import ModelFacts

if TYPE_CHECKING:
    from torch import nn


CORRECTED = (
    "the model was trained on phases without the stratified troposphere; the phase was taken as it "
    "is, so give one that `dataset_script.rows.stratification.remove_stratified` corrected"
)
"""Every answer of such a model carries this: a phase does not show whether it was corrected."""

FIRST_LOOK = "a first look, of about every fourth window: the whole answer may differ"
"""Every answer of a coarse pass carries this."""


class Detector:
    """A model with its facts.

    Args:
        backbone: The library's own module, weights in place.
        facts: The model's facts.
        name: What the model is called in results.
        revision: Its commit, or "local".
        weights: Digest of its weights.
        device: Where to run; a GPU if there is one.
        full_precision: Ask every window in float32. Else large scenes are asked in bfloat16 on a
            CPU that multiplies it: a pixel's probability is then within 0.02, and the scene's own,
            which is asked again in float32, within 1e-4 where its place is the same.
    """

    def __init__(
        self,
        backbone: nn.Module,
        facts: ModelFacts,
        name: str,
        revision: str = "local",
        weights: str = "",
        device: str | None = None,
        full_precision: bool = False,
    ) -> None:
        self.facts = facts
        self.name = name
        self.revision = revision
        self.weights = weights
        self.full_precision = full_precision
        self._windows = WindowModel(backbone, facts, device, full_precision)
        self.device = self._windows.device

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = IN_THE_BOX,
        revision: str | None = None,
        device: str | None = None,
        full_precision: bool = False,
    ) -> Detector:
        """Load a model of ours, in whichever library's format, from a folder or from the Hub.

        Args:
            name_or_path: Folder of a packaged model, or repository NS/NAME; the model that comes
                with the project if left out.
            revision: Branch, tag or commit of the repository.
            device: Where to run; a GPU if there is one.
            full_precision: Ask every window in float32; see `Detector`.

        Returns:
            The detector.

        Raises:
            ConfigError: If this is not a model of this project, a revision of a folder is asked
                for, or there is no such device.
            HubError: If the repository cannot be had, or the weights do not load.
        """
        found = find_published(str(name_or_path), revision)
        return cls.from_published(found, device, full_precision)

    @classmethod
    def from_published(
        cls, found: PublishedModel, device: str | None = None, full_precision: bool = False
    ) -> Detector:
        """Load a model that was found; see `from_pretrained`."""
        if found.facts.objective == "caption":
            raise ConfigError(
                f"{found.name} writes captions, which are no verdict: open it with "
                "hub.inference.captioning.SceneCaptioner, beside a model that judges"
            )
        if found.facts.objective == "retrieval":
            raise ConfigError(
                f"{found.name} gives no verdict: ask it by hub.finding.finding.find, for a dataset"
            )
        usable_device(device)  # told before the seconds that a library takes to import
        return cls(
            found.load_backbone(),
            found.facts,
            found.label,
            found.revision,
            found.weights,
            device,
            full_precision,
        )

    def predict(
        self,
        scene: Scene | str | Path | Sequence[str | Path] | Mapping[str, Any],
        threshold: float | None = None,
        progress: Progress | None = None,
        *,
        first_look: Callable[[Prediction], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        each_date: bool = False,
    ) -> Prediction:
        """Answer for a whole scene of any size, on any grid.

        The scene is resampled to the training's pixels, the model answers for overlapping windows
        of the training's size, and the blended answer is brought back to the scene's own grid. A
        channel that the scene lacks takes its training mean, with a warning. A model of one date
        takes each date alone, and the largest probability counts; a model of T dates takes the
        last T of more, and repeats dates in order where there are fewer.

        Args:
            scene: A scene, or what `load_scene` makes one of.
            threshold: Of the scene and of its pixels, in place of the model's own: no answer is
                "unsure" then.
            progress: Called with the number of windows done and their total.
            first_look: Called once, after about a quarter of the time, with what the fewest
                windows that cover the scene say; its warnings begin with `FIRST_LOOK`. Nothing is
                asked twice for it. Of a model of one date and a scene of many, each date's answer
                stays in memory until all are done.
            cancel: Called before each batch of windows; where it returns True, `predict` ends.
            each_date: Whether to keep the probabilities of each date where a segmentation model
                judges each alone; they take memory.

        Returns:
            The prediction.

        Raises:
            Cancelled: If `cancel` said so.
            ConfigError: If the threshold is no probability.
            SceneError: If the scene cannot be read, or brought to the training's pixels.
        """
        if not isinstance(scene, Scene):
            scene = load_scene(scene)
        require_threshold(threshold)
        notes = [*scene.warnings]
        series, steps = _choose_steps(scene, self.facts.timeseries_length, notes)
        worked = to_training_pixels(series, self.facts.pixel_size, MAX_PIXELS)
        if not on_training_pixels(scene, self.facts.pixel_size):
            notes.append(
                f"resampled to the training's pixels of {self.facts.pixel_size:g} degrees and back"
            )
        notes += size_notes(series, worked, self.facts.image_size)
        if missing := [name for name in self.facts.channels if worked.channel(name) is None]:
            known = [name for name in missing if name in self.facts.optional]
            if known:
                notes.append(f"not in the input; the model does without: {_listed(known)}")
            if others := [name for name in missing if name not in known]:
                notes.append(f"not in the input, so taken as the training mean: {_listed(others)}")
        if self.facts.correct_stratified:
            notes.append(CORRECTED)
        segmentation = self.facts.objective == "segmentation"
        ask = partial(segment_scene, each_date=each_date) if segmentation else classify_scene

        def told(answer: SceneAnswer, *before: str) -> Prediction:
            probability = support = by_date = None
            if answer.pixels is not None and answer.evidence is not None:
                planes = np.stack([answer.pixels, answer.evidence])
                probability, support = to_input_pixels(planes, worked, series)
                probability[scene.nodata] = np.nan
            if answer.by_date is not None:
                exact = answer.by_date.astype(np.float32)
                by_date = to_input_pixels(exact, worked, series).astype(np.float16)
            return Prediction(
                scene=scene,
                facts=self.facts,
                model=self.name,
                revision=self.revision,
                weights=self.weights,
                probability=probability,
                image_probability=answer.probability,
                class_probabilities=answer.classes,
                threshold=self.facts.threshold if threshold is None else threshold,
                limits=self.facts.limits if threshold is None else (threshold, threshold),
                place=worked.place(answer.column + 0.5, answer.row + 0.5),
                evidence=support,
                by_date=by_date,
                warnings=(*before, *notes),
            )

        look = None if first_look is None else lambda found: first_look(told(found, FIRST_LOOK))
        return told(ask(self._windows, worked, steps, Watch(progress, cancel), look))

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


def _choose_steps(scene: Scene, length: int, notes: list[str]) -> tuple[Scene, list[list[int]]]:
    """Which steps of a scene a model of `length` dates sees, in how many runs."""
    count = scene.steps
    if length == 1:
        if count > 1:
            notes.append(
                f"the model takes one date at a time: the largest of {count} answers counts"
            )
        return scene, [[step] for step in range(count)]
    if count > length:
        notes.append(f"of {count} dates the model takes {length}: the last ones were used")
        return scene.last(length), [list(range(length))]
    if count < length:
        notes.append(
            f"the model takes {length} dates and the input has {count}: dates were repeated"
        )
    return scene, [[step * count // length for step in range(length)]]


def _listed(missing: Sequence[str]) -> str:
    """Channel names, with an ERA5 field that misses both of its dates named once."""
    listed = []
    for name in missing:
        field = name.removeprefix("primary_date_").removeprefix("secondary_date_")
        both = {f"primary_date_{field}", f"secondary_date_{field}"} <= set(missing)
        listed.append(f"{field} (both dates)" if both else name)
    return ", ".join(dict.fromkeys(listed))
