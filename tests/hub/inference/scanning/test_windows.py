"""Windows cover everything, agree wherever a scene is cut, and leave no seams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.inference.scanning.windows import (
    Cancelled,
    Mosaic,
    Watch,
    coarse_corners,
    cut,
    in_batches,
    product_corners,
    taper,
    window_starts,
)

sizes = st.integers(1, 300)
windows = st.integers(2, 64)


@given(sizes, windows, st.integers(-1000, 1000))
@settings(deadline=None)
def test_windows_cover_and_stay_inside(size, window, origin):
    starts = window_starts(size, window, origin)
    covered = np.zeros(size, bool)
    for start in starts:
        covered[max(start, 0) : start + window] = True
    assert covered.all()
    if size >= window:
        assert starts[0] == 0 and starts[-1] == size - window
    else:
        assert len(starts) == 1


@given(st.integers(100, 300), st.integers(8, 24), st.integers(-500, 500), st.integers(0, 60))
@settings(deadline=None)
def test_windows_away_from_the_edges_do_not_depend_on_the_cut(size, window, origin, offset):
    whole = {start + origin for start in window_starts(size, window, origin)}
    length = size - offset - 20
    part = {start + origin + offset for start in window_starts(length, window, origin + offset)}
    inner = range(origin + offset + 1, origin + offset + length - window)
    assert whole & set(inner) == part & set(inner)


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


@given(sizes, sizes, windows, st.integers(-500, 500))
@settings(deadline=None)
def test_few_windows_cover_a_scene(height, width, window, origin):
    corners = product_corners(height, width, window, (origin, -origin))
    coarse = coarse_corners(corners, window)
    assert set(coarse) <= set(corners)
    for axis, size in enumerate((height, width)):
        covered = np.zeros(size, bool)
        for corner in coarse:
            covered[max(corner[axis], 0) : corner[axis] + window] = True
        assert covered.all()
    if window % 2 == 0:  # a stride of half a window, so that every second one is enough
        assert len(coarse) <= (height / window + 3) * (width / window + 3)


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


def test_progress_counts_windows_and_a_caller_may_give_up():
    corners, seen, reports = product_corners(8, 40, 8), [], []
    watch = Watch(lambda done, total: reports.append((done, total)), lambda: len(seen) > 4)
    with pytest.raises(Cancelled):
        for batch, _ in in_batches(lambda batch: None, corners, 3, watch.of(10, 30)):
            seen.extend(batch)
    assert len(corners) > 6
    assert seen == corners[:6] and reports == [(13, 30), (16, 30)]
