"""Windows cut from a strip are those that are worked out one by one, in whatever order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.channels import BY_NAME, INSAR_CHANNELS
from hub.inference.scanning.strip import Strip
from hub.inference.scanning.windows import product_corners
from hub.scenes.scene import make_scene
from tests.hub.facts import SIZE, make_facts
from training.inputs.preprocessing import Preprocessor

CHANNELS = (*INSAR_CHANNELS, "primary_date_total_column_water_vapour")


def scene_of(height, width, steps, seed=0, dem=True):
    draw = np.random.default_rng(seed)
    phase = draw.uniform(-3, 3, (steps, height, width)).astype("float32")
    coherence = draw.integers(1, 255, phase.shape).astype("uint8")
    empty = draw.random((height, width)) < 0.1
    empty[0, 0] = False  # a scene without data is refused
    phase[:, empty] = coherence[:, empty] = 0
    elevation = draw.normal(500, 300, (height, width)).astype("float32") if dem else None
    return make_scene("made up", phase, coherence, elevation)


def one_by_one(scene, steps, corners, facts, preprocessor):
    """Each window alone, pixel by pixel in plain words."""
    stack = np.full((len(corners), len(steps), len(facts.channels), SIZE, SIZE), np.nan, "float32")
    for number, (top, left) in enumerate(corners):
        for place, name in enumerate(facts.channels):
            raster = scene.channel(name)
            if raster is None:
                continue
            frame = np.full((len(steps), SIZE, SIZE), np.nan, "float32")
            if BY_NAME[name].zero_without_data:
                frame[:] = 0
            for row in range(SIZE):
                for column in range(SIZE):
                    y, x = top + row, left + column
                    if 0 <= y < scene.height and 0 <= x < scene.width:
                        at = raster[..., y, x]
                        frame[:, row, column] = at[steps] if BY_NAME[name].per_step else at
            stack[number, :, place] = frame
    return preprocessor.normalise(torch.from_numpy(stack))


@pytest.mark.parametrize("phase", ["raw", "circular"])
@pytest.mark.parametrize("height, width", [(75, 101), (20, 90), (70, 9), (SIZE, SIZE), (5, 5)])
def test_windows_of_a_strip_are_those_worked_out_alone(height, width, phase):
    facts = make_facts("smp", CHANNELS, phase=phase)
    preprocessor = Preprocessor(facts.channels, 2, SIZE, phase=phase)
    scene, steps = scene_of(height, width, 3), [2, 0]
    corners = product_corners(height, width, SIZE, (7, 3))
    strip = Strip(scene, steps, corners, facts, preprocessor)
    found = torch.cat([strip.windows(corners[at : at + 3]) for at in range(0, len(corners), 3)])
    torch.testing.assert_close(
        found, one_by_one(scene, steps, corners, facts, preprocessor), rtol=0, atol=1e-6
    )


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_windows_does_not_matter(data):
    height, width = data.draw(st.integers(1, 120)), data.draw(st.integers(1, 120))
    corners = product_corners(height, width, SIZE, (data.draw(st.integers(0, 40)), 0))
    asked = data.draw(st.lists(st.sampled_from(corners), min_size=1, max_size=8))
    facts = make_facts("smp", phase="circular")
    preprocessor = Preprocessor(facts.channels, 2, SIZE, phase="circular")
    scene = scene_of(height, width, 2, dem=data.draw(st.booleans()))
    together = Strip(scene, [0, 1], corners, facts, preprocessor).windows(asked)
    for corner, window in zip(asked, together, strict=True):
        alone = Strip(scene, [0, 1], [corner], facts, preprocessor).windows([corner])[0]
        assert torch.equal(window, alone)


def test_half_precision_is_rounded_once_and_lies_channels_last():
    facts = make_facts("smp", CHANNELS)
    preprocessor = Preprocessor(facts.channels, 2, SIZE)
    scene = scene_of(60, 80, 2)
    corners = product_corners(60, 80, SIZE)
    full = Strip(scene, [0, 1], corners, facts, preprocessor).windows(corners)
    half = Strip(scene, [0, 1], corners, facts, preprocessor, torch.bfloat16).windows(corners)
    assert half.dtype == torch.bfloat16 and torch.equal(half, full.bfloat16())
    assert half.flatten(1, 2).is_contiguous(memory_format=torch.channels_last)


def test_each_pixel_is_worked_out_once(monkeypatch):
    facts = make_facts("smp")
    preprocessor = Preprocessor(facts.channels, 2, SIZE)
    seen = []
    once = preprocessor.normalise
    monkeypatch.setattr(
        preprocessor, "normalise", lambda stack: seen.append(stack[0, 0, 0].numel()) or once(stack)
    )
    corners = product_corners(200, 300, SIZE)
    strip = Strip(scene_of(200, 300, 2), [0, 1], corners, facts, preprocessor)
    for at in range(0, len(corners), 5):
        strip.windows(corners[at : at + 5])
    assert sum(seen) == 200 * 300


def test_without_windows_nothing_is_asked_for():
    facts = make_facts("smp")
    strip = Strip(scene_of(40, 40, 2), [0, 1], [], facts, Preprocessor(facts.channels, 2, SIZE))
    assert len(strip.windows([])) == 0
