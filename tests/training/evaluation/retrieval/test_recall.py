"""Recall against counting by hand, chance against random orders, and who is right for a query."""

import numpy as np
import pytest

from training.evaluation.retrieval.recall import FIRST, measure_recall, recall

SILL = "A sill-type deformation pattern of low intensity is visible on the top side."
QUIET = "No deformation is visible."
AIR = "Turbulent mixing of the atmosphere is visible across the region. No deformation is visible."
REORDERED = "No deformation is visible. Turbulent mixing of the atmosphere is visible."


def test_by_hand():
    scores = np.array([[0.9, 0.5, 0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.9, 0.9, 0.9, 0.2]])
    right = np.array([[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1]], bool)
    found = recall(scores, right)
    # Ranks 2 and 3: of the three equal ones the right one is counted last.
    assert [found[f"recall_at_{k}"] for k in FIRST] == [0, 1, 1]
    assert found["mrr"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found["chance_at_1"] == pytest.approx((1 / 6 + 2 / 6) / 2)
    assert found["chance_at_10"] == 1
    assert found["queries"] == 2


def test_chance_is_what_random_orders_find():
    rng = np.random.default_rng(0)
    right = rng.random((4, 30)) < 0.1
    right[:, 0] = True
    drawn = [recall(rng.random((4, 30)), right)["recall_at_5"] for _ in range(2000)]
    assert recall(np.zeros((4, 30)), right)["chance_at_5"] == pytest.approx(
        np.mean(drawn), abs=0.02
    )


def test_which_samples_are_right():
    captions = [SILL, QUIET, AIR, REORDERED, QUIET]
    words = sorted({word for text in captions for word in text.split()})

    def embed(texts):
        counts = np.array([[text.split().count(word) for word in words] for text in texts], float)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)

    found = measure_recall(captions, embed(captions), embed, seed=0)
    assert found["same facts"]["queries"] == 4  # QUIET is asked once, and has two right ones
    assert found["same facts"]["recall_at_1"] == 1
    assert found["same facts"]["chance_at_1"] == pytest.approx((1 + 2 + 2 + 2) / 4 / 5)
    assert found["own"]["queries"] == 5
    assert found["own"]["recall_at_1"] == 3 / 5  # the two of QUIET cannot be told apart
    assert found["own"]["chance_at_5"] == 1
    assert 0 < found["short"]["chance_at_1"] < 1
    assert found == measure_recall(captions, embed(captions), embed, seed=0)
