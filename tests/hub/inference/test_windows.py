"""Windows cover everything, agree wherever a scene is cut, and leave no seams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.inference.windows import blend, cut, product_corners, taper, window_starts

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
    blended = blend(
        lambda corners: np.stack([cut(field, corner, window, 7.0) for corner in corners]),
        height,
        width,
        window,
        planes=2,
        origin=(origin, origin),
    )
    np.testing.assert_allclose(blended, field, atol=1e-6)


def test_windows_that_disagree_fade_into_each_other():
    window = 32
    corners = product_corners(100, 130, window)
    level = {corner: number % 2 for number, corner in enumerate(corners)}

    def predict(batch):
        return np.stack([np.full((1, window, window), level[corner]) for corner in batch])

    blended = blend(predict, 100, 130, window)[0]
    steepest = max(np.abs(np.diff(blended, axis=axis)).max() for axis in (0, 1))
    # The steepest that sin^2 over half a window can be, twice over where three windows meet.
    assert steepest < 2 * (np.pi / 2) / (window / 2)
    assert np.ptp(blended) > 0.9


def test_the_taper_is_symmetric_and_never_zero():
    weights = taper(33)
    assert (weights > 0).all() and weights.max() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(weights, weights[::-1])


def test_unwanted_windows_are_not_predicted_and_progress_counts_the_others():
    seen, reports = [], []

    def predict(batch):
        seen.extend(batch)
        return np.ones((len(batch), 1, 8, 8), "float32")

    blended = blend(
        predict,
        8,
        40,
        8,
        wanted=lambda corner: corner[1] < 16,
        batch_size=3,
        progress=lambda done, total: reports.append((done, total)),
    )
    assert seen and all(column < 16 for _, column in seen)
    assert reports[-1] == (len(seen), len(seen))
    assert blended[0, 0, 30] == 0 and blended[0, 0, 0] == 1
