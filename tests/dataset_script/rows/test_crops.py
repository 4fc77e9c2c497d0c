import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.errors import ConfigError
from dataset_script.rows.crops import NODATA_TOLERANCE, box_sums, place_crop, summed_area
from dataset_script.seeding import generator


@st.composite
def frames(draw):
    height, width = draw(st.integers(8, 40)), draw(st.integers(8, 40))
    size = draw(st.integers(4, min(height, width)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    deformation = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 3))):
        top, left = rng.integers(height), rng.integers(width)
        deformation[top : top + rng.integers(1, 12), left : left + rng.integers(1, 12)] = True
    nodata = np.zeros((height, width), np.uint16)
    nodata[:, : rng.integers(width)] = draw(st.integers(0, 3))
    return deformation, nodata, size, rng


def cut(array, corner, size):
    return array[corner[0] : corner[0] + size, corner[1] : corner[1] + size]


def every_crop(array, size):
    return np.lib.stride_tricks.sliding_window_view(array, (size, size)).sum(axis=(2, 3))


@settings(max_examples=150, deadline=None)
@given(frames())
def test_crop_holds_all_the_deformation_that_fits_and_else_the_most_of_it(frame):
    deformation, nodata, size, rng = frame
    corner = place_crop(deformation, nodata, size, rng)
    held = cut(deformation, corner, size)
    assert held.shape == (size, size)
    assert held.sum() == every_crop(deformation, size).max()
    rows, columns = (np.flatnonzero(deformation.any(axis=axis)) for axis in (1, 0))
    if rows.size and np.ptp(rows) < size and np.ptp(columns) < size:
        assert held.sum() == deformation.sum()


@settings(max_examples=150, deadline=None)
@given(frames())
def test_crop_avoids_nodata_as_far_as_the_deformation_allows(frame):
    deformation, nodata, size, rng = frame
    corner = place_crop(deformation, nodata, size, rng)
    held, empty = every_crop(deformation, size), every_crop(nodata, size)
    least = empty[held == held.max()].min()
    slack = NODATA_TOLERANCE * size * size * max(1, nodata.max())
    assert empty[corner] <= least + slack


def test_crop_is_the_samples_own_and_varies_between_samples():
    deformation, nodata = np.zeros((60, 80), bool), np.zeros((60, 80), np.uint16)
    deformation[30:34, 40:44] = True

    def corner(seed, name):
        return place_crop(deformation, nodata, 32, generator(seed, "crop", name))

    assert corner(0, "a") == corner(0, "a")
    assert len({corner(0, name) for name in "abcdef"}) > 3
    assert len({corner(seed, "a") for seed in range(6)}) > 3


def test_modes():
    deformation, nodata = np.zeros((30, 50), bool), np.zeros((30, 50), np.uint16)
    deformation[0, 0] = True
    assert place_crop(deformation, nodata, 10, np.random.default_rng(0), "center") == (10, 20)
    corners = {
        place_crop(deformation, nodata, 10, np.random.default_rng(seed), "random")
        for seed in range(8)
    }
    assert len(corners) > 4
    assert all(
        place_crop(deformation, nodata, 10, np.random.default_rng(seed)) == (0, 0)
        for seed in range(8)
    )


def test_refusals_say_what_to_do():
    empty = np.zeros((30, 50), bool)
    with pytest.raises(ValueError, match=r"30 x 50 pixels.*image size to 30 or less"):
        place_crop(empty, empty.astype(np.uint16), 32, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="deformation, random, center"):
        place_crop(empty, empty.astype(np.uint16), 8, np.random.default_rng(0), "corner")


def test_box_sums_are_sums():
    counts = np.random.default_rng(1).integers(0, 5, (13, 17))
    sums = box_sums(summed_area(counts), 4, slice(2, 9), slice(0, 14))
    np.testing.assert_array_equal(sums, every_crop(counts, 4)[2:9, 0:14])
