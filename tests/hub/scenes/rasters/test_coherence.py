"""The scale of a coherence, and what is no coherence."""

import numpy as np
import pytest

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene, read_options
from hub.scenes.rasters.coherence import doubts_of, to_bytes
from hub.scenes.rasters.raster import Raster
from hub.scenes.scene import make_scene
from tests.hub.licsar import DEGREES, make_phase, write_frame, write_tif

UNIT = np.clip(np.random.default_rng(0).normal(0.6, 0.2, (60, 70)), 0, 1).astype("float32")


def scaled(values, scale=None):
    return to_bytes(Raster("cc.tif", values, DEGREES, "EPSG:4326", values.dtype.name), scale)


def edited(values, at, value):
    values = values.copy()
    values[at] = value
    return values


@pytest.mark.parametrize("over", [1.0000002, 1.02, 1.5, 40.0])
def test_a_pixel_over_1_decides_nothing(over):
    found = scaled(edited(UNIT, (3, 4), over)).values
    assert found[3, 4] == 255
    others = np.ones(UNIT.shape, bool)
    others[3, 4] = False
    assert np.array_equal(found[others], np.rint(UNIT * 255).astype("uint8")[others])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (UNIT * 100, "0..100"),
        (np.rint(UNIT * 100).astype("uint8"), "0..100"),
        (UNIT * 1000, "0..1000"),
        (np.rint(UNIT * 1000).astype("int16"), "0..1000"),
        (np.rint(UNIT * 10000).astype("int16"), "not known"),
        (UNIT - 0.5, "never negative"),
    ],
)
def test_other_scales_are_refused_by_name_and_can_be_insisted_on(values, said):
    with pytest.raises(SceneError, match=said) as error:
        scaled(values)
    assert "--coherence-scale" in str(error.value)
    if said != "never negative":
        scale = {"0..100": 100, "0..1000": 1000, "not known": 10000}[said]
        wanted = np.rint(UNIT * 255)
        assert np.abs(scaled(values, scale).values.astype(int) - wanted).max() <= 2


def test_bytes_and_fractions_are_known():
    stored = np.rint(UNIT * 255).astype("uint8")
    for values in (UNIT, stored, stored.astype("float32"), stored.astype("int16")):
        assert np.array_equal(scaled(values).values, stored)


def test_a_coherence_that_contradicts_its_phase_is_questioned(tmp_path):
    phase = make_phase(90, 120)
    smooth = np.full(phase.shape, 200, "uint8")
    assert doubts_of(smooth, phase) is None
    assert "it is 0" in doubts_of(np.zeros_like(smooth), phase)
    assert "only 0 and 1 of 255" in doubts_of((smooth > 0).astype("uint8"), phase)
    half = np.where(np.arange(120) % 40 < 30, 0, smooth).astype("uint8")
    assert "the phase is smooth" in doubts_of(half, phase)
    noise = np.random.default_rng(0).uniform(-np.pi, np.pi, phase.shape).astype("float32")
    assert doubts_of(half, noise) is None
    (path, *_) = write_frame(tmp_path)
    write_tif(path.with_name(path.name.replace("diff_pha", "cc")), smooth * 0)
    scene = load_scene(path)
    assert scene.insar_coherence is None and "coherence was left out" in scene.warnings[0]


def test_coherence_on_the_command_line_is_used_or_refused(tmp_path):
    path = write_tif(tmp_path / "a_phase.tif", make_phase(90, 120))
    unit = write_tif(tmp_path / "other" / "b.tif", np.full((90, 120), 0.5, "float32"))
    scene = load_scene(path, options=read_options(coherence=[unit], elevation=unit))
    assert scene.insar_coherence.max() == 128 and scene.dem.max() == 0.5
    (tmp_path / "empty.tif").touch()
    with pytest.raises(SceneError, match=r"empty.tif is empty: it is still"):
        load_scene(path, options=read_options(coherence=[tmp_path / "empty.tif"]))
    with pytest.raises(SceneError, match="2 coherences were given for one phase"):
        load_scene(path, options=read_options(coherence=[unit, unit]))


def test_fractions_of_a_row_stay_fractions():
    row = {"insar_difference": make_phase(30, 40), "insar_coherence": np.full((30, 40), 0.8)}
    assert load_scene(row).insar_coherence.max() == 204
    assert (
        make_scene("a", row["insar_difference"], np.full((30, 40), 0.8)).insar_coherence.max()
        == 204
    )
