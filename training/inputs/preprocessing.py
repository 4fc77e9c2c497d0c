"""From compact rows to the model's input: the one place that assembles and normalises.

Training, evaluation and prediction all come through here, so that channel order and statistics
cannot differ between them.

A circular phase is given as its cosine, in the phase's place, and its sine, after all channels,
both times the square root of two, which is unit variance for phases at random.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from dataset_script.channels import PHASE, places_of, select
from dataset_script.errors import ConfigError, DataError

_BLOCK = 64
"""Most rows of pixels in one product: in more, more nodes would weigh nothing."""


def upsample_nodes(nodes: Tensor, size: tuple[int, int], out: Tensor | None = None) -> Tensor:
    """Bilinear, corner-aligned: the outer nodes lie on the outer pixels' centres.

    As matrix products, blocks of rows with the few nodes beside them: on a CPU three times faster
    than `interpolate`, and twice as fast as products with all nodes.

    Args:
        nodes: `[..., n, m]` values on the node grid.
        size: Height and width wanted.
        out: Where to write them.

    Returns:
        `[..., H, W]`.
    """
    # Half precision, which autocast would choose for products, is too coarse for pressures.
    with torch.autocast(nodes.device.type, enabled=False):
        rows, beside = _row_blocks(nodes.shape[-2], size[0], nodes.device, nodes.dtype)
        columns = _weights(nodes.shape[-1], size[1], nodes.device, nodes.dtype)
        needed = (nodes @ columns.T)[..., beside, :]
        if out is None:
            return torch.matmul(rows, needed).flatten(-3, -2)
        torch.matmul(rows, needed, out=out.unflatten(-2, rows.shape[:2]))
        return out


@functools.lru_cache(maxsize=16)
def _row_blocks(
    nodes: int, pixels: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Weights `[blocks, rows, k]` of the pixels' rows, and of which nodes, `[blocks, k]`."""
    height = next((rows for rows in range(_BLOCK, 7, -1) if pixels % rows == 0), pixels)
    weights = _weights(nodes, pixels, device, dtype).unflatten(0, (-1, height))
    used = (weights > 0).any(1).int()
    first, last = used.argmax(1), nodes - 1 - used.flip(1).argmax(1)
    most = int((last - first).max()) + 1
    beside = first.clamp(max=nodes - most)[:, None] + torch.arange(most, device=device)
    return weights.gather(2, beside[:, None].expand(-1, height, -1)), beside


