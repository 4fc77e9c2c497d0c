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

from dataset_script.channels import (
    ATMOSPHERIC_CHANNELS,
    ATMOSPHERIC_VARIABLES,
    COHERENCE,
    DEM,
    PHASE,
)
from training.config.schema import AugmentationConfig
from training.data.sampling import AUGMENT, stream
from training.data.tasks import IGNORED
from training.inputs.draws import Draw, draw
from training.inputs.turbulence import turbulence

WITHHELD = {"weather": ATMOSPHERIC_CHANNELS, "elevation": (DEM,), "coherence": (COHERENCE,)}
"""Inputs that may be withheld on the whole, by what they are called."""


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
        what: tuple(name for name in names if name in channels)
        for (what, names), chance in zip(WITHHELD.items(), odds, strict=True)
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
        self._place = {name: place for place, name in enumerate(channels)}
        swapped = list(range(len(channels)))
        for name in ATMOSPHERIC_VARIABLES:
            dates = [self._place.get(f"{date}_date_{name}") for date in ("primary", "secondary")]
            if dates[0] is not None and dates[1] is not None:
                swapped[dates[0]], swapped[dates[1]] = dates[1], dates[0]
        self._swapped = swapped

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
        if DEM in self._place:
            lifts = _send([drawn.lift for drawn in draws], stack)
            stack[:, :, self._place[DEM]] += lifts[:, None, None, None]
        for place, drawn in enumerate(draws):
            for names, missing in zip(WITHHELD.values(), drawn.missing, strict=True):
                if missing:  # not a number: normalisation makes it the archive's mean
                    stack[place, :, [self._place[n] for n in names if n in self._place]] = math.nan
        return stack, torch.cat(targets) if pixels else target

    def _no_data(self, stack: Tensor) -> Tensor:
        """Where, `[B, T, H, W]`: pixels outside the swath."""
        outside = torch.ones_like(stack[:, :, 0], dtype=torch.bool)
        for name in (PHASE, COHERENCE):
            if name in self._place:
                outside &= stack[:, :, self._place[name]] == 0
        return outside

    def _blank(self, stack: Tensor, outside: Tensor) -> None:
        for name in (PHASE, COHERENCE):
            if name in self._place:
                stack[:, :, self._place[name]].masked_fill_(outside, 0)

    def _values(self, stack: Tensor, draws: Sequence[Draw]) -> None:
        """Everything that changes values and moves no pixel."""
        for place, drawn in enumerate(draws):
            if drawn.reverse:
                stack[place] = stack[place][:, self._swapped]
        if PHASE not in self._place:
            return
        signs = _send([1 - 2 * drawn.reverse for drawn in draws], stack)[:, None, None, None]
        phase = stack[:, :, self._place[PHASE]] * signs
        phase = phase + _send([drawn.offsets for drawn in draws], stack)[..., None, None]
        if DEM in self._place:
            slopes = _send([drawn.slopes for drawn in draws], stack)[..., None, None]
            phase = phase + slopes * torch.nan_to_num(stack[:, :, self._place[DEM]]) / 1000
        for place, drawn in enumerate(draws):
            if drawn.noise:
                source = torch.Generator(stack.device).manual_seed(drawn.noise_seed)
                noise = torch.randn(phase[place].shape, generator=source, device=stack.device)
                phase[place] += drawn.noise * noise
            if drawn.turbulence:
                air = turbulence(phase[place], drawn.outer_scale, drawn.turbulence_seed)
                phase[place] += drawn.turbulence * air
        stack[:, :, self._place[PHASE]] = wrap(phase)

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
        if PHASE in self._place:
            phase = stack[:, self._place[PHASE]]
            valid = (~blank).to(
                phase.dtype
            )  # pixels without data must not pull on their neighbours
            sine = sample(torch.sin(phase) * valid, "bilinear", "border")
            cosine = sample(torch.cos(phase) * valid, "bilinear", "border")
            moved[:, self._place[PHASE]] = torch.atan2(sine, cosine)
        outside = sample((~blank).to(stack.dtype), "nearest", "zeros") < 0.5
        if target is not None:
            # Beyond the edge nothing is known: neither loss nor metric counts it.
            shifted = sample((target + 1).to(stack.dtype), "nearest", "zeros").round().long()
            target = torch.where(shifted == 0, IGNORED, shifted - 1)
        return moved, target, outside


def _send(values: Sequence, like: Tensor) -> Tensor:
    tensor = torch.from_numpy(np.asarray(values, "float32"))
    if like.device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(like.device, non_blocking=True)
