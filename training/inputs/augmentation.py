"""Random changes of training samples that leave an interferogram physical.

They act on the assembled stack in physical units, on the device. The phase is circular: flips and
quarter turns move pixels and are exact, whatever resamples works on exp(i phase), and offsets are
wrapped again. Pixels without data (phase and coherence exactly 0) stay without data.

Every draw depends on (seed, epoch, sample) alone, so a resumed run, another batch size or another
number of processes changes none.

Time reversal exchanges the dates of each pair: phase is negated and primary and secondary fields
swap. For a series this too is what a processor would deliver for the same acquisitions, only that
the pairs then share their secondary date in place of their primary; the steps stay in order of
their temporal baselines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dataset_script.channels import BY_NAME, Physics, places_of
from training.config.schema import AugmentationConfig
from training.data.sampling import AUGMENT, stream
from training.data.tasks import IGNORED
from training.inputs.draws import Draw, draw
from training.inputs.turbulence import turbulence

WITHHELD: tuple[Physics, ...] = ("weather", "elevation", "coherence")
"""Inputs that may be withheld on the whole, by what they measure."""


def dispensable(config: AugmentationConfig, channels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What a model of this recipe learned to do without.

    Args:
        config: The recipe's augmentations.
        channels: The model's channels.

    Returns:
        Those of `WITHHELD` that are withheld in training, with their channels among the model's.
    """
    odds = (config.missing, config.missing, config.missing_coherence)
    present = {
        what: tuple(channels[place] for place in places_of(channels, what))
        for what, chance in zip(WITHHELD, odds, strict=True)
        if chance > 0
    }
    return {what: names for what, names in present.items() if names}


def wrap(phase: Tensor) -> Tensor:
    """Phase in radians brought to [-pi, pi)."""
    return torch.remainder(phase + math.pi, 2 * math.pi) - math.pi


