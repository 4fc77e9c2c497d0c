"""What the page says in words."""

import numpy as np
from page.answers.analysis import Answer
from page.view import text

from hub.inference.prediction import Prediction
from hub.scenes.scene import make_scene
from tests.hub.models import make_facts


def test_a_mask_without_georeference_is_counted_in_pixels():
    scene = make_scene("a", np.ones((8, 8), "float32"))
    probability = np.zeros((8, 8), "float32")
    probability[2:5, 2:6] = 0.9
    answer = {"Non_Deformation": 0.1, "Deformation": 0.9}
    prediction = Prediction(
        scene,
        make_facts("smp"),
        "m",
        "local",
        "",
        probability,
        0.9,
        answer,
        0.5,
        (0.5, 0.5),
        (4.0, 4.0),
    )
    assert "12 pixels" in text.numbers(Answer(prediction))


def test_names_from_outside_are_escaped():
    evil = "<img src=x onerror=alert(1)>"
    scene = make_scene("a", np.ones((4, 4), "float32"))
    for shown in (text.notice(evil), text.scene_notice(scene, evil)):
        assert "<img" not in shown and "&lt;img" in shown
