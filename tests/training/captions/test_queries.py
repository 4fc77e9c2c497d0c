"""Short queries ask for facts of their caption, and are told from what does not hold."""

import numpy as np
import pytest

from training.captions.facts import read_facts
from training.captions.queries import holds, short_query

CAPTIONS = [
    "A sill-type deformation pattern of low intensity is visible on the top side. The atmosphere "
    "has little effect.",
    "Noise due to low coherence covers parts of the top-left area. Turbulent mixing of the "
    "atmosphere is visible across the region. No deformation is visible. Glacier fringes are "
    "visible.",
    "Vertical stratification along the relief and turbulent mixing of the air are visible. Two "
    "deformation patterns are visible: a dyke-type of high intensity on the central-left side and "
    "an unidentified of low intensity on the top side. An earthquake has deformed the ground on "
    "the bottom side.",
    "The interferogram is corrupted.",
]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_queries_hold_of_their_caption_and_are_understood(caption):
    facts, rng = read_facts(caption), np.random.default_rng(0)
    asked = {short_query(facts, rng) for _ in range(200)}
    assert all(holds(read_facts(query), facts) for query in asked)
    assert not any(read_facts(query).unread for query in asked)
    assert "" not in asked
    assert len(asked) > 20 or "corrupted" in asked


def test_the_same_draws_give_the_same_query():
    facts = read_facts(CAPTIONS[2])
    first, second = (short_query(facts, np.random.default_rng(7)) for _ in range(2))
    assert first == second
    assert short_query(read_facts(""), np.random.default_rng(0)) == ""


@pytest.mark.parametrize(
    ("query", "true_of"),
    [
        ("a sill", [0]),
        ("a sill of low intensity on the top without atmosphere", [0]),
        ("a sill of high intensity", []),
        ("a dyke on the top", []),
        ("no deformation", [1]),
        ("deformation", [0, 2]),
        ("an earthquake and stratified atmosphere", [2]),
        ("noise on the bottom", []),
        ("turbulent atmosphere, noise", [1]),
        ("orbital fringes", []),
        ("with little atmosphere", [0]),
        ("", [0, 1, 2, 3]),
    ],
)
def test_what_holds(query, true_of):
    asked = read_facts(query)
    assert [i for i, caption in enumerate(CAPTIONS) if holds(asked, read_facts(caption))] == true_of
