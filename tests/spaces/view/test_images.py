"""Rasters as pictures."""

import io

import numpy as np
import pytest
from page.view import images
from PIL import Image


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_phase_colours_close_their_circle():
    nothing = np.zeros((1, 3), bool)
    left, middle, right = decode(images.phase(np.array([[-np.pi, 0, np.pi]]), nothing))[0, :, :3]
    assert np.abs(left.astype(int) - right).max() <= 8
    assert np.abs(left.astype(int) - middle).max() > 60


def test_no_data_is_transparent():
    values = np.array([[0.5, np.nan], [0.1, 0.9]])
    hidden = np.array([[False, False], [True, False]])
    alpha = decode(images.probability(values, hidden))[..., 3]
    assert alpha.tolist() == [[255, 0], [0, 255]]


def test_large_frames_are_shown_small():
    values = np.zeros((2500, 3000), np.float32)
    height, width, _ = decode(images.phase(values, values > 1)).shape
    assert max(height, width) <= images.LONGEST_SIDE and height / width == pytest.approx(5 / 6)


def test_outline_runs_around_the_mask():
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    drawn = decode(images.outline(mask))[..., 3] > 0
    factor = drawn.shape[0] // 64
    assert drawn[20 * factor, 30 * factor] and drawn[40 * factor - 1, 30 * factor]
    assert not drawn[30 * factor, 30 * factor] and not drawn[:10].any()


def test_the_annotators_mask_is_dashed():
    mask, known = np.zeros((2, 64, 64), bool)
    known[20:40, 20:40] = True
    drawn = decode(images.outline(mask, known))
    factor = drawn.shape[0] // 64
    edge = drawn[20 * factor, 22 * factor : 38 * factor]
    assert 0.3 < (edge[:, 3] > 0).mean() < 0.7
    assert (edge[edge[:, 3] > 0][:, :3] == (255, 207, 51)).all()


def test_terrain_is_lit_from_the_north_west():
    y, x = np.mgrid[:40, :40] - 20.0
    cone = 3000 - 60 * np.hypot(x, y)
    cone[0, 0] = np.nan
    nothing = np.ones(cone.shape, bool)
    shade = decode(images.phase_over_terrain(cone, cone, nothing, 100.0))[..., 0].astype(int)
    assert shade[12, 12] > shade[28, 28]
    assert abs(shade[0, 0] - 127) <= 2
