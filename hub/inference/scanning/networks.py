"""One network in the forms that it is run in: as it was evaluated, and faster ones of one answer.

On a CPU, convolutions with their normalisation folded in, on channels-last memory, take two thirds
of the time and give the same probabilities to 1e-5. In bfloat16, where the processor multiplies
it, they take a third, and probabilities are within `TOLERANCE`.
"""

from __future__ import annotations

import copy
from functools import cached_property

import torch
from torch import Tensor, nn

from training.models.model import Model

TOLERANCE = 0.02
"""Most that a pixel's probability may differ in half precision. On real crops it is 0.009."""

MANY_PIXELS = 64 * 192 * 192
"""Input pixels from which on half precision is worth it: what decides is asked again in full."""

_CONVOLUTIONAL = ("timm", "smp")
"""Libraries whose networks are changed; attention gains nothing from it and is left alone."""


class Networks:
    """The forms of one model.

    Args:
        model: In evaluation mode, on its device.
        device: Where that is; on a GPU nothing is changed.
        full_precision: Never to use half precision.

    Attributes:
        evaluated: The model itself, as an evaluation runs it.
    """

    def __init__(self, model: Model, device: torch.device, full_precision: bool = False) -> None:
        self.evaluated = model
        ours = next(model.parameters(), None) is not None  # ONNX Runtime's network has no tensors
        self._changes = device.type == "cpu" and model.library in _CONVOLUTIONAL and ours
        self._halves = self._changes and not full_precision and has_half_precision()

    @cached_property
    def folded(self) -> nn.Module:
        """In full precision, with the same answers but for rounding."""
        model = self.evaluated
        if not self._changes:
            return model
        backbone = _fold(model.backbone)
        if all(weight.ndim <= 4 for weight in backbone.parameters()):  # the order is one of images
            backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Model(backbone, model.library, model.objective).eval()

    @cached_property
    def half(self) -> nn.Module | None:
        """In bfloat16; None where that is not faster, or not wanted."""
        return _Half(copy.deepcopy(self.folded)).eval() if self._halves else None

    def choose(self, windows: int, side: int) -> nn.Module:
        """The form for so many windows of a side in pixels; a window alone is as evaluated."""
        if windows <= 1:
            return self.evaluated
        if windows * side**2 <= MANY_PIXELS:
            return self.folded
        return self.half or self.folded


def is_half(network: nn.Module) -> bool:
    """Whether this is the form in half precision."""
    return isinstance(network, _Half)


class _Half(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.bfloat16()

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images.bfloat16())


def has_half_precision() -> bool:
    """Whether this processor multiplies bfloat16, which is slow where it is made up for."""
    # Older releases of torch do not tell; there full precision it is.
    asked = (
        getattr(torch.cpu, name, lambda: False)
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(supported() for supported in asked)


def _fold(backbone: nn.Module) -> nn.Module:
    """A copy with each normalisation folded into the convolution before it, where it can be read.

    Folding needs the network's graph. One whose forward is ordinary Python cannot be traced, and
    says so by whatever exception its code stumbles into; it is run as it is.
    """
    try:
        from torch.fx.experimental.optimization import fuse

        return fuse(backbone)
    except Exception:
        return copy.deepcopy(backbone)
