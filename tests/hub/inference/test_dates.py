"""A model of one date on several: the largest answer counts, and each date's is kept on request."""

import numpy as np
import pytest
from affine import Affine

from hub.inference.detector import Detector
from hub.inference.scanning import networks
from hub.scenes.scene import make_scene
from tests.hub.facts import make_facts
from tests.hub.pointwise import Pointwise, frame_scene, pointwise


def alone(scene, step):
    """A step of a scene as a scene of its own."""
    place = {"transform": scene.transform, "crs": scene.crs}
    return make_scene(
        "step", scene.insar_difference[step], scene.insar_coherence[step], scene.dem, **place
    )


@pytest.mark.parametrize("half", [False, True], ids=["in full", "in half precision"])
def test_the_largest_counts_and_each_dates_is_kept_where_it_is_asked_for(half, monkeypatch):
    if half:
        monkeypatch.setattr(networks, "has_half_precision", lambda: True)
        monkeypatch.setattr(networks, "MANY_PIXELS", 0)
    facts = make_facts("smp", steps=1)
    scene = frame_scene(steps=3)
    detector = Detector(Pointwise(3, reach=9), facts, "m", device="cpu", full_precision=not half)
    prediction = detector.predict(scene, each_date=True)
    each = [detector.predict(alone(scene, step)).probability for step in range(3)]
    np.testing.assert_allclose(prediction.probability, np.fmax.reduce(each), atol=1e-6 + half / 50)
    assert "one date at a time" in prediction.warnings[0]
    kept = prediction.by_date
    assert kept.dtype == np.float16 and kept.shape == (3, scene.height, scene.width)
    np.testing.assert_allclose(kept.max(axis=0), prediction.probability, atol=1e-3)
    for found, expected in zip(kept, each, strict=True):
        there = np.isfinite(expected)
        np.testing.assert_allclose(found[there], expected[there], atol=1e-3 + half / 50)
    assert np.isnan(kept[:, scene.nodata]).all()
    assert detector.predict(scene).by_date is None


def test_each_dates_answer_comes_back_to_the_scenes_own_grid():
    utm = Affine(60, 0, 240_000, 0, -60, 1_500_000)
    scene = frame_scene(200, 240, transform=utm, crs="EPSG:32637")
    prediction = pointwise(steps=1).predict(scene, each_date=True)
    assert prediction.by_date.shape == scene.insar_difference.shape
    shown = ~scene.nodata & np.isfinite(prediction.probability)
    off = prediction.probability[shown] - prediction.by_date.max(axis=0)[shown]
    # The largest of means between pixels is at most the mean of the largest.
    assert off.min() > -1e-3 and (off < 0.02).mean() > 0.97 and off.max() < 0.15


@pytest.mark.parametrize("steps", [2, 3])
def test_dates_that_are_judged_together_have_one_answer(steps):
    assert pointwise(steps=2).predict(frame_scene(steps=steps), each_date=True).by_date is None
