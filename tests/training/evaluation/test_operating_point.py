"""The threshold that validation sets is the one that a test row meets, however well they part."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from training.data.tasks import Task
from training.evaluation.calibration import fit_temperature, to_margin, to_probability
from training.evaluation.operating_point import choose_temperature, choose_threshold
from training.evaluation.predictions import BINS, Predictions
from training.evaluation.report import overall_metrics
from training.evaluation.scenes import FALSE_ALARMS, MISSES, choose_limits

IMAGES = Task("binary", "classification", "union", 1)
PIXELS = Task("binary", "segmentation", "union", 1)


def of_images(margins, truth):
    logits = np.zeros((len(margins), 1, 2), "float32")
    logits[:, 0, 1] = margins
    targets = np.asarray(truth, "int64")[:, None]
    return Predictions(IMAGES, np.zeros(len(margins)), logits, targets)


def stored(validation):
    """What a run's model.json keeps: a probability and a temperature."""
    threshold = choose_threshold(validation)
    temperature = choose_temperature(validation, threshold)
    return float(to_probability(threshold, temperature)), temperature


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-60, 60, width=32), min_size=1, max_size=20),
    st.floats(0, 1),
    st.floats(0.05, 20),
)
@example([16.0, 17.0, -745.0], 1.0, 0.05)
@example([0.0, -1e-17, 1e-45], 0.5, 1.0)
@example([3.0], 0.0, 1.0)
def test_a_threshold_says_the_same_as_margin_and_as_probability(margins, probability, temperature):
    margin = to_margin(probability, temperature)
    near = [np.nextafter(margin, end) for end in (-np.inf, np.inf)] if probability else []
    values = np.array([*margins, margin, *near])
    reached = to_probability(values, temperature) >= probability
    np.testing.assert_array_equal(values >= margin, reached)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0, 80, width=32), min_size=1, max_size=10),
    st.lists(st.floats(-80, 0, width=32), min_size=1, max_size=10),
    st.floats(1e-3, 40),
    st.floats(-60, 60),
)
@example([12.0] * 8, [0.0] * 8, 12.0, 0.0)  # far apart: the likelihood asks for no end
@example([0.0], [0.0], 1e-3, 50.0)  # all on one side
def test_a_split_without_a_mistake_leaves_a_threshold_that_can_be_met(above, below, gap, shift):
    margins = np.float32([*(x + gap + shift for x in above), *(x + shift for x in below)])
    truth = np.arange(len(margins)) < len(above)
    assume(margins[truth].min() > margins[~truth].max())
    validation = of_images(margins, truth)
    threshold, temperature = stored(validation)
    assert 1e-6 < threshold < 1 - 1e-6
    metrics = overall_metrics(validation, to_margin(threshold, temperature))
    assert metrics["recall"] == metrics["precision"] == 1
    if gap >= 1:
        single = np.float32(to_probability(margins, temperature))  # as a raster has it
        assert single[~truth].max() < threshold <= single[truth].min()


@pytest.mark.parametrize("seen", [20, 1_000_000])
def test_pixels_without_a_mistake(seen):
    histogram = np.zeros((1, 2, BINS), "int64")
    histogram[0, 1, -1], histogram[0, 0, 0] = seen, seen
    validation = Predictions(PIXELS, np.zeros(1), histogram=histogram)
    threshold, temperature = stored(validation)
    assert overall_metrics(validation, to_margin(threshold, temperature))["recall"] == 1
    assert 0.5 < to_probability(16.0, temperature).astype("float32") < 1
    test = np.zeros_like(histogram)
    test[0, 1, -40:], test[0, 0, :40] = 1, 1  # a little less sure
    found = overall_metrics(
        Predictions(PIXELS, np.zeros(1), histogram=test), to_margin(threshold, temperature)
    )
    assert found["precision"] == 1


def test_few_samples_without_a_mistake_give_no_certainty():
    logits = np.repeat(np.eye(3) * 9, 10, 0)
    codes = np.repeat(np.arange(3), 10)
    for targets, multilabel in ((codes, False), (np.eye(3)[codes], True)):
        temperature = fit_temperature(logits, targets, multilabel)
        margin = 9 - np.log(2) if not multilabel else 9
        assert 0.8 < to_probability(margin, temperature) < 0.99, temperature


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), min_size=1, max_size=60))
@example([(1.0, True), (1.0, False)])
def test_the_two_limits_keep_what_they_promise(scenes):
    scores, deforming = (np.array(column) for column in zip(*scenes, strict=True))
    limits = choose_limits(scores.astype(float), deforming.astype(bool))
    if deforming.all() or not deforming.any():
        assert limits is None
        return
    low, high = limits
    assert 0 <= low <= high <= 1
    assert (scores[~deforming] >= high).mean() <= FALSE_ALARMS or high == 1
    assert (scores[deforming] < low).mean() <= MISSES


def test_the_limits_are_as_close_as_they_may_be():
    scores = np.linspace(0, 1, 201)
    deforming = np.random.default_rng(0).random(201) < scores
    low, high = choose_limits(scores, deforming)
    assert low < 0.5 < high
    quiet, moving = scores[~deforming], scores[deforming]
    assert (quiet >= high - 0.02).mean() > FALSE_ALARMS and (moving < low + 0.03).mean() > MISSES
    parted = choose_limits(np.array([0.1, 0.2, 0.8]), np.array([False, False, True]))
    assert parted == (pytest.approx(0.5), pytest.approx(0.5))  # never unsure
