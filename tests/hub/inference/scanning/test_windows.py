"""Windows cover everything, agree wherever a scene is cut, and are gone through in batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.inference.scanning.windows import (
    Cancelled,
    Watch,
    coarse_corners,
    in_batches,
    product_corners,
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


def test_progress_counts_windows_and_a_caller_may_give_up():
    corners, seen, reports = product_corners(8, 40, 8), [], []
    watch = Watch(lambda done, total: reports.append((done, total)), lambda: len(seen) > 4)
    with pytest.raises(Cancelled):
        for batch, _ in in_batches(lambda batch: None, corners, 3, watch.of(10, 30)):
            seen.extend(batch)
    assert len(corners) > 6
    assert seen == corners[:6] and reports == [(13, 30), (16, 30)]
