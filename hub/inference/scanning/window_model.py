"""A model of ours asked about windows of a scene, in batches, on its device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from dataset_script.errors import ConfigError
from hub.inference.devices import refused, require_device
from hub.inference.scanning.networks import Networks, is_half
from hub.inference.scanning.strip import Strip
from hub.inference.scanning.windows import Corner, cut
from hub.scenes.scene import Scene
from training.data.tasks import Task
from training.evaluation.calibration import image_margins, to_probability
from training.facts import ModelFacts
from training.inputs.preprocessing import Preprocessor
from training.models.model import Model, wrap_backbone


class WindowModel:
    """Weights, statistics and task of a model, for rasters of its own window's size.

    Args:
        backbone: The library's own module, weights in place, or a `Model` of one.
        facts: The model's facts.
        device: Where to run; a GPU if there is one.
        full_precision: Never to use half precision.

    Raises:
        ConfigError: If there is no such device.

    Attributes:
        facts: The model's facts.
        model: The backbone behind our common signature, in evaluation mode on the device.
        networks: The forms of it that windows are asked through.
        device: Where it runs.
    """

    def __init__(
        self,
        backbone: nn.Module,
        facts: ModelFacts,
        device: str | None = None,
        full_precision: bool = False,
    ) -> None:
        self.facts = facts
        self.device = usable_device(device)
        if not isinstance(backbone, Model):
            backbone = wrap_backbone(backbone, facts.library, facts.objective)
        self.model = backbone.to(self.device).eval()
        self.networks = Networks(self.model, self.device, full_precision)
        self._task = Task(facts.task, facts.objective, facts.mask_target, facts.timeseries_length)
        preprocessor = Preprocessor(
            facts.channels, facts.timeseries_length, facts.image_size, phase=facts.phase
        )
        # The statistics travel with the weights; the channel table may have moved on since.
        preprocessor.mean = torch.tensor(facts.mean).reshape(-1, 1, 1)
        preprocessor.std = torch.tensor(facts.std).reshape(-1, 1, 1)
        self._preprocessor = preprocessor.to(self.device)

    def batch_size(self, network: nn.Module) -> int:
        """Windows that are asked about at once through one of `networks`.

        On a CPU eight of 192 pixels, whose activations still fit its caches, or as many pixels; in
        half precision twice as many.
        """
        most = 16 if is_half(network) else 8
        if self.device.type == "cuda":
            return 16
        return min(most, max(2, most * 192**2 // self.facts.image_size**2))

    @torch.inference_mode()
    def logits(self, planes: np.ndarray, channels: Sequence[str]) -> np.ndarray:
        """See `Detector.logits`."""
        self.facts.require_channels(channels)
        if planes.ndim != 5 or planes.shape[1] != self.facts.timeseries_length:
            raise ConfigError(
                f"the planes are {list(planes.shape)}; the model takes [batch, "
                f"{self.facts.timeseries_length}, {len(channels)}, height, width]"
            )
        stack = torch.from_numpy(np.ascontiguousarray(planes, np.float32)).to(self.device)
        answer = self.model(self._preprocessor.normalise(stack)) / self.facts.temperature
        return answer.float().cpu().numpy()

    @torch.inference_mode()
    def probabilities(
        self, images: torch.Tensor, network: nn.Module | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Ask about windows of a scene.

        Args:
            images: The B windows, of a `strip`.
            network: Which of `networks`; the one that was evaluated if left out.

        Returns:
            Probability of deformation, float64 `[B, 1]` or float32 `[B, 1, H, W]`, and of each
            class, float32 `[B, K]` or `[B, K, H, W]`; None of the two classes of pixels, which
            would say the same again.
        """
        temperature = self.facts.temperature
        ask = self.model if network is None else network
        answers = self._task.split_answers(ask(images).float())
        if answers.ndim > 2:
            margins = self._task.margin(answers, temperature)
            found = (margins / temperature).sigmoid_().cpu().numpy()
        else:  # just as the evaluation has them: a rounded probability would decide otherwise
            exact = image_margins(answers.cpu().numpy(), self._task.multilabel, temperature)
            found = to_probability(exact, temperature)
        # Where each step has its own answer, a class holds if it holds at any step.
        shape = (len(images), -1)
        found = found.reshape(*shape, *found.shape[1:])
        if found.shape[1] > 1:
            found = found.max(1, keepdims=True)
        if answers.ndim > 2 and len(self.facts.classes) == 2:
            return found, None
        scaled = answers / temperature
        classes = scaled.sigmoid() if self._task.multilabel else scaled.softmax(1)
        classes = classes.reshape(*shape, *classes.shape[1:]).amax(1)
        return found, classes.cpu().numpy()

    def asking(
        self,
        scene: Scene,
        steps: Sequence[int],
        corners: Sequence[Corner],
        network: nn.Module | None = None,
    ) -> Callable[[Sequence[Corner]], tuple[np.ndarray, np.ndarray | None]]:
        """How to ask about windows of a scene, some at a time, best from the top down.

        Args:
            scene: On the training's pixels.
            steps: Which of its steps the model sees, T of them.
            corners: Of all windows that will be asked about.
            network: As for `probabilities`.

        Returns:
            `probabilities` of the windows whose corners it is given, for one caller.
        """
        strip = self.strip(scene, steps, corners, network)
        return lambda some: self.probabilities(strip.windows(some), network)

    def strip(
        self,
        scene: Scene,
        steps: Sequence[int],
        corners: Sequence[Corner],
        network: nn.Module | None = None,
    ) -> Strip:
        """Windows of a scene as the network takes them; see `asking`."""
        half = network is not None and is_half(network)
        dtype = torch.bfloat16 if half else torch.float32
        return Strip(scene, steps, corners, self.facts, self._preprocessor, dtype)

    def data_share(self, scene: Scene, corner: Corner) -> float:
        """Share of a window's pixels, 0..1, that hold data."""
        side = self.facts.image_size
        return 1 - float(cut(scene.nodata, corner, (side, side), True).mean())


def usable_device(device: str | None) -> torch.device:
    """The device of a name, or without one a GPU if there is one.

    Raises:
        ConfigError: If it cannot be used here.
    """
    require_device(device)
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise refused(name, str(error).splitlines()[0]) from None
