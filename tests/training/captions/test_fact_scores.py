"""Scores of facts: by hand, where nothing is said, and adding up by sample."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.captions.fact_scores import (
    ATTRIBUTES,
    PATTERN,
    fact_counts,
    facts_scores,
    overall_counts,
    scores_from_counts,
)

SILL = "A sill-type deformation pattern of low intensity is visible on the top side. "
QUIET = "No deformation is visible. "
AIR = "Turbulent mixing of the atmosphere is visible across the region. "
NOISE = "Noise due to low coherence covers parts of the top-left area. "
CAPTIONS = [SILL, QUIET, AIR + QUIET, NOISE + SILL, NOISE + AIR, "Orbital fringes detected.", ""]


def test_by_hand():
    wrong = SILL.replace("low", "high").replace("sill", "dyke")
    scores = facts_scores([wrong + NOISE, AIR + QUIET], [SILL + AIR, AIR + QUIET])
    # Both say: deformation, place | turbulent, no deformation. The prediction alone: dyke, high,
    # noise and its place. The reference alone: sill, low, turbulent.
    assert scores["precision"] == pytest.approx(4 / 8)
    assert scores["recall"] == pytest.approx(4 / 7)
    assert scores["f1"] == pytest.approx(2 * 4 / (8 + 7))
    assert scores["kind_f1"] == scores["strength_f1"] == scores["pattern_f1"] == 0
    assert scores["place_f1"] == scores["deformation_f1"] == 1
    assert (scores["air_precision"], scores["air_recall"]) == (1, 0.5)
    assert scores["noise_precision"] == scores["noise_recall"] == 0
    assert math.isnan(scores["fringes_f1"])
    assert scores["exact"] == 0.5


def test_patterns_must_be_right_together():
    swapped = (
        "Two deformation patterns are visible: a sill-type of low intensity on the top side and "
        "a dyke-type of high intensity on the left side."
    )
    true = swapped.replace("sill", "*").replace("dyke", "sill").replace("*", "dyke")
    scores = facts_scores([swapped], [true])
    assert scores["f1"] == 1
    assert scores["pattern_f1"] == 0
    assert scores["exact"] == 0


def test_nothing_is_said():
    assert all(math.isnan(value) for value in facts_scores([], []).values())
    scores = facts_scores([""], [""])
    assert math.isnan(scores["f1"])
    assert scores["exact"] == 1
    scores = facts_scores(["", ""], [SILL, ""])
    assert scores["precision"] == scores["recall"] == scores["f1"] == 0
    with pytest.raises(ValueError, match="1 predictions for 2 references"):
        facts_scores([""], [SILL, ""])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(CAPTIONS), st.sampled_from(CAPTIONS)), max_size=6))
def test_counts_by_sample_add_up(pairs):
    predictions, references = [p for p, _ in pairs], [r for _, r in pairs]
    counts = fact_counts(predictions, references)
    assert set(counts) == {*ATTRIBUTES, PATTERN}
    assert overall_counts(counts).shape == (len(pairs), 3)
    scores = facts_scores(predictions, references)
    turned = facts_scores(references, predictions)
    for name, rows in counts.items():
        single = [fact_counts([p], [r])[name] for p, r in pairs]
        assert np.array_equal(rows, np.concatenate([np.zeros((0, 3), int), *single]))
        f1 = scores_from_counts(rows.sum(0))["f1"]
        np.testing.assert_equal(scores[f"{name}_f1"], float(f1))
        np.testing.assert_equal(scores[f"{name}_precision"], turned[f"{name}_recall"])
    same = facts_scores(references, references)
    assert all(value == 1 or math.isnan(value) for value in same.values())
