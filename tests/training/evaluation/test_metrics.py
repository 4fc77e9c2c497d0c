import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn import metrics as sk

from training.evaluation.calibration import (
    calibration_error,
    fit_temperature,
    fit_temperature_counts,
    reliability,
)
from training.evaluation.metrics import (
    at_threshold,
    auroc,
    average_precision,
    best_threshold,
    bootstrap,
    count_levels,
    scores_of,
)


def test_a_million_scores_as_scikit_learn_has_them():
    rng = np.random.default_rng(0)
    targets = rng.random(1_000_000) < 0.06
    scores = rng.normal(targets * 0.8, 1).round(4)  # rounded, so that there are ties
    _, positives, negatives = count_levels(scores, targets)
    assert auroc(positives, negatives) == pytest.approx(sk.roc_auc_score(targets, scores), abs=1e-6)
    expected = sk.average_precision_score(targets, scores)
    assert average_precision(positives, negatives) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40))
def test_few_scores_with_many_ties(pairs):
    scores = np.array([float(score) for score, _ in pairs])
    targets = np.array([target for _, target in pairs])
    levels, positives, negatives = count_levels(scores, targets)
    if targets.any():
        expected = sk.average_precision_score(targets, scores)
        assert average_precision(positives, negatives) == pytest.approx(expected)
    if targets.any() and not targets.all():
        assert auroc(positives, negatives) == pytest.approx(sk.roc_auc_score(targets, scores))
    threshold = best_threshold(levels, positives, negatives)
    values = scores_of(**at_threshold(levels, positives, negatives, threshold))
    called = scores >= threshold
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        targets, called, average="binary", zero_division=0
    )
    assert values["precision"] == pytest.approx(precision)
    if targets.any():
        assert values["recall"] == pytest.approx(recall)
        assert values["f1"] == pytest.approx(f1)
        best = max(sk.f1_score(targets, scores >= level) for level in levels)
        assert values["f1"] == pytest.approx(best)


def test_weights_count_samples_as_often_as_repeating_them():
    rng = np.random.default_rng(1)
    scores, targets = rng.normal(size=50).round(1), rng.random(50) < 0.4
    weights = rng.integers(0, 4, (3, 50))
    _, positives, negatives = count_levels(scores, targets, weights)
    for row, weight in enumerate(weights):
        repeated = sk.roc_auc_score(np.repeat(targets, weight), np.repeat(scores, weight))
        assert auroc(positives, negatives)[row] == pytest.approx(repeated)


def test_undefined_metrics_are_nan():
    _, positives, negatives = count_levels(np.array([1.0, 2.0]), np.array([False, False]))
    assert np.isnan(auroc(positives, negatives))
    assert np.isnan(average_precision(positives, negatives))


def test_bootstrap_resamples_groups_not_samples():
    rng = np.random.default_rng(2)
    values = np.repeat(rng.normal(size=30), 20)  # 30 groups of 20 equal values
    groups = np.repeat(np.arange(30), 20)

    def mean(weights):
        return {"mean": weights @ values / weights.sum(-1)}

    low, high = bootstrap(mean, groups, seed=0)["mean"]
    expected = 2 * 1.96 * values.std() / np.sqrt(30)
    assert high - low == pytest.approx(expected, rel=0.15)
    low, high = bootstrap(mean, np.arange(600), seed=0)["mean"]
    assert high - low < expected / 3  # what resampling samples would claim


def test_temperature_recovers_the_factor_that_spoilt_the_logits():
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 2, (20_000, 2))
    targets = (rng.random(20_000) < expit(truth[:, 1] - truth[:, 0])).astype(int)
    assert fit_temperature(truth * 3, targets, multilabel=False) == pytest.approx(3, rel=0.05)
    hot = (rng.random(truth.shape) < expit(truth)).astype(float)
    assert fit_temperature(truth * 0.5, hot, multilabel=True) == pytest.approx(0.5, rel=0.05)


def test_temperature_of_counts_equals_that_of_samples():
    rng = np.random.default_rng(4)
    margins = rng.normal(0, 3, 5000).round(1)
    targets = rng.random(5000) < expit(margins / 2)
    logits = np.stack([np.zeros(5000), margins], 1)
    levels, positives, negatives = count_levels(margins, targets)
    assert fit_temperature_counts(levels, positives, negatives) == pytest.approx(
        fit_temperature(logits, targets.astype(int), multilabel=False), rel=1e-3
    )


def test_calibration_error():
    probabilities = np.array([0.1] * 10 + [0.9] * 10)
    outcomes = np.array([1] + [0] * 9 + [1] * 5 + [0] * 5)
    each = reliability(probabilities, outcomes, np.ones(20))
    assert calibration_error(*each) == pytest.approx((0 + 0.4) / 2)
    merged = reliability(np.array([0.1, 0.9]), np.array([0.1, 0.5]), np.array([10, 10]))
    assert calibration_error(*merged) == pytest.approx(0.2)
