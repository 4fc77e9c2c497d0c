"""What is said of a single pixel."""

import numpy as np
import pytest
from page.answers.analysis import Answer
from page.answers.pixels import at_pixel
from page.errors import PageError

from tests.hub.pointwise import frame_scene, pointwise

AT, STILL = (70, 90), (20, 150)


def test_dates_that_are_judged_alone_have_a_probability_each():
    answer = Answer(pointwise(steps=1).predict(frame_scene(steps=3), each_date=True))
    found = at_pixel(answer.scene, answer, AT, STILL)
    each = [step["probability"] for step in found["steps"]]
    np.testing.assert_allclose(each, answer.prediction.by_date[:, *AT], atol=1e-4)
    assert found["probability"] == pytest.approx(max(each), abs=1e-3)
    assert "the largest of the dates" in found["probability_of"]
    hidden = answer.scene.nodata.argmax()
    nothing = at_pixel(answer.scene, answer, divmod(int(hidden), answer.scene.width), STILL)
    assert {step["probability"] for step in nothing["steps"]} == {None}


def test_dates_that_are_judged_together_have_one():
    answer = Answer(pointwise(steps=2).predict(frame_scene(steps=2), each_date=True))
    found = at_pixel(answer.scene, answer, AT, STILL)
    assert {step["probability"] for step in found["steps"]} == {None}
    assert "judges together" in found["probability_of"] and found["probability"] is not None


def test_one_date_needs_no_words():
    answer = Answer(pointwise(steps=1).predict(frame_scene(steps=1), each_date=True))
    assert at_pixel(answer.scene, answer, AT, STILL)["probability_of"] == ""
    assert at_pixel(answer.scene, None, AT, STILL)["probability"] is None
    with pytest.raises(PageError, match="outside of the scene"):
        at_pixel(answer.scene, answer, (0, 170), STILL)
