"""The mean probability over a square kilometre, which decides what is said of a scene."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.scenes import Support


def scene(seed, shape):
    rng = np.random.default_rng(seed)
    valid = rng.random(shape) > 0.2
    probability = rng.random(shape).astype(np.float32)
    probability[~valid] = np.nan
    return probability, valid


def means(probability, valid):
    """The same by its definition, pixel by pixel."""
    found = np.full(probability.shape, -1.0)
    shares = np.zeros(probability.shape)
    for row, column in np.ndindex(*probability.shape):
        box = tuple(slice(max(0, at - 4), at + 5) for at in (row, column))
        shares[row, column] = valid[box].sum() / 81
        if valid[row, column]:
            found[row, column] = probability[box][valid[box]].mean()
    found[shares < min(0.5, shares.max() - 1e-3)] = -1
    return found


@pytest.mark.parametrize("shape", [(30, 41), (5, 60), (9, 9)])
def test_it_is_the_mean_of_the_pixels_with_data(shape):
    probability, valid = scene(0, shape)
    support = Support(probability, valid)
    expected = means(probability, valid)
    np.testing.assert_allclose(support.mean, expected, atol=1e-5)
    row, column, found = support.peak()
    assert found == pytest.approx(expected.max(), abs=1e-5) == expected[row, column]
    assert support.evidence().max() == pytest.approx(found)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(0, 34)] * 2), st.integers(1, 20))
def test_after_a_change_it_is_as_if_made_anew(seed, corner, side):
    probability, valid = scene(seed, (35, 40))
    support = Support(probability, valid)
    box = tuple(slice(start, start + side) for start in corner)
    probability[box] = np.where(valid[box], 1 - probability[box], np.nan)
    support.update(box)
    np.testing.assert_allclose(support.mean, Support(probability, valid).mean, atol=1e-6)
