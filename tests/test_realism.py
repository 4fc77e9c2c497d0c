"""The measures that compare simulated interferograms with real ones."""

import importlib.util
import sys

import numpy as np
import pytest

from tests.places import ROOT, SHARED

SIDE = 192


@pytest.fixture(scope="module")
def realism():
    spec = importlib.util.spec_from_file_location("realism", ROOT / "docs" / "realism.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def crop(realism, phase, coherence=None):
    """A crop with a square of deformation in a corner and a strip without data."""
    coherence = np.full(phase.shape, 210.0) if coherence is None else coherence
    outline = np.zeros(phase.shape, bool)
    outline[:24, :24] = True
    nodata = np.zeros(phase.shape, bool)
    nodata[:, -12:] = True
    wrapped = np.angle(np.exp(1j * phase)).astype(np.float32)
    return realism.Crop("made", wrapped, coherence.astype(np.float32), nodata, outline)


def test_white_noise_is_measured_as_such(realism):
    rng = np.random.default_rng(0)
    rows = realism.measure(crop(realism, rng.normal(0, 0.1, (SIDE, SIDE))))
    assert rows["phase noise at coherence 192..224, rad"] == pytest.approx(0.1, rel=0.03)
    assert np.isnan(rows["phase noise at coherence 32..48, rad"])
    assert abs(rows["phase noise, correlation of neighbours"]) < 0.05
    assert rows["spectral power above 1/4 cycle, coherent land"] > 1e-3
    assert rows["nodata, %"] == pytest.approx(100 * 12 / SIDE)


def test_fringes_are_counted_inside_and_outside(realism):
    ramp = 2 * np.pi * 0.03 * np.arange(SIDE) * np.ones((SIDE, 1))
    rows = realism.measure(crop(realism, ramp))
    for place in ("inside", "outside"):
        found = rows[f"fringes per 100 pixels {place}, quantile 50"]
        assert found == pytest.approx(3, rel=0.02)
    assert rows["phase noise at coherence 192..224, rad"] < 1e-3


def test_sharp_borders_are_told_from_gentle_ones(realism):
    step = np.where(np.arange(SIDE) < SIDE // 2, 30.0, 220.0) * np.ones((SIDE, 1))
    gentle = np.linspace(30, 220, SIDE) * np.ones((SIDE, 1))
    sharp, soft = (
        realism.measure(crop(realism, np.zeros((SIDE, SIDE)), coherence))
        for coherence in (step, gentle)
    )
    edge = "at a sharp coherence edge, %"
    assert sharp[edge] == pytest.approx(100 * 4 / (SIDE - 12), rel=0.3)
    assert soft[edge] == 0
    assert sharp["coherence 16 to 64, %"] > 50


def test_table_says_which_rows_lie_within_the_real_spread(realism):
    real = [{"a": value, "b": value} for value in (1.0, 2.0, 3.0)]
    lines = realism.table(real, [{"a": 2.0, "b": 9.0}, {"a": np.nan, "b": 9.0}]).splitlines()
    assert lines[2].endswith("| yes |") and lines[3].endswith("| no |")
    assert "not at hand" in realism.table([], [{"a": 2.0}])


def test_real_crops_measure_as_published(realism):
    """The reference's column is of 37 crops, 12 of which are at hand."""
    crops = realism.real_crops(SHARED / "real" / "crops")
    if not crops:
        pytest.skip("the real crops are not beside this checkout (../shared/real/crops)")
    rows = [realism.measure(crop) for crop in crops[::3]]
    name = "coherence autocorrelation at 1 pixel"
    assert np.mean([row[name] for row in rows]) == pytest.approx(0.972, abs=0.015)
    name = "coherence minus its 3 x 3 median, deviation"
    assert np.mean([row[name] for row in rows]) == pytest.approx(4.2, abs=1)
