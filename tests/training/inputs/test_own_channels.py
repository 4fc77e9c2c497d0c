"""Channels beyond the published ones are treated as their rows say."""

import math

import pytest
import torch

from dataset_script.channels import BY_NAME, Channel, select
from dataset_script.errors import ConfigError
from tests.hub.facts import make_facts
from training.config.schema import AugmentationConfig
from training.facts import count_planes
from training.inputs.augmentation import Augmentation, dispensable
from training.inputs.preprocessing import Preprocessor

ALL = AugmentationConfig(
    flip=1, phase_offset=1, time_reversal=1, stratification=1, noise=1, missing=1
)


@pytest.fixture
def add(monkeypatch):
    """Adds a row to the table."""

    def add(name, kind, physics, storage="float32"):
        row = Channel(name, name, "1", 0.0, 1.0, kind=kind, physics=physics, storage=storage)
        monkeypatch.setitem(BY_NAME, name, row)
        return name

    return add


def augmented(names, stack):
    target = torch.zeros(1, dtype=torch.int64)
    return Augmentation(ALL, names, 0)(stack.clone(), target, [0], 0)[0]


def test_other_channels_move_with_the_pixels_and_are_otherwise_left_alone(add):
    names = ["insar_difference", add("unwrapped", "pair", "other"), add("slope", "static", "other")]
    stack = torch.rand(1, 2, 3, 8, 8) + 0.5
    result = augmented(names, stack)
    assert torch.equal(result[:, :, 1:], stack[:, :, 1:].flip(-1, -2))
    assert not torch.equal(result[:, :, 0], stack[:, :, 0].flip(-1, -2))
    assert dispensable(ALL, names) == {}


def test_fields_of_both_dates_swap_and_weather_is_withheld_whatever_it_is_called(add):
    names = [
        "insar_difference",
        *(add(f"{d}_date_wind", d, "other") for d in ("primary", "secondary")),
    ]
    stack = torch.rand(1, 2, 3, 8, 8) + 0.5
    assert torch.equal(augmented(names, stack)[:, :, 1:], stack[:, :, [2, 1]].flip(-1, -2))
    assert [channel.name for channel in select(["wind"])] == names[1:]
    rain = add("primary_date_rain", "primary", "weather", "smooth")
    assert dispensable(ALL, ["insar_difference", rain, "dem"]) == {
        "weather": (rain,),
        "elevation": ("dem",),
    }


def test_a_second_phase_is_circular_too(add):
    names = ["insar_difference", "dem", add("other_track", "pair", "phase")]
    first, second = torch.rand(2, 1, 2, 4, 4) * 6 - 3
    rasters = {"insar_difference": first, "dem": torch.zeros(1, 4, 4), "other_track": second}
    images = Preprocessor(names, 2, phase="circular")(rasters)
    assert images.shape == (1, 2, 5, 4, 4)
    for place, expected in (
        (0, first.cos()),
        (2, second.cos()),
        (3, first.sin()),
        (4, second.sin()),
    ):
        torch.testing.assert_close(images[:, :, place], expected * math.sqrt(2))
    facts = make_facts("timm", channels=tuple(names), phase="circular")
    assert facts.planes_per_step == 5
    wrapped = augmented(names, torch.full((1, 2, 3, 8, 8), 3.0))
    assert wrapped[:, :, [0, 2]].abs().max() <= math.pi


def test_an_unknown_channel_is_named():
    with pytest.raises(ConfigError, match="unknown channel 'slope'"):
        count_planes(["slope"], "circular")
