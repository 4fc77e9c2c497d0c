"""What happens to a training sample at random, drawn before anything is done to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.config.schema import AugmentationConfig

EDDIES = (12.0, 120.0)
"""Pixels: the greatest eddies of added turbulence, from a small source's size to a crop's."""


@dataclass(frozen=True)
class Draw:
    """What happens to one sample.

    Attributes:
        flip: Whether it is mirrored left to right, and top to bottom.
        turns: Quarter turns, anticlockwise.
        reverse: Whether time is reversed.
        offsets: Radians added to each step's phase, `[T]`.
        slopes: Radians per km of elevation added to each step's phase, `[T]`.
        rotation: Rotation in radians.
        zoom: Magnification.
        noise: Standard deviation of added phase noise in rad.
        noise_seed: Its seed.
        missing: Whether the ERA5 fields are withheld, the elevation, and the coherence.
        lift: Metres added to the elevation.
        turbulence: Standard deviation in rad of turbulent air that is added to each step.
        outer_scale: Its greatest eddies in pixels.
        turbulence_seed: Its seed.
    """

    flip: tuple[bool, bool]
    turns: int
    reverse: bool
    offsets: np.ndarray
    slopes: np.ndarray
    rotation: float
    zoom: float
    noise: float
    noise_seed: int
    missing: tuple[bool, bool, bool] = (False, False, False)
    lift: float = 0.0
    turbulence: float = 0.0
    outer_scale: float = 1.0
    turbulence_seed: int = 0


def draw(config: AugmentationConfig, rng: np.random.Generator, steps: int) -> Draw:
    """Draw what happens to one sample; the number of draws never depends on their outcome.

    Args:
        config: Probabilities and ranges.
        rng: The sample's own stream.
        steps: Steps T.

    Returns:
        The draw.
    """
    chance = rng.random(8)
    turns = int(rng.integers(1, 4))
    offsets = rng.uniform(-math.pi, math.pi, steps)
    slopes = rng.normal(0, config.stratification_std, steps)
    angle, zoom = rng.uniform(-1, 1, 2)
    seed = int(rng.integers(2**62))
    withheld = rng.random(2) < config.missing
    blind, lifted = rng.random(2) < (config.missing_coherence, config.elevation_offset)
    lift = rng.normal(0, config.elevation_offset_std)
    rough, strength = rng.random() < config.turbulence, abs(rng.normal())
    outer = math.exp(rng.uniform(*np.log(EDDIES)))
    strength *= (outer / EDDIES[1]) ** (5 / 6)  # small eddies carry less (Kolmogorov)
    eddies = int(rng.integers(2**62))
    resampled = chance[5] < config.resample
    return Draw(
        (bool(chance[0] < config.flip), bool(chance[1] < config.flip)),
        turns if chance[2] < config.quarter_turn else 0,
        bool(chance[3] < config.time_reversal),
        offsets * (chance[4] < config.phase_offset),
        slopes * (chance[6] < config.stratification),
        math.radians(config.rotation) * angle * resampled,
        config.scale ** (zoom * resampled),
        config.noise_std * float(chance[7] < config.noise),
        seed,
        (bool(withheld[0]), bool(withheld[1]), bool(blind)),
        float(lift * lifted),
        float(config.turbulence_std * strength * rough),
        outer,
        eddies,
    )
