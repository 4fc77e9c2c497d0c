"""Windows of a scene as the network sees them, each pixel worked out once for all that hold it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dataset_script.channels import BY_NAME
from hub.inference.scanning.windows import Corner, cut
from hub.scenes.scene import Scene
from training.facts import ModelFacts
from training.inputs.preprocessing import Preprocessor


class Strip:
    """Rows of a scene, as many as a window is high, which go down as windows are asked for.

    Windows overlap by half, so that a pixel lies in four of them. One strip serves one caller, who
    asks from the top down; it goes back up as well, but works everything out again.

    Args:
        scene: On the training's pixels. What lies beyond it is as beyond the swath.
        steps: Which of its steps the model sees, T of them.
        corners: Of all windows that will be asked for.
        facts: The model's facts.
        preprocessor: The model's own, on its device.
        dtype: Of the windows. In bfloat16 they are laid out channels last, as the network that
            takes them has its memory.
    """

    def __init__(
        self,
        scene: Scene,
        steps: Sequence[int],
        corners: Sequence[Corner],
        facts: ModelFacts,
        preprocessor: Preprocessor,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._scene = scene
        self._steps = list(steps)
        self._facts = facts
        self._preprocessor = preprocessor
        self._dtype = dtype
        columns = [column for _, column in corners] or [0]
        self._left = min(columns)
        self._width = max(columns) + facts.image_size - self._left
        self._top: int | None = None
        self._rows = self._room(facts.image_size, self._width)

    @torch.inference_mode()
    def windows(self, corners: Sequence[Corner]) -> torch.Tensor:
        """Some of the windows, `[B, T, C, H, W]`, with a circular phase's sine after the channels.

        Args:
            corners: Of B windows, which lie between the columns of those that were announced.
        """
        side = self._facts.image_size
        images = self._room(side, side, len(corners))
        for image, (row, column) in zip(images, corners, strict=True):
            self._go_to(row)
            image.copy_(self._rows[..., column - self._left : column - self._left + side])
        return images

    def _go_to(self, row: int) -> None:
        if row == self._top:
            return
        side, kept = self._facts.image_size, 0
        if self._top is not None and self._top < row < self._top + side:
            kept = self._top + side - row
            # A copy, as torch does not promise to move within one memory.
            self._rows[..., :kept, :] = self._rows[..., side - kept :, :].clone()
        self._top = row
        # So many rows at once as have a window's pixels: more leave a processor's caches.
        cached = self._rows.device.type == "cpu"
        at_once = max(1, side * side // self._width) if cached else side
        for start in range(kept, side, at_once):
            stop = min(start + at_once, side)
            self._rows[..., start:stop, :] = self._worked_out(row + start, stop - start)

    def _worked_out(self, row: int, height: int) -> torch.Tensor:
        """Rows as the network sees them, float32 `[T, C, height, W]`."""
        channels, size = self._facts.channels, (height, self._width)
        stack = np.empty((1, len(self._steps), len(channels), *size), np.float32)
        for place, name in enumerate(channels):
            channel, raster = BY_NAME[name], self._scene.channel(name)
            if raster is None:
                stack[:, :, place] = np.nan
                continue
            # Beyond the scene phase and coherence are 0, the rest is unknown.
            fill = 0 if channel.zero_without_data else np.nan
            values = cut(raster, (row, self._left), size, fill)
            stack[0, :, place] = values[self._steps] if channel.per_step else values
        device = self._preprocessor.mean.device
        return self._preprocessor.normalise(torch.from_numpy(stack).to(device))[0]

    def _room(self, height: int, width: int, *batch: int) -> torch.Tensor:
        """Memory for `[..., T, C, height, width]`."""
        planes = len(self._steps), self._facts.planes_per_step
        device = self._preprocessor.mean.device
        if self._dtype == torch.float32:
            return torch.empty((*batch, *planes, height, width), device=device)
        shape = (*batch, height, width, *planes)
        return torch.empty(shape, dtype=self._dtype, device=device).movedim((-2, -1), (-4, -3))
