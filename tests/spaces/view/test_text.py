"""What the page says in words."""

import dataclasses
import datetime

import numpy as np
import pytest
from affine import Affine
from page.answers.analysis import Answer
from page.inputs.known import Known
from page.view import parts, sentence, text

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
    known = Known(note=evil, volcanoes=(evil,))
    for shown in (text.notice(evil), text.scene_notice(scene, known), text.progress(evil, 0.5, 1)):
        assert "<img" not in shown and "&lt;img" in shown


def place(scene, probability, known):
    """An answer for a scene, found where the scene's middle is."""
    limits = (0.3, 0.6)
    middle = scene.place(scene.width / 2, scene.height / 2)
    pixels = np.full(scene.nodata.shape, probability, "float32")
    classes = {"Non_Deformation": 1 - probability, "Deformation": probability}
    facts = make_facts("smp")
    prediction = Prediction(
        scene, facts, "m", "local", "", pixels, probability, classes, 0.5, limits, middle
    )
    return Answer(prediction, known)


def series(**more):
    dates = {
        "primary_date": datetime.date(2020, 1, 6),
        "secondary_dates": (datetime.date(2020, 1, 18), datetime.date(2020, 2, 11)),
    }
    where = {"transform": Affine(0.01, 0, -91.3, 0, -0.01, -0.7), "crs": "EPSG:4326"}
    return make_scene("a", np.ones((2, 20, 20), "float32"), **dates, **where, **more)


def test_the_sentence_names_volcano_distance_and_dates():
    summit = Known(volcanoes=("Sierra Negra",), summit=(-91.17, -0.83))
    said = sentence.sentence(place(series(), 0.9, summit))
    assert said.startswith("Ground deformation is likely at Sierra Negra, 5 km north-west of")
    assert said.endswith("between 6 January 2020 and 11 February 2020 (36 days).")
    quiet = sentence.sentence(place(series(), 0.1, summit))
    assert quiet.startswith("No ground deformation was found at Sierra Negra between 6 January")
    unsure = sentence.sentence(place(series(), 0.5, Known()))
    assert unsure.startswith("Whether the ground moved between 6 January")


def test_a_volcano_of_the_worlds_list_is_named_where_nothing_else_is_known():
    said = sentence.sentence(place(series(), 0.9, Known()))
    assert "of the summit" in said and "Sierra Negra" in said
    assert "summit" not in sentence.sentence(place(series(), 0.9, Known(simulated=True)))


def test_a_quiet_scene_says_why_its_mask_is_empty_at_any_threshold():
    quiet = place(series(), 0.1, Known())
    quiet = Answer(dataclasses.replace(quiet.prediction, evidence=quiet.probability)).at(0.05)
    said = text.numbers(quiet)
    assert "above 0.05, 0 patches, none being drawn in a scene without deformation" in said
    assert "none being drawn" not in text.numbers(place(series(), 0.9, Known()))


def test_what_would_look_alike_comes_from_the_scene():
    noisy = series(insar_coherence=np.full((2, 20, 20), 30, "uint8"))
    said = " ".join(sentence.lookalikes(place(noisy, 0.9, Known())))
    assert "coherence is 0.12" in said and "share it" in said and "elevation" not in said
    y, x = np.mgrid[:80, :80] / 80
    height = (2000 * np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.05)).astype("float32")
    phase = np.angle(np.exp(1j * (height / 1000 * 5 + 0.5))).astype("float32")
    layered = make_scene("a", phase, dem=height)
    said = " ".join(sentence.lookalikes(place(layered, 0.9, Known())))
    assert "follows the elevation" in said and "without coherence" in said


def test_two_empty_masks_have_no_iou():
    scene = series(reference=np.zeros((20, 20)))
    answer = place(scene, 0.1, Known())
    assert "the known mask is empty, too" in text.numbers(answer)
    assert answer.summary()["iou_with_reference"] is None


def test_what_is_simulated_is_marked_and_volcanoes_are_named():
    shown = text.scene_notice(series(), Known(volcanoes=("Etna",), simulated=True))
    assert "Simulated" in shown and "Etna" in shown
    assert "Simulated" not in text.scene_notice(series(), Known(volcanoes=("Etna",)))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (3, "5 seconds"), (31, "35 seconds"), (59, "1 minute left"), (200, "4 minutes")],
)
def test_the_time_that_is_left(seconds, said):
    assert said in text.remaining(seconds)


def test_nobody_is_told_to_run_a_command_again():
    said = parts.for_visitors("x.tif is no phase: give it, or say --as phase if it is one")
    assert said == "x.tif is no phase: give it"
    said = parts.for_visitors(
        "the Hub limits the rate of requests to x; run the same command again in 9 s, it sends "
        "only what is missing"
    )
    assert said == "the Hub limits the rate of requests to x; try again in 9 s"
    said = parts.for_visitors(
        "the Hub failed (500) at x; run the same command again, it sends only what is missing"
    )
    assert said.endswith("; try again in a few minutes")
