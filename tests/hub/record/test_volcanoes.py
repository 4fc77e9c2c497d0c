"""Volcanoes by name: the list, the nearest one, distance and bearing."""

import pytest

from hub.inference.verdict import Opinion, Verdict
from hub.record.volcanoes import known_volcanoes, nearest_volcano, volcanoes_within


def test_the_list_is_whole():
    volcanoes = known_volcanoes()
    assert len({volcano.number for volcano in volcanoes}) == len(volcanoes) > 1400
    assert all(-90 < item.latitude < 90 and -180 <= item.longitude <= 180 for item in volcanoes)
    assert all(item.name == item.name.strip() and "," not in item.name for item in volcanoes)
    named = {item.number: item.name for item in volcanoes}
    assert named[211060] == "Etna" and named[233020] == "Piton de la Fournaise"


@pytest.mark.parametrize(
    ("east", "north", "text"),
    [
        (0.0, 0.0, "at Etna"),
        (0.0, 0.09, "10.0 km N of Etna"),
        (-0.08, -0.0625, "9.9 km SW of Etna"),
        (0.1, 0.0, "8.8 km E of Etna"),
    ],
)
def test_distance_and_bearing_from_the_summit(east, north, text):
    near = nearest_volcano(14.999 + east, 37.748 + north)
    assert near.volcano.name == "Etna" and near.text == text


def test_out_of_reach_there_is_none_and_the_antimeridian_is_no_edge():
    assert nearest_volcano(0.0, 0.0) is None
    (far,) = [item for item in known_volcanoes() if item.longitude == 179.58]
    near = nearest_volcano(far.longitude - 360 + 0.05, far.latitude)
    assert near.volcano == far and near.distance_km < 10
    assert far in volcanoes_within((179.0, far.latitude - 1, 181.0, far.latitude + 1))
    assert "Erta Ale" in {item.name for item in volcanoes_within((40.6, 13.5, 41.0, 13.9))}


def test_a_verdict_names_the_volcano_it_is_near():
    opinion = Opinion("segmentation", "m", 0.95, (0.4, 0.9))
    verdict = Verdict(opinion, None, {"longitude": 40.67, "latitude": 13.65})
    assert verdict.text.endswith("N 40.670° E, 5.5 km N of Erta Ale.")
    assert Verdict(opinion, None, {"row": 3, "column": 4}).near is None
