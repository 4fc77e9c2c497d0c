"""Each product in its own layout: the planted source at its place to a pixel, the sign right."""

import datetime

import numpy as np
import pytest
import torch
from pyproj import Transformer
from torch import nn

from hub.inference.detector import Detector
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene
from tests.hub.facts import make_facts
from tests.hub.scenes.products import written


class Nearer(nn.Module):
    """Marks what came nearer: the more negative the phase, the surer."""

    def forward(self, planes):
        nearer = -4 * (planes[:, :1] + 1)
        return torch.cat([-nearer, nearer], 1)


@pytest.fixture(scope="module")
def detector():
    facts = make_facts("smp", ("insar_difference",), 1, mean=(0.0,), std=(1.0,), temperature=1.0)
    return Detector(Nearer(), facts, "nearer", device="cpu")


def place_of(scene, at):
    x, y = scene.place(at[1] + 0.5, at[0] + 0.5)
    return Transformer.from_crs(scene.crs, "EPSG:4326", always_xy=True).transform(x, y)


def planted(grid, crs):
    x, y = grid.c + grid.a * (written.UPLIFT[1] + 0.5), grid.f + grid.e * (written.UPLIFT[0] + 0.5)
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)


@pytest.mark.parametrize("name", written.PRODUCTS)
def test_the_planted_uplift_is_found_at_its_place(tmp_path, name, detector):
    write, product, has_coherence, has_elevation = written.PRODUCTS[name]
    scene = load_scene(write(tmp_path))
    projected = scene.crs != "EPSG:4326"
    grid, crs = (written.UTM_GRID, written.UTM) if projected else (written.GRID, "EPSG:4326")
    answer = detector.predict(scene).summary()
    assert np.abs(np.subtract(answer["most_probable_at"], planted(grid, crs))).max() <= 0.001
    assert answer["product"] == product
    assert answer["range_increase"] == (None if product == "raster" else "positive")
    assert (answer["primary_date"], answer["secondary_dates"]) == (written.FIRST, [written.SECOND])
    assert (scene.insar_coherence is not None) == has_coherence
    if has_coherence:
        at = written.UPLIFT
        assert scene.insar_coherence[0][at] == pytest.approx(written.COHERENCE[at] * 255, abs=1)
    assert (scene.dem is not None) == has_elevation or name == "gmtsar"
    if scene.dem is not None:
        assert scene.dem[written.UPLIFT] == pytest.approx(written.HEIGHTS[written.UPLIFT], abs=1)
    assert np.array_equal(scene.nodata, written.ABSENT)


@pytest.mark.parametrize("name", written.PRODUCTS)
def test_a_folder_of_the_product_holds_one_interferogram(tmp_path, name):
    written.PRODUCTS[name][0](tmp_path / "in")
    found = find_inputs([tmp_path / "in"], 1)
    assert len(found) == 1
    scene = found[0].load()
    assert scene.primary_date == datetime.date(2017, 1, 3) and scene.steps == 1


@pytest.mark.parametrize("phase", ["wrapPhase", "unwrapPhase"])
def test_a_stack_of_mintpy_is_a_series(tmp_path, phase, detector):
    path = written.mintpy(tmp_path, phase)
    (series,) = find_inputs([path], 4)
    scene = series.load()
    assert [f"{date:%Y%m%d}" for date in scene.secondary_dates] == [written.SECOND, "20170127"]
    assert scene.product == "mintpy" and scene.insar_coherence is not None
    assert scene.dem[written.UPLIFT] == written.HEIGHTS[written.UPLIFT]
    place = detector.predict(scene.last(1)).most_probable_at
    assert np.abs(np.subtract(place, planted(written.GRID, "EPSG:4326"))).max() <= 0.001
    assert len(find_inputs([tmp_path], 1)) == 2
