"""Blended windows leave no seams, and a part of a scene is that part of the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.inference.scanning.mosaic import Mosaic, taper
from hub.inference.scanning.windows import coarse_corners, cut, product_corners


@given(st.integers(1, 80), st.integers(1, 80), st.integers(4, 32), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_blending_what_is_already_there_changes_nothing(height, width, window, origin):
    field = np.random.default_rng(0).random((2, height, width)).astype("float32")
    corners = product_corners(height, width, window, (origin, origin))
    coarse = coarse_corners(corners, window)
    mosaic = Mosaic(corners, (height, width), window, planes=2)
    for corner in coarse:
        mosaic.add(corner, cut(field, corner, (window, window), 7.0))
    np.testing.assert_allclose(mosaic.so_far(coarse), field, atol=1e-6)
    for corner in corners:
        if corner not in coarse:
            mosaic.add(corner, cut(field, corner, (window, window), 7.0))
    np.testing.assert_allclose(mosaic.blended(), field, atol=1e-6)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_of_a_mosaic_is_that_part_of_the_whole(data):
    shape = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 80))
    window, origin = data.draw(st.integers(4, 32)), data.draw(st.integers(0, 99))
    part = tuple(
        slice(*sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size + 9)))))
        for size in shape
    )
    corners = product_corners(*shape, window, (origin, origin))
    whole, some = (Mosaic(corners, shape, window, 2, *wanted) for wanted in ((), (part,)))
    for number, corner in enumerate(corners):
        values = np.random.default_rng(number).random((2, window, window), "float32")
        whole.add(corner, values)
        some.add(corner, values)
    np.testing.assert_array_equal(some.blended(), whole.blended()[:, *part])


def test_windows_that_disagree_fade_into_each_other():
    window = 32
    corners = product_corners(100, 130, window)
    level = {corner: number % 2 for number, corner in enumerate(corners)}

    mosaic = Mosaic(corners, (100, 130), window)
    for corner in corners:
        mosaic.add(corner, np.full((1, window, window), level[corner]))
    blended = mosaic.blended()[0]
    steepest = max(np.abs(np.diff(blended, axis=axis)).max() for axis in (0, 1))
    # The steepest that sin^2 over half a window can be, twice over where three windows meet.
    assert steepest < 2 * (np.pi / 2) / (window / 2)
    assert np.ptp(blended) > 0.9


def test_the_taper_is_symmetric_and_never_zero():
    weights = taper(33)
    assert (weights > 0).all() and weights.max() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(weights, weights[::-1])


def test_windows_that_are_not_added_count_as_nothing():
    corners = product_corners(8, 40, 8)
    mosaic = Mosaic(corners, (8, 40), 8)
    for corner in corners:
        if corner[1] < 16:
            mosaic.add(corner, np.ones((1, 8, 8), "float32"))
    blended = mosaic.blended()
    assert blended[0, 0, 30] == 0 and blended[0, 0, 0] == 1