@functools.lru_cache(maxsize=16)
def _weights(nodes: int, pixels: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """`[pixels, nodes]` weights of linear interpolation."""
    end = float(nodes - 1)
    position = torch.linspace(0, end, pixels, device=device, dtype=dtype)
    node = torch.arange(nodes, device=device, dtype=dtype)
    return (1 - (position[:, None] - node[None]).abs()).clamp_min(0)


class Preprocessor(nn.Module):
    """Assembles `[B, T, C, H, W]` from compact rasters and normalises it.

    Args:
        channels: Channels of a step, in the model's order.
        timeseries_length: Steps T.
        image_size: Side that coarse fields are brought to; None takes it from the input itself.
        overwrite: Write each result over the last one, and `normalise` over its input: for loops
            that are done with a batch before they ask for the next. Fresh memory costs a CPU
            more than what is written into it.
        phase: "raw" or "circular", see above.

    Raises:
        ConfigError: If the phase is to be circular and is no channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: Sequence[str],
        timeseries_length: int,
        image_size: int | None = None,
        overwrite: bool = False,
        phase: str = "raw",
    ) -> None:
        super().__init__()
        self.channels = select(channels)
        self.timeseries_length = timeseries_length
        self.image_size = image_size
        self.overwrite = overwrite
        self.circular = phase == "circular"
        self._phases = places_of([channel.name for channel in self.channels], "phase")
        if self.circular and not self._phases:
            raise ConfigError(f"a circular phase needs the channel {PHASE}")
        self._memory: Tensor | None = None
        for name in ("mean", "std"):
            values = torch.tensor([getattr(channel, name) for channel in self.channels])
            self.register_buffer(name, values.reshape(-1, 1, 1), persistent=False)

    def assemble(self, rasters: Mapping[str, Tensor]) -> Tensor:
        """The physical values, nothing repeated in storage now repeated over time.

        Args:
            rasters: Compact tensors by channel name, any real dtype: `[B, T, H, W]` where the
                channel changes from step to step, `[B, H, W]` (or `[B, T, H, W]`) where it does
                not; smooth channels (the ERA5 fields) may lie on a coarser, corner-aligned node
                grid.

        Returns:
            float32 `[B, T, C, H, W]` in the channels' units.

        Raises:
            DataError: If a channel is missing or has the wrong number of steps or pixels.
        """
        return self._stack(rasters, normal=False)

    def normalise(self, stack: Tensor) -> Tensor:
        """Standardise by the archive's statistics; what is not finite becomes the mean, 0.

        Args:
            stack: `[B, T, C, H, W]` of `assemble`.

        Returns:
            float32 of the same shape; the input itself where `overwrite`. A circular phase makes
            one plane more (and a second one another), `[B, T, C + 1, H, W]`, which is always new
            memory.
        """
        if self.circular:
            return self._circular(stack)
        images = stack if self.overwrite else torch.empty_like(stack)
        for block in _blocks(stack, 2):
            torch.sub(stack[block], self.mean, out=images[block])
            _finish(images[block], self.std)
        return images

    def forward(self, rasters: Mapping[str, Tensor]) -> Tensor:
        """`assemble`, then `normalise`, in one go over the memory.

        Args:
            rasters: As for `assemble`.

        Returns:
            float32 `[B, T, C, H, W]`, standardised; a plane more for each circular phase.

        Raises:
            DataError: As `assemble` does.
        """
        if self.circular:
            return self._circular(self.assemble(rasters))
        return self._stack(rasters, normal=True)

    def _circular(self, stack: Tensor) -> Tensor:
        batch, steps, count, *size = stack.shape
        images = stack.new_empty((batch, steps, count + len(self._phases), *size))
        for block in _blocks(stack, 2):
            planes = images[block]
            torch.sub(stack[block], self.mean, out=planes[..., :count, :, :])
            _finish(planes[..., :count, :, :], self.std)
            for sine, place in enumerate(self._phases, count):
                phase = stack[block][..., place, :, :]
                for target, function in ((place, torch.cos), (sine, torch.sin)):
                    plane = planes[..., target, :, :]
                    function(phase, out=plane).mul_(math.sqrt(2)).nan_to_num_(nan=0.0)
        return images

    def _stack(self, rasters: Mapping[str, Tensor], normal: bool) -> Tensor:
        missing = [channel.name for channel in self.channels if channel.name not in rasters]
        if missing:
            raise DataError(f"the input lacks {', '.join(missing)}")
        size = self._size(rasters)
        first = rasters[self.channels[0].name]
        shape = (first.shape[0], self.timeseries_length, len(self.channels), *size)
        stack = self._room(shape, first.device)
        for place, channel in enumerate(self.channels):
            raster = rasters[channel.name]
            per_step = raster.ndim == 4
            if per_step and raster.shape[1] != self.timeseries_length:
                raise DataError(
                    f"{channel.name} has {raster.shape[1]} steps where the model takes "
                    f"{self.timeseries_length}"
                )
            if raster.shape[-2:] != size and channel.storage != "smooth":
                raise DataError(
                    f"{channel.name} has {raster.shape[-2]} x {raster.shape[-1]} pixels where the "
                    f"model takes {size[0]} x {size[1]}"
                )
            # What does not change from step to step is worked out once and repeated.
            planes = stack[:, :, place] if per_step else stack[:, 0, place]
            for block in _blocks(planes, planes.ndim - 2):
                self._write(planes[block], raster[block], place, normal)
            if not per_step:
                stack[:, 1:, place] = planes[:, None]
        return stack

    def _room(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Memory of a shape; what was handed out before, if it may be written over."""
        kept = self._memory
        fits = kept is not None and kept.device == device and kept.shape[1:] == shape[1:]
        if kept is None or not fits or len(kept) < shape[0]:
            # Validation may be the first to ask; training writes into the same memory afterwards,
            # which it may not where that was made for inference.
            with torch.inference_mode(False):
                kept = torch.empty(shape, dtype=torch.float32, device=device)
            if self.overwrite:
                self._memory = kept
        return kept[: shape[0]]

    def _write(self, target: Tensor, raster: Tensor, place: int, normal: bool) -> None:
        if raster.shape[-2:] == target.shape[-2:]:
            if normal:
                torch.sub(raster, self.mean[place], out=target)
                _finish(target, self.std[place])
            else:
                target.copy_(raster)
            return
        nodes = raster.float()
        if normal:  # before they are interpolated, where they are few: weights sum to one
            nodes = nodes - self.mean[place]
            _finish(nodes, self.std[place])
        upsample_nodes(nodes, (target.shape[-2], target.shape[-1]), out=target)

    def _size(self, rasters: Mapping[str, Tensor]) -> tuple[int, int]:
        if self.image_size is not None:
            return self.image_size, self.image_size
        shapes = [rasters[channel.name].shape for channel in self.channels]
        return max(shape[-2] for shape in shapes), max(shape[-1] for shape in shapes)


def _blocks(stack: Tensor, depth: int) -> Iterator[tuple[int, ...] | slice]:
    """Parts to work on one after the other, down to `depth` leading dimensions.

    A part that is written and finished at once stays in a CPU's cache, which is several times
    faster than passes over the whole; a GPU wants few and large operations.
    """
    if stack.device.type != "cpu":
        yield slice(None)
        return
    yield from itertools.product(*(range(count) for count in stack.shape[:depth]))


def _finish(centred: Tensor, std: Tensor) -> None:
    """Divide, in place, and put the mean where nothing finite was."""
    centred.div_(std).nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
