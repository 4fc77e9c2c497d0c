"""A published captioner, asked about the place that a verdict is of.

captioner = SceneCaptioner.from_pretrained("NS/NAME")     # or a packaged model's folder
prediction = dataclasses.replace(prediction, caption=captioner.describe(prediction))
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.inference.prediction import Caption, Prediction
from hub.inference.resampling import to_training_pixels
from hub.inference.scanning.window_model import WindowModel, usable_device
from hub.repos.loading import PublishedModel, find_captioner
from hub.scenes.checks import MAX_PIXELS
from hub.scenes.scene import Scene, apply
from training.facts import ModelFacts

if TYPE_CHECKING:
    from training.models.captioner.model import Captioner


class SceneCaptioner:
    """A captioner with its facts.

    Args:
        model: The model, weights in place.
        facts: Its facts.
        name: What it is called in results.
        weights: Digest of its weights.
        device: Where to run; a GPU if there is one.
    """

    def __init__(
        self,
        model: Captioner,
        facts: ModelFacts,
        name: str,
        weights: str = "",
        device: str | None = None,
    ) -> None:
        self.facts, self.name, self.weights = facts, name, weights
        self._model = model
        self._windows = WindowModel(model, facts, device, full_precision=True)

    @classmethod
    def from_pretrained(cls, name: str | Path, device: str | None = None) -> SceneCaptioner:
        """Load a captioner of ours from a folder or from the Hub.

        Raises:
            ConfigError: If this is no captioner of this project.
            HubError: If it cannot be had, or does not load.
        """
        return cls.from_published(find_captioner(str(name)), device)

    @classmethod
    def from_published(cls, found: PublishedModel, device: str | None = None) -> SceneCaptioner:
        """Load a captioner that was found; see `from_pretrained`."""
        usable_device(device)  # told before the seconds that a library takes to import
        backbone: Any = found.load_backbone()
        from training.models.captioner.model import Captioner

        captioner = Captioner(backbone, found.load_tokenizer())
        return cls(captioner, found.facts, found.label, found.weights, device)

    def describe(self, prediction: Prediction) -> Caption:
        """Write a sentence about the window around the place that a verdict is of.

        Of a captioner of one date it is about the last date of the scene; of T dates, about the
        last of the last T.

        Args:
            prediction: The answer of the model that judged.

        Raises:
            SceneError: If the scene cannot be brought to the training's pixels.
        """
        scene, facts = prediction.scene, self.facts
        length, side = facts.timeseries_length, facts.image_size
        series = scene.last(length) if scene.steps > length else scene
        worked = to_training_pixels(series, facts.pixel_size, MAX_PIXELS)
        steps = [step * series.steps // length for step in range(length)]
        x, y = prediction.place
        if worked.transform is not None:
            x, y = apply(~worked.transform, x, y)
        corner = _corner(y, worked.height, side), _corner(x, worked.width, side)
        image = self._windows.strip(worked, steps, [corner]).windows([corner])
        sentence = self._model.write(image)[0]
        return Caption(sentence, self.name, _bounds(worked, corner, side))


def _corner(place: float, length: int, side: int) -> int:
    """Where a window around a place begins, within the scene where it fits."""
    return int(min(max(round(place - side / 2), 0), max(length - side, 0)))


def _bounds(worked: Scene, corner: tuple[int, int], side: int) -> tuple[float, ...] | None:
    """West, south, east and north of the part of a scene that a window shows, in degrees."""
    if not worked.georeferenced:
        return None
    row, column = corner
    west, north = worked.place(column, row)
    east, south = worked.place(min(column + side, worked.width), min(row + side, worked.height))
    return west, south, east, north
