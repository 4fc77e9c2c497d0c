"""To the training's pixels and back, with phase treated as the angle it is."""

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer

from hub.inference.resampling import on_training_pixels, to_input_pixels, to_training_pixels
from hub.scenes.checks import SceneError
from hub.scenes.scene import make_scene

PIXEL = 0.001
UTM = "EPSG:32637"


def place_of(scene):
    """Longitude and latitude of each pixel's middle."""
    y, x = np.mgrid[: scene.height, : scene.width] + 0.5
    transform = scene.transform
    easting = transform.a * x + transform.b * y + transform.c
    northing = transform.d * x + transform.e * y + transform.f
    to_degrees = Transformer.from_crs(scene.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(easting, northing)
    return longitude % 360, latitude


def ramp(longitude, latitude):
    """A phase that wraps many times, as a function of place."""
    return 400 * (longitude - 40.6) + 250 * (latitude - 13.5)


def scene_on(transform, crs, shape=(160, 200)):
    blank = make_scene("a", np.ones(shape, "float32"), transform=transform, crs=crs)
    longitude, latitude = place_of(blank)
    phase = np.angle(np.exp(1j * ramp(longitude, latitude))).astype("float32")
    dem = (1000 * longitude).astype("float32")
    coherence = np.full(shape, 0.5, "float32")
    return make_scene("a", phase, coherence, dem, transform=transform, crs=crs)


GRIDS = {
    "utm 40 m": (Affine(40, 0, 240_000, 0, -40, 1_500_000), UTM, (300, 320)),
    "utm 250 m": (Affine(250, 0, 240_000, 0, -250, 1_500_000), UTM, (60, 80)),
    "rotated": (Affine(84.6, 30.8, 240_000, 30.8, -84.6, 1_500_000), UTM, (150, 160)),
    "south up": (Affine(PIXEL, 0, 40.6, 0, PIXEL, 13.4), "EPSG:4326", (120, 130)),
    "antimeridian": (Affine(100, 0, 820_000, 0, -100, 1_500_000), "EPSG:32660", (90, 160)),
    "fine degrees": (Affine(0.0004, 0, 40.6, 0, -0.0004, 13.5), "EPSG:4326", (250, 260)),
}


@pytest.mark.parametrize("grid", GRIDS)
def test_phase_is_resampled_as_an_angle(grid):
    scene = scene_on(*GRIDS[grid])
    worked = to_training_pixels(scene, PIXEL, 10**7)
    assert worked.crs == "EPSG:4326" and worked.transform.a == PIXEL == -worked.transform.e
    assert worked.transform.c / PIXEL == pytest.approx(round(worked.transform.c / PIXEL), abs=1e-6)
    truth = ramp(*place_of(worked))
    error = np.abs(np.angle(np.exp(1j * (worked.insar_difference[0] - truth))))
    # Where numbers were interpolated instead, pixels at the jumps would be off by up to pi.
    assert np.percentile(error[~worked.nodata], 97) < 0.15
    inside = ~worked.nodata & np.isfinite(worked.dem)
    assert np.abs(worked.dem - 1000 * place_of(worked)[0])[inside].mean() < 0.3
    assert (worked.insar_coherence[0][inside] == 128).mean() > 0.97


@pytest.mark.parametrize("grid", GRIDS)
def test_an_answer_returns_to_the_inputs_pixels(grid):
    scene = scene_on(*GRIDS[grid])
    worked = to_training_pixels(scene, PIXEL, 10**7)
    longitude, latitude = place_of(worked)
    values = (10 * longitude + 3 * latitude).astype("float32")[None].copy()
    values[:, worked.nodata] = np.nan
    back = to_input_pixels(values, worked, scene)[0]
    longitude, latitude = place_of(scene)
    error = np.abs(back - (10 * longitude + 3 * latitude))
    assert np.isfinite(back).mean() > 0.97
    assert np.nanpercentile(error, 99) < 0.005


def test_no_data_does_not_bleed():
    scene = scene_on(*GRIDS["utm 40 m"])
    phase = scene.insar_difference.copy()
    phase[0, 100:200, 100:200] = np.nan
    holed = make_scene("a", phase, scene.insar_coherence, transform=scene.transform, crs=scene.crs)
    worked = to_training_pixels(holed, PIXEL, 10**7)
    truth = ramp(*place_of(worked))
    error = np.abs(np.angle(np.exp(1j * (worked.insar_difference[0] - truth))))
    assert error[~worked.nodata].max() < 0.5
    rows, columns = (np.linspace(0, size - 1, 9).astype(int) for size in worked.nodata.shape)
    assert worked.nodata[rows[4], columns[4]] and not worked.nodata[rows[2], columns[2]]


def test_a_training_grid_is_left_alone():
    scene = scene_on(Affine(PIXEL, 0, 40.6004, 0, -PIXEL, 13.5), "EPSG:4326")
    assert on_training_pixels(scene, PIXEL)
    assert to_training_pixels(scene, PIXEL, 10**7) is scene
    placeless = make_scene("a", np.ones((4, 4), "float32"))
    assert to_training_pixels(placeless, PIXEL, 10**7) is placeless


def test_neighbouring_cuts_share_their_pixels():
    transform, crs, _ = GRIDS["utm 40 m"]
    whole = scene_on(transform, crs, (300, 320))
    part = scene_on(Affine(40, 0, 242_400, 0, -40, 1_498_400), crs, (200, 220))
    big, small = (to_training_pixels(scene, PIXEL, 10**7) for scene in (whole, part))
    row = round((big.transform.f - small.transform.f) / PIXEL)
    column = round((small.transform.c - big.transform.c) / PIXEL)
    window = big.insar_difference[0][row : row + small.height, column : column + small.width]
    inner = slice(6, -6)
    both = ~small.nodata[inner, inner]
    difference = (window - small.insar_difference[0])[inner, inner][both]
    assert np.abs(np.angle(np.exp(1j * difference))).max() < 5e-3


def test_places_that_cannot_be():
    flat = np.ones((4, 4), "float32")
    with pytest.raises(SceneError, match="no coordinate system"):
        make_scene("a", flat, transform=Affine(1, 0, 0, 0, -1, 0), crs="EPSG:0")
    with pytest.raises(SceneError, match="no area"):
        make_scene("a", flat, transform=Affine(1, 1, 0, 1, 1, 0), crs="EPSG:4326")
    vast = make_scene(
        "a", np.ones((40, 40), "float32"), transform=Affine(1, 0, 0, 0, -1, 40), crs="EPSG:4326"
    )
    with pytest.raises(SceneError, match="at most 10 million"):
        to_training_pixels(vast, PIXEL, 10**7)
