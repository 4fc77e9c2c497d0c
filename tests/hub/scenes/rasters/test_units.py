"""What is a phase in radians, and what only looks like one."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene, read_options
from hub.scenes.rasters.raster import Raster
from hub.scenes.rasters.units import in_radians
from tests.hub.licsar import DEGREES, make_phase, write_tif

PHASE = make_phase(150, 180, fringes=5)
SMOOTH = np.sin(np.arange(150)[:, None] / 30) + np.cos(np.arange(180) / 40) + np.float32(0.01)
WAVELENGTH = 0.0555


def judged(values, kind="wrapped", units=None, **about):
    return in_radians(Raster("a.tif", values, DEGREES, "EPSG:4326", **about), kind, units)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.degrees(PHASE), "degrees"),
        (np.degrees(PHASE) % 360, "degrees"),
        (PHASE / (2 * np.pi), "cycles"),
        (np.where(PHASE == 0, 0, (PHASE / (2 * np.pi)) % 1), "cycles"),
        (PHASE / np.pi, "half cycles"),
        (PHASE * 200 / np.pi, "gradians"),
        (PHASE * 1000, "milliradians"),
        (PHASE * WAVELENGTH / 4 / np.pi, "metres"),
        (PHASE * WAVELENGTH / 4 / np.pi * 100, "centimetres"),
        (PHASE * WAVELENGTH / 4 / np.pi * 1000, "millimetres"),
        (np.cos(PHASE) * (PHASE != 0), "a real part, a cosine"),
        (np.cos(PHASE) * 200 * (PHASE != 0), "a real part"),
        (np.abs(np.sin(PHASE / 3)), "0..1"),
        (np.rint((PHASE + np.pi) * 40), "whole numbers only"),
        (np.full(PHASE.shape, 0.3), "single value"),
        (SMOOTH * 0.05, "far below the 2 pi"),
    ],
)
def test_other_units_are_refused_by_name(values, said):
    with pytest.raises(SceneError, match=said) as error:
        judged(values.astype("float32"))
    assert "--units" in str(error.value)


def test_whole_numbers_need_a_scale():
    with pytest.raises(SceneError, match="int16 without a scale"):
        judged((PHASE * 1000).astype("int16"), stored="int16")
    assert judged(PHASE, stored="int16", scaled=True).notes == ()


def test_phases_in_radians_are_taken_as_they_are():
    for values in (PHASE, PHASE % (2 * np.pi), PHASE.astype("float64")):
        found = judged(values)
        assert found.notes == () and found.values is values
    ramp = np.linspace(0, 40, PHASE.shape[1])[None] + np.zeros_like(PHASE)
    assert judged(ramp, "unwrapped").notes == ()
    noise = np.random.default_rng(0).uniform(-np.pi, np.pi, PHASE.shape)
    assert judged(noise).notes == ()


def test_a_quiet_phase_is_answered_with_a_question():
    (note,) = judged(SMOOTH).notes
    assert "was it radians?" in note


def test_units_that_are_insisted_on_are_converted():
    found = judged(np.degrees(PHASE), units="degrees")
    np.testing.assert_allclose(found.values, PHASE, atol=1e-5)
    assert "taken as degrees" in found.notes[0]
    metres = judged(-PHASE * 0.05546576 / 4 / np.pi, units="metres")
    np.testing.assert_allclose(metres.values, PHASE, atol=1e-5)
    assert judged(PHASE * 0.01, units="radians").notes == ()


def test_names_that_deny_a_phase_can_be_overruled(tmp_path):
    path = write_tif(tmp_path / "odd_dem.tif", PHASE)
    with pytest.raises(SceneError, match=r"elevation by its name, not a phase.*--as phase"):
        load_scene(path)
    scene = load_scene(path, options=read_options(role="phase"))
    assert np.array_equal(scene.insar_difference[0], PHASE)


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(1e-4, 1e4).filter(lambda scale: not 0.75 < scale < 1.4), offset=st.floats(-3, 3)
)
def test_a_wrapped_phase_on_any_other_scale_is_refused_or_questioned(scale, offset):
    values = (np.angle(np.exp(1j * (PHASE + offset))) * scale).astype("float32")
    with suppress(SceneError):
        assert judged(values).notes
