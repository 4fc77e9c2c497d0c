"""When two rasters are on one grid, and how a companion is brought to the phase's."""

import numpy as np
import pytest
from affine import Affine

from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene
from hub.scenes.rasters.raster import Raster, on_grid, plain_crs
from tests.hub.licsar import DEGREES, FRAME, make_phase, write_frame, write_tif
from tests.hub.pointwise import pointwise


def raster(grid, crs="EPSG:4326", shape=(100, 200), values=None):
    return Raster("a.tif", np.zeros(shape, "float32") if values is None else values, grid, crs)


@pytest.mark.parametrize(
    ("across", "west", "same"),
    [(1, 0, True), (1, 0.05, True), (1, 0.2, False), (1.0002, 0, True), (1.0095, 0, False)],
)
def test_all_four_corners_must_agree_to_a_tenth_of_a_pixel(across, west, same):
    a, _, c, _, e, f = DEGREES[:6]
    other = raster(Affine(a * across, 0, c + a * west, 0, e, f))
    assert raster(DEGREES).same_grid(other) == same


def test_a_pair_of_a_slightly_larger_pixel_is_refused(tmp_path):
    paths = write_frame(tmp_path)
    larger = Affine(DEGREES.a * 1.0095, 0, DEGREES.c, 0, DEGREES.e * 1.0095, DEGREES.f)
    write_tif(paths[1], make_phase(90, 120), larger)
    with pytest.raises(SceneError, match="another grid"):
        load_scene(paths)


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4326",
        'GEOGCS["WGS84(DD)",DATUM["WGS84",SPHEROID["WGS84",6378137.0,298.257223563]],'
        'PRIMEM["Greenwich",0.0],UNIT["degree",0.017453292519943295]]',
        "+proj=longlat +datum=WGS84 +no_defs",
    ],
)
def test_wgs_84_has_many_names(crs):
    assert plain_crs(crs) == "EPSG:4326"
    assert plain_crs("EPSG:32637") == "EPSG:32637" and plain_crs("EPSG:4322") == "EPSG:4322"


def test_south_up_is_turned(tmp_path):
    phase = make_phase(60, 70)
    south_up = Affine(DEGREES.a, 0, DEGREES.c, 0, -DEGREES.e, DEGREES.f + 60 * DEGREES.e)
    scene = load_scene(write_tif(tmp_path / "a.tif", phase[::-1], south_up))
    assert np.array_equal(scene.insar_difference[0], phase)
    assert scene.transform.almost_equals(DEGREES, 1e-9)


def test_longitudes_beyond_180_are_one_with_those_below(tmp_path):
    turned = Affine(DEGREES.a, 0, 290.0, 0, DEGREES.e, 10.0)
    west = Affine(DEGREES.a, 0, -70.0, 0, DEGREES.e, 10.0)
    paths = write_frame(tmp_path, transform=turned, secondaries=("20170115",))
    heights = np.arange(90 * 120, dtype="float32").reshape(90, 120) / 10
    write_tif(tmp_path / FRAME / "metadata" / f"{FRAME}.geo.hgt.tif", heights, west)
    scene = load_scene(paths)
    assert np.array_equal(scene.dem, heights)
    answer = pointwise(1).predict(scene).summary()
    assert -70 <= answer["most_probable_at"][0] <= -69.8
    assert answer["place"]["longitude"] == answer["most_probable_at"][0]
    assert answer["centroid_longitude"] is None or -70 <= answer["centroid_longitude"] <= -69.8


def test_an_elevation_that_covers_nothing_counts_as_missing(tmp_path):
    paths = write_frame(tmp_path)
    far = Affine(DEGREES.a, 0, 10.0, 0, DEGREES.e, 10.0)
    write_tif(tmp_path / FRAME / "metadata" / f"{FRAME}.geo.hgt.tif", make_phase(90, 120), far)
    scene = load_scene(paths)
    assert scene.dem is None
    assert "the elevation covers none of the phase, so it counts as missing" in scene.warnings[0]


def test_a_companion_in_another_projection_is_brought_to_the_phase():
    target = raster(Affine(100, 0, 660_000, 0, -100, 1_490_000), "EPSG:32637", (50, 60))
    x = np.tile(np.arange(400, dtype="float32"), (400, 1))
    wide = raster(Affine(0.001, 0, 40.3, 0, -0.001, 13.6), values=x)
    found = on_grid(wide, target)
    assert np.isfinite(found).all() and np.abs(np.diff(found, axis=1) - 0.924).max() < 0.05


def test_small_and_coarse_scenes_are_told(tmp_path):
    (path, *_) = write_frame(tmp_path / "small", 20, 25)
    notes = " ".join(pointwise(1).predict(path).warnings)
    assert "less than one window of the model (32 x 32)" in notes
    coarse = Affine(0.01, 0, 40, 0, -0.01, 13)
    (path, *_) = write_frame(tmp_path / "coarse", 40, 50, transform=coarse)
    assert "10.0 times coarser" in " ".join(pointwise(1).predict(path).warnings)
    fine = Affine(0.0001, 0, 40, 0, -0.0001, 13)
    (path, *_) = write_frame(tmp_path / "fine", 400, 500, transform=fine)
    assert "10.0 times finer" in " ".join(pointwise(1).predict(path).warnings)


def test_links_to_folders_are_followed_once(tmp_path):
    write_frame(tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "frame").symlink_to(tmp_path / "real" / FRAME)
    (tmp_path / "real" / FRAME / "round").symlink_to(tmp_path / "real")
    assert len(find_inputs([tmp_path / "linked"], 3)) == 1
