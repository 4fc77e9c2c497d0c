"""A first look at a quarter of the time, and an end on request."""

import numpy as np
import pytest

from hub.inference.detector import FIRST_LOOK
from hub.inference.scanning.windows import Cancelled
from tests.hub.pointwise import frame_scene, pointwise


@pytest.mark.parametrize(("steps", "dates"), [(2, 2), (1, 3)])
def test_a_first_look_is_of_the_whole_scene_and_changes_nothing(steps, dates):
    scene, detector = frame_scene(steps=dates), pointwise(steps)
    looks, reports = [], []

    def look(prediction):
        looks.append((prediction, reports[-1]))

    found = detector.predict(scene, None, lambda *done: reports.append(done), first_look=look)
    ((first, (done, total)),) = looks
    assert 0.15 < done / total < 0.45
    assert reports[-1] == (total, total) and reports == sorted(set(reports))
    assert first.warnings[0] == FIRST_LOOK and FIRST_LOOK not in found.warnings
    # What a pixel says depends here on itself alone, so that few windows say all there is.
    np.testing.assert_allclose(first.probability, found.probability, atol=1e-5)
    assert first.verdict.decision == found.verdict.decision
    plain = detector.predict(scene)
    np.testing.assert_allclose(found.probability, plain.probability, atol=1e-6)
    assert found.image_probability == pytest.approx(plain.image_probability, abs=1e-6)


def test_a_classifier_looks_first_too():
    scene, detector = frame_scene(), pointwise(kind="timm")
    looks, reports = [], []
    found = detector.predict(
        scene, progress=lambda *done: reports.append(done), first_look=looks.append
    )
    (first,) = looks
    assert first.image_probability <= found.image_probability
    assert first.warnings[0] == FIRST_LOOK
    assert reports[-1][0] == reports[-1][1] and len(set(reports)) == len(reports)
    plain = detector.predict(scene)
    assert (found.place, found.image_probability) == (plain.place, plain.image_probability)


@pytest.mark.parametrize("kind", ["smp", "timm"])
def test_a_caller_may_give_up_between_batches(kind):
    reports = []
    with pytest.raises(Cancelled):
        pointwise(kind=kind).predict(
            frame_scene(),
            progress=lambda *done: reports.append(done),
            cancel=lambda: len(reports) >= 3,
        )
    assert len(reports) == 3 and reports[-1][0] < reports[-1][1]