class Augmentation:
    """The configured augmentations.

    Args:
        config: Probabilities and ranges.
        channels: Channel names, in the order of the stack.
        seed: The run's seed.
    """

    def __init__(self, config: AugmentationConfig, channels: Sequence[str], seed: int) -> None:
        self.config, self.seed = config, seed
        self._phases = places_of(channels, "phase")
        self._elevations = places_of(channels, "elevation")
        self._withheld = [places_of(channels, what) for what in WITHHELD]
        self._observed = [i for i, name in enumerate(channels) if BY_NAME[name].zero_without_data]
        place = {name: i for i, name in enumerate(channels)}
        twins = [_at_other_date(name) for name in channels]
        self._swapped = [place.get(twin, i) for i, twin in enumerate(twins)]

    def __call__(
        self, stack: Tensor, target: Tensor, samples: Sequence[int], epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Augment a batch.

        Args:
            stack: float32 `[B, T, C, H, W]` in physical units, of `Preprocessor.assemble`; it is
                changed in place.
            target: `[B * answers, H, W]` class codes, or whole images' targets of fewer
                dimensions, which pass unchanged.
            samples: Sample numbers of the batch.
            epoch: Epoch.

        Returns:
            The stack and the changed target, of the same shapes. Crops are square, as quarter turns
            need.
        """
        steps = stack.shape[1]
        streams = [stream(self.seed, AUGMENT, epoch, int(sample)) for sample in samples]
        return self.apply(stack, target, [draw(self.config, rng, steps) for rng in streams])

    def apply(self, stack: Tensor, target: Tensor, draws: Sequence[Draw]) -> tuple[Tensor, Tensor]:
        """Apply given draws.

        Args:
            stack: See `__call__`; it is changed in place, for copies of it would cost more than
                all else that happens here.
            target: See `__call__`.
            draws: One a sample.

        Returns:
            The stack, and the changed target.
        """
        no_data = self._no_data(stack)
        self._values(stack, draws)
        pixels = target.ndim == 3
        answers = len(target) // len(draws)
        targets = []
        for place, drawn in enumerate(draws):
            masks = target[place * answers : (place + 1) * answers] if pixels else None
            still = stack[place]
            moved, mask, blank = self._move(still, masks, no_data[place], drawn)
            if moved is not still:
                stack[place], no_data[place] = moved, blank
            if mask is not None:
                targets.append(mask)
        self._blank(stack, no_data)
        if self._elevations:
            lifts = _send([drawn.lift for drawn in draws], stack)
            for channel in self._elevations:
                stack[:, :, channel] += lifts[:, None, None, None]
        for place, drawn in enumerate(draws):
            for channels, missing in zip(self._withheld, drawn.missing, strict=True):
                if missing:  # not a number: normalisation makes it the archive's mean
                    stack[place, :, channels] = math.nan
        return stack, torch.cat(targets) if pixels else target

    def _no_data(self, stack: Tensor) -> Tensor:
        """Where, `[B, T, H, W]`: pixels outside the swath."""
        outside = torch.ones_like(stack[:, :, 0], dtype=torch.bool)
        for channel in self._observed:
            outside &= stack[:, :, channel] == 0
        return outside

    def _blank(self, stack: Tensor, outside: Tensor) -> None:
        for channel in self._observed:
            stack[:, :, channel].masked_fill_(outside, 0)

    def _values(self, stack: Tensor, draws: Sequence[Draw]) -> None:
        """Everything that changes values and moves no pixel."""
        for place, drawn in enumerate(draws):
            if drawn.reverse:
                stack[place] = stack[place][:, self._swapped]
        for number, channel in enumerate(self._phases):
            stack[:, :, channel] = self._phase(stack, channel, number, draws)

    def _phase(self, stack: Tensor, channel: int, number: int, draws: Sequence[Draw]) -> Tensor:
        """A phase with what is added to it, wrapped; `number` counts the stack's phases."""
        signs = _send([1 - 2 * drawn.reverse for drawn in draws], stack)[:, None, None, None]
        phase = stack[:, :, channel] * signs
        phase = phase + _send([drawn.offsets for drawn in draws], stack)[..., None, None]
        if self._elevations:
            slopes = _send([drawn.slopes for drawn in draws], stack)[..., None, None]
            phase = phase + slopes * torch.nan_to_num(stack[:, :, self._elevations[0]]) / 1000
        for place, drawn in enumerate(draws):
            if drawn.noise:
                source = torch.Generator(stack.device).manual_seed(drawn.noise_seed + number)
                noise = torch.randn(phase[place].shape, generator=source, device=stack.device)
                phase[place] += drawn.noise * noise
            if drawn.turbulence:
                air = turbulence(phase[place], drawn.outer_scale, drawn.turbulence_seed)
                phase[place] += drawn.turbulence * air
        return wrap(phase)

    def _move(
        self, stack: Tensor, target: Tensor | None, blank: Tensor, drawn: Draw
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Everything that moves pixels, of one sample."""
        if drawn.rotation or drawn.zoom != 1:
            stack, target, blank = self._resample(stack, target, blank, drawn)
        # A quarter turn is a transposition and a mirroring, which joins the other mirrorings: each
        # pixel is copied once.
        columns, rows = drawn.flip
        if drawn.turns % 2:
            columns, rows = rows, columns
        columns ^= drawn.turns in (2, 3)
        rows ^= drawn.turns in (1, 2)
        axes = [axis for axis, flipped in ((-1, columns), (-2, rows)) if flipped]

        def exact(raster: Tensor) -> Tensor:
            if drawn.turns % 2:  # a copy, as it is going to replace what it is made from
                raster = raster.transpose(-2, -1).contiguous()
            return raster.flip(axes) if axes else raster

        return exact(stack), None if target is None else exact(target), exact(blank)

    def _resample(
        self, stack: Tensor, target: Tensor | None, blank: Tensor, drawn: Draw
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        cos = math.cos(drawn.rotation) / drawn.zoom
        sin = math.sin(drawn.rotation) / drawn.zoom
        matrix = _send([[[cos, -sin, 0.0], [sin, cos, 0.0]]], stack)
        grid = F.affine_grid(matrix, [1, 1, *stack.shape[-2:]], align_corners=False)

        def sample(raster: Tensor, mode: str, padding: str) -> Tensor:
            flat = raster.reshape(1, -1, *raster.shape[-2:])
            moved = F.grid_sample(flat, grid, mode, padding, align_corners=False)
            return moved.reshape(raster.shape)

        moved = sample(stack, "bilinear", "border")
        valid = (~blank).to(stack.dtype)  # pixels without data must not pull on their neighbours
        for channel in self._phases:
            phase = stack[:, channel]
            sine = sample(torch.sin(phase) * valid, "bilinear", "border")
            cosine = sample(torch.cos(phase) * valid, "bilinear", "border")
            moved[:, channel] = torch.atan2(sine, cosine)
        outside = sample((~blank).to(stack.dtype), "nearest", "zeros") < 0.5
        if target is not None:
            # Beyond the edge nothing is known: neither loss nor metric counts it.
            shifted = sample((target + 1).to(stack.dtype), "nearest", "zeros").round().long()
            target = torch.where(shifted == 0, IGNORED, shifted - 1)
        return moved, target, outside


def _at_other_date(name: str) -> str:
    """The channel of the same field at the pair's other date; the name itself where it has none."""
    dates = ("primary_date_", "secondary_date_")
    for here, there in (dates, dates[::-1]):
        if name.startswith(here):
            return there + name.removeprefix(here)
    return name


def _send(values: Sequence, like: Tensor) -> Tensor:
    tensor = torch.from_numpy(np.asarray(values, "float32"))
    if like.device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(like.device, non_blocking=True)
