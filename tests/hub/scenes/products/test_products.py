"""Each product in its own layout: the planted source at its place to a pixel, the sign right."""

import datetime
import gzip
import re
import shutil

import h5py
import numpy as np
import pytest
import rasterio
import torch
from pyproj import Transformer
from scipy.io import netcdf_file
from torch import nn

from hub.inference.detector import Detector
from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene
from tests.hub.facts import make_facts
from tests.hub.scenes.products import planted, written


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


def place_of_uplift(grid, crs):
    x, y = grid.c + grid.a * (planted.UPLIFT[1] + 0.5), grid.f + grid.e * (planted.UPLIFT[0] + 0.5)
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)


@pytest.mark.parametrize("name", written.PRODUCTS)
def test_the_planted_uplift_is_found_at_its_place(tmp_path, name, detector):
    write, product, has_coherence, has_elevation = written.PRODUCTS[name]
    scene = load_scene(write(tmp_path))
    projected = scene.crs != "EPSG:4326"
    grid, crs = (planted.UTM_GRID, planted.UTM) if projected else (planted.GRID, "EPSG:4326")
    answer = detector.predict(scene).summary()
    assert (
        np.abs(np.subtract(answer["most_probable_at"], place_of_uplift(grid, crs))).max() <= 0.001
    )
    assert answer["product"] == product
    assert answer["range_increase"] == (None if product == "raster" else "positive")
    assert (answer["primary_date"], answer["secondary_dates"]) == (planted.FIRST, [planted.SECOND])
    assert (scene.insar_coherence is not None) == has_coherence
    if has_coherence:
        at = planted.UPLIFT
        assert scene.insar_coherence[0][at] == pytest.approx(planted.COHERENCE[at] * 255, abs=1)
    assert (scene.dem is not None) == has_elevation or name == "gmtsar"
    if scene.dem is not None:
        assert scene.dem[planted.UPLIFT] == pytest.approx(planted.HEIGHTS[planted.UPLIFT], abs=1)
    assert np.array_equal(scene.nodata, planted.ABSENT)


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
    assert [f"{date:%Y%m%d}" for date in scene.secondary_dates] == [planted.SECOND, "20170127"]
    assert scene.product == "mintpy" and scene.insar_coherence is not None
    assert scene.dem[planted.UPLIFT] == planted.HEIGHTS[planted.UPLIFT]
    place = detector.predict(scene.last(1)).most_probable_at
    assert np.abs(np.subtract(place, place_of_uplift(planted.GRID, "EPSG:4326"))).max() <= 0.001
    assert len(find_inputs([tmp_path], 1)) == 2


def test_what_is_no_phase_is_refused_by_what_it_is(tmp_path):
    folder = written.hyp3(tmp_path / "hyp3")
    for kind, what in (
        ("dem", "elevation"),
        ("corr", "coherence"),
        ("lv_theta", "angle"),
        ("los_disp", "displacement"),
        ("water_mask", "mask"),
        ("amp", "amplitude"),
    ):
        (path,) = folder.glob(f"*_{kind}.tif")
        with pytest.raises(SceneError, match=f"{what}.*not a phase"):
            load_scene(path)
    written.gmtsar(tmp_path)
    with pytest.raises(SceneError, match=r"displacement.*not a phase"):
        load_scene(tmp_path / "intf" / "2017002_2017014" / "los_ll.grd")
    described = planted.tif(tmp_path / "a.tif", planted.COHERENCE)
    with rasterio.open(described, "r+") as file:
        file.descriptions = ("coh_VV",)
    with pytest.raises(SceneError, match="coherence"):
        load_scene(described)
    with h5py.File(tmp_path / "geo_velocity.h5", "w") as file:
        file["velocity"] = planted.HEIGHTS
    with pytest.raises(SceneError, match=r"displacement.*not a phase"):
        load_scene(tmp_path / "geo_velocity.h5")


def test_radar_coordinates_are_refused_with_what_to_do(tmp_path):
    path = written.mintpy(tmp_path / "mintpy")
    with h5py.File(path, "a") as file:
        del file.attrs["X_FIRST"]
    with pytest.raises(SceneError, match=r"radar coordinates.*geocode"):
        load_scene(path)
    grid = written.gmtsar(tmp_path).rename(tmp_path / "phasefilt.grd")
    with netcdf_file(grid, "a") as file:
        file.variables["lon"][:] = np.arange(planted.WIDTH) * 4.0
    with pytest.raises(SceneError, match=r"radar coordinates.*proj_ra2ll"):
        load_scene(grid)
    isce = written.isce2(tmp_path / "isce")
    radar = isce.with_name("filt_topophase.unw")
    isce.rename(radar)
    header = isce.with_name(f"{isce.name}.xml").read_text()
    plain = re.sub(r"<component.*</component>", "", header)
    radar.with_name(f"{radar.name}.xml").write_text(plain)
    with pytest.raises(SceneError, match=r"radar coordinates.*geocode"):
        load_scene(radar)


def test_pictures_and_texts_beside_a_product_are_passed_over(tmp_path):
    path = written.licsar(tmp_path)
    rgb = np.zeros((4, 4), "uint8")
    planted.tif(path.with_suffix(".png"), rgb, driver="PNG", grid=None, crs=None)
    (path.parent / "notes.txt").write_text("hello")
    assert len(find_inputs([tmp_path], 1)) == 1
    assert len(find_inputs(sorted(path.parent.iterdir()), 1)) == 1


def test_gzip_capitals_and_zips_are_read_as_they_are(tmp_path):
    path = written.licsar(tmp_path / "plain")
    wanted = load_scene(path).fingerprint()
    shutil.make_archive(str(tmp_path / "frame"), "zip", tmp_path / "plain")
    assert load_scene(tmp_path / "frame.zip").fingerprint() == wanted
    for other in list((tmp_path / "plain").rglob("*.tif")):
        other.with_name(f"{other.name}.gz").write_bytes(gzip.compress(other.read_bytes()))
        other.unlink()
    assert load_scene(tmp_path / "plain").fingerprint() == wanted
    assert not list((tmp_path / "plain").rglob("*.properties"))
