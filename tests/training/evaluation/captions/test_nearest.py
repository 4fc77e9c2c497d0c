"""The nearest image: alike up to a constant phase, told apart by fringes, place and noise."""

import numpy as np

from training.evaluation.captions.nearest import BLOCKS, describe, nearest

ROWS, COLUMNS = np.mgrid[:96, :80].astype("float32")


def bowl(row, column, fringes=2.0):
    distance = np.hypot(ROWS - row, COLUMNS - column)
    return np.angle(np.exp(2j * np.pi * fringes * np.exp(-((distance / 20) ** 2)))) + 1e-3


def noise(seed):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, ROWS.shape)


def test_nearest_whatever_the_offset():
    known = np.stack([describe(bowl(30, 30)), describe(bowl(70, 50)), describe(noise(0))])
    asked = [bowl(68, 52), np.angle(np.exp(1j * (bowl(31, 29) + 2.5))), noise(1)]
    assert nearest(np.stack([describe(phase) for phase in asked]), known).tolist() == [1, 0, 2]


def test_no_data_says_nothing():
    half = bowl(30, 30)
    half[:, 40:] = 0
    told = describe(half).reshape(BLOCKS, BLOCKS)
    assert np.all(told[:, BLOCKS // 2 :] == 0)
    assert np.allclose(told[:, : BLOCKS // 2], describe(bowl(30, 30)).reshape(16, 16)[:, :8])
    half[:, 40:] = np.nan
    assert np.array_equal(told.ravel(), describe(half))
    assert np.abs(describe(noise(2))).max() < np.abs(told).max() <= 1 + 1e-12
