"""The conventions that every scene keeps."""

import numpy as np
import pytest

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from hub.scenes.scene import make_scene
from tests.hub.phases import phase_of


def test_unwrapped_phase_is_wrapped_and_said():
    phase = phase_of() * 10
    scene = make_scene("a", phase)
    assert np.abs(scene.insar_difference).max() <= np.pi + 1e-6
    np.testing.assert_allclose(
        np.exp(1j * scene.insar_difference[0]), np.exp(1j * phase), atol=1e-5
    )
    assert "wrapped" in scene.warnings[0]


def test_no_data_is_nan_the_mask_and_exact_zeros():
    phase, coherence = phase_of(), np.full((20, 24), 100, "uint8")
    phase[0, 0] = np.nan
    phase[1, :2], coherence[1, 0] = 0, 0
    explicit = np.zeros((20, 24), bool)
    explicit[2, 2] = True
    scene = make_scene("a", phase, coherence, nodata=explicit)
    assert {tuple(at) for at in np.argwhere(scene.nodata)} == {(0, 0), (1, 0), (2, 2)}
    assert (scene.insar_difference[0][scene.nodata] == 0).all()
    assert (scene.insar_coherence[0][scene.nodata] == 0).all()


def test_a_pixel_with_data_in_one_step_is_data():
    phase = phase_of(steps=2)
    phase[0, 3] = np.nan
    scene = make_scene("a", phase)
    assert not scene.nodata.any()
    assert scene.absent(0)[3].all() and not scene.absent(1).any()


@pytest.mark.parametrize(
    ("coherence", "stored"),
    [
        (np.float32([[0.0, 0.5], [1.0, 0.2]]), [[0, 128], [255, 51]]),
        (np.float32([[0.0, 128], [255, 51]]), [[0, 128], [255, 51]]),
        (np.uint16([[0, 1], [1, 1]]), [[0, 1], [1, 1]]),
    ],
)
def test_the_coherence_scale_is_told_by_type_and_range(coherence, stored):
    scene = make_scene("a", np.ones((2, 2), "float32"), coherence)
    assert scene.insar_coherence[0].tolist() == stored


def test_the_fingerprint_is_of_pixels_and_place():
    phase = phase_of()
    scene = make_scene("a", phase)
    assert scene.fingerprint() == make_scene("b", phase).fingerprint()
    phase[0, 0] += 0.1
    assert scene.fingerprint() != make_scene("a", phase).fingerprint()
    assert scene.fingerprint() != make_scene("a", phase_of(), crs="EPSG:4326").fingerprint()


def test_what_is_no_scene(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(SceneError, match="no kind of file"):
        load_scene(tmp_path / "note.txt")
    with pytest.raises(SceneError, match="does not exist"):
        load_scene(tmp_path / "nothing.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -3.4e38, 1e20])
def test_what_is_no_phase_is_no_data(value):
    phase = phase_of().astype("float64")
    phase[3, 4] = value
    scene = make_scene("a", phase, dem=np.where(np.isnan(phase), np.nan, phase * 1e3))
    assert np.argwhere(scene.nodata).tolist() == [[3, 4]]
    assert np.isfinite(scene.insar_difference).all() and scene.warnings == ()
