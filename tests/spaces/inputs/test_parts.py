"""A window of a scene."""

import numpy as np
import pytest
from page.errors import PageError
from page.inputs.parts import cut_part

from hub.scenes.scene import make_scene
from tests.spaces.scenes import PLACE


def scene():
    phase = np.random.default_rng(1).uniform(-3, 3, (2, 90, 120)).astype("float32")
    phase[:, 60:] = 0
    coherence = np.full(phase.shape, 200, "uint8")
    coherence[:, 60:] = 0
    return make_scene("a", phase, coherence, phase[0], transform=PLACE, crs="EPSG:4326")


def test_a_part_lies_where_it_lay():
    whole = scene()
    part = cut_part(whole, "10,20,50,80")
    np.testing.assert_array_equal(part.insar_difference, whole.insar_difference[:, 10:50, 20:80])
    np.testing.assert_array_equal(part.dem, whole.dem[10:50, 20:80])
    assert part.place(3, 4) == pytest.approx(whole.place(23, 14))
    assert "only a part" in part.warnings[-1] and part.name != whole.name
    assert cut_part(whole, "-5,-5,40,40").insar_difference.shape == (2, 40, 40)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("", "Draw a box"),
        ("a,b,c,d", "Draw a box"),
        ("10,10,20,20", "draw one of at least 32"),
        ("200,200,300,300", "draw one of at least 32"),
        ("50,50,10,10", "draw one of at least 32"),
        ("58,0,90,90", None),
        ("60,0,120,120", "no data in the box"),
    ],
)
def test_boxes_that_hold_nothing(box, said):
    if said is None:
        assert cut_part(scene(), box).height == 32
        return
    whole = scene()
    if "no data" in said:
        whole = make_scene("b", np.vstack([np.ones((60, 120)), np.zeros((60, 120))]).astype("f4"))
    with pytest.raises(PageError, match=said):
        cut_part(whole, box)
