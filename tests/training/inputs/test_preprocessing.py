"""The model's input: the fast path equals the plain formula, bit for bit."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataset_script.channels import ATMOSPHERIC_CHANNELS, CHANNEL_NAMES, CHANNELS
from dataset_script.errors import ConfigError, DataError
from training.inputs.preprocessing import Preprocessor, upsample_nodes


def make_rasters(batch, steps, size, nodes=None):
    draw = torch.Generator().manual_seed(0)
    rasters = {}
    for channel in CHANNELS:
        side = nodes if nodes and channel.name in ATMOSPHERIC_CHANNELS else size
        shape = (batch, steps, side, side) if channel.per_step else (batch, side, side)
        values = 40 * torch.randn(shape, generator=draw) + channel.mean
        if channel.dtype != "float32":
            values = values.abs().clamp(0, 255)
        rasters[channel.name] = values.to(getattr(torch, channel.dtype))
    return rasters


def plain(rasters, steps, size):
    """`[B, T, C, H, W]` as one would write it down, without a thought for speed."""
    planes = []
    for channel in CHANNELS:
        raster = rasters[channel.name].float()
        if raster.shape[-1] != size:
            raster = torch.stack(
                [upsample_nodes(one, (size, size)) for one in raster.flatten(0, -3)]
            )
            raster = raster.reshape(*rasters[channel.name].shape[:-2], size, size)
        if raster.ndim == 3:
            raster = raster[:, None].expand(-1, steps, -1, -1)
        planes.append((raster - channel.mean) / channel.std)
    stack = torch.stack(planes, 2)
    return torch.where(stack.isfinite(), stack, 0.0)


@settings(deadline=None)
@given(
    nodes=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    size=st.tuples(st.integers(2, 200), st.integers(2, 200)),
)
@example(nodes=(33, 33), size=(512, 512))
@example(nodes=(5, 7), size=(127, 9))
def test_nodes_are_upsampled_corner_to_corner(nodes, size):
    values = torch.rand(2, 3, *nodes)
    expected = torch.nn.functional.interpolate(
        values, size=size, mode="bilinear", align_corners=True
    )
    torch.testing.assert_close(upsample_nodes(values, size), expected, rtol=1e-4, atol=1e-5)
    out = torch.empty(2, 3, *size)
    assert upsample_nodes(values, size, out=out) is out
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("nodes", [None, 5])
@pytest.mark.parametrize("steps", [1, 3])
def test_forward_is_the_plain_formula(steps, nodes):
    rasters = make_rasters(2, steps, 16, nodes)
    rasters["insar_difference"][0, 0, 3, 4] = torch.nan
    rasters["dem"][1, 2, 2] = torch.inf
    preprocess = Preprocessor(CHANNEL_NAMES, steps, 16)
    images = preprocess(rasters)
    assert images.shape == (2, steps, 9, 16, 16)
    slow = preprocess.normalise(preprocess.assemble(rasters))
    if nodes is None:
        assert torch.equal(images, slow)
    torch.testing.assert_close(images, slow, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(images, plain(rasters, steps, 16), rtol=1e-5, atol=1e-5)
    assert images[0, 0, 0, 3, 4] == 0
    assert (images[1, :, 2, 2, 2] == 0).all()


def test_coarse_fields_keep_single_precision_under_autocast():
    rasters = make_rasters(2, 3, 16, 5)
    preprocess = Preprocessor(CHANNEL_NAMES, 3, 16)
    with torch.autocast("cpu", torch.bfloat16):
        images = preprocess(rasters)
    assert torch.equal(images, preprocess(rasters))


def test_normalise_leaves_its_input_alone():
    preprocess = Preprocessor(CHANNEL_NAMES, 1, 8)
    stack = preprocess.assemble(make_rasters(1, 1, 8))
    before = stack.clone()
    preprocess.normalise(stack)
    assert torch.equal(stack, before)


def test_rasters_of_another_size_are_refused():
    rasters = make_rasters(1, 1, 16, 5)
    with pytest.raises(DataError, match="has 16 x 16 pixels where the model takes 8 x 8"):
        Preprocessor(CHANNEL_NAMES, 1, 8)(rasters)


def test_another_number_of_steps_is_refused():
    with pytest.raises(DataError, match="has 2 steps where the model takes 3"):
        Preprocessor(CHANNEL_NAMES, 3, 8)(make_rasters(1, 2, 8))


def test_what_may_be_written_over_is_and_holds_the_same():
    kept, fresh = (
        Preprocessor(CHANNEL_NAMES, 3, 16, overwrite=True),
        Preprocessor(CHANNEL_NAMES, 3, 16),
    )
    first = kept(make_rasters(2, 3, 16))
    place = first.data_ptr()
    for batch in (2, 1, 2):
        rasters = make_rasters(batch, 3, 16)
        stack = kept.assemble(rasters)
        assert torch.equal(stack, fresh.assemble(rasters))
        images = kept.normalise(stack)
        assert images is stack
        assert images.data_ptr() == place
        assert torch.equal(images, fresh(rasters))
    assert len(kept(make_rasters(3, 3, 16))) == 3
    before = fresh(rasters)
    fresh(make_rasters(2, 3, 16, nodes=5))
    assert torch.equal(before, fresh(rasters))


def test_memory_first_used_for_inference_serves_training_too():
    preprocess = Preprocessor(CHANNEL_NAMES, 3, 16, overwrite=True)
    with torch.inference_mode():
        preprocess(make_rasters(2, 3, 16))
    images = preprocess.normalise(preprocess.assemble(make_rasters(1, 3, 16)))
    weights = torch.ones(9, requires_grad=True)
    (images.mean((0, 1, 3, 4)) * weights).sum().backward()
    torch.testing.assert_close(weights.grad, images.mean((0, 1, 3, 4)))


@pytest.mark.parametrize("steps", [1, 3])
def test_circular_phase_is_cosine_and_sine_after_the_channels(steps):
    names = ["dem", "insar_difference", "insar_coherence"]
    rasters = make_rasters(2, steps, 8)
    rasters["insar_difference"][0, 0, 3, 4] = torch.nan
    raw = Preprocessor(names, steps, 8)(rasters)
    preprocess = Preprocessor(names, steps, 8, phase="circular")
    images = preprocess(rasters)
    assert images.shape == (2, steps, 4, 8, 8)
    assert torch.equal(images[:, :, [0, 2]], raw[:, :, [0, 2]])
    phase = rasters["insar_difference"]
    for place, function in ((1, torch.cos), (3, torch.sin)):
        wanted = torch.nan_to_num(math.sqrt(2) * function(phase))
        torch.testing.assert_close(images[:, :, place], wanted)
    # A turn more is the same phase.
    turned = rasters | {"insar_difference": phase + 2 * math.pi}
    torch.testing.assert_close(preprocess(turned), images, rtol=0, atol=2e-4)


def test_circular_phase_needs_the_phase():
    with pytest.raises(ConfigError, match="insar_difference"):
        Preprocessor(["dem"], 1, phase="circular")
