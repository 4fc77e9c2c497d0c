"""Which rows of the dataset are shown as examples."""

import datetime

from hypothesis import given
from hypothesis import strategies as st
from page.inputs.catalogue import Entry
from page.inputs.examples import choose


def entry(number=0, **changes):
    day = datetime.date(2020, 1, 1 + number)
    values = {
        "split": "test",
        "sample_id": f"s{number:03d}",
        "frame_id": "f",
        "volcanoes": (),
        "primary_date": day,
        "secondary_dates": (day,),
        "positive": True,
        "activity_types": frozenset({"Sill"}),
        "intensity_levels": frozenset({"Low"}),
        "phases": ("Unrest",),
        "confidence": 0.8,
        "low_coherence": 0.0,
        "atmospheric_fringes": 1.0,
        "caption": "",
    }
    return Entry(**(values | changes))


QUIET = {"positive": False, "activity_types": frozenset(), "intensity_levels": frozenset()}


def test_examples_follow_their_rules():
    entries = [
        entry(0),
        entry(1, intensity_levels=frozenset({"High"})),
        entry(2, intensity_levels=frozenset({"High"}), low_coherence=1.0),
        entry(3, intensity_levels=frozenset({"High"}), split="train"),
        entry(4, activity_types=frozenset({"Sill", "Dyke"})),
        entry(5, activity_types=frozenset({"Earthquake"}), split="train"),
        entry(6, phases=("Rebound",)),
        entry(7, **QUIET, atmospheric_fringes=2.0),
        entry(8, **QUIET, atmospheric_fringes=3.0),
        entry(9, **QUIET, atmospheric_fringes=0.0),
    ]
    chosen = {example.title: example.entry.sample_id for example in choose(entries)}
    assert chosen == {
        "Sill": "s001",
        "Earthquake": "s005",
        "Rebound after unrest": "s006",
        "Strong atmosphere, no deformation": "s008",
        "Low coherence": "s002",
    }


@given(st.permutations(range(12)))
def test_examples_do_not_depend_on_the_order_of_rows(order):
    kinds = ["Sill", "Dyke", "Mogi"]
    rows = [entry(n, activity_types=frozenset({kinds[n % 3]}), low_coherence=n % 2) for n in order]
    ids = [example.entry.sample_id for example in choose(rows)]
    assert ids == ["s000", "s004", "s002", "s001"]
    assert len(set(ids)) == len(ids)
