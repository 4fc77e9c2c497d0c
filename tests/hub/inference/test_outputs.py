"""The files of a prediction: rasters on the input's grid, polygons, numbers and the figure."""

import csv
import json

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from hub.inference.outputs import feature_collection, save_prediction
from tests.hub.pointwise import frame_scene, pointwise


def test_geojson_across_the_antimeridian_stays_within_180_degrees():
    middle = Affine(0.001, 0, 179.93, 0, -0.001, -16.5)
    east = Affine(0.001, 0, 181.93, 0, -0.001, -16.5)
    for transform in (middle, east):
        scene = frame_scene(120, 140, transform=transform, crs="EPSG:4326")
        prediction = pointwise(threshold=0.6).predict(scene)
        shapes = [
            shapely.geometry.shape(feature["geometry"])
            for feature in feature_collection(prediction)["features"]
        ]
        west, _, east_edge, _ = shapely.total_bounds(shapes)
        assert -180 <= west <= east_edge <= 180 and all(shape.is_valid for shape in shapes)
        assert sum(shape.area for shape in shapes) == pytest.approx(
            sum(region.polygon.area for region in prediction.regions)
        )
        assert -180 <= prediction.summary()["centroid_longitude"] <= 180


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(0.001, 0, 40.6, 0, -0.001, 13.9), "EPSG:4326"),
        (Affine(80, 0, 240_000, 0, -80, 1_500_000), "EPSG:32637"),
    ],
)
def test_files_lie_on_the_inputs_grid(tmp_path, transform, crs):
    scene = frame_scene(120, 140, transform=transform, crs=crs)
    prediction = pointwise(threshold=0.6).predict(scene)
    assert prediction.mask.any() and not prediction.mask.all()
    paths = save_prediction(prediction, tmp_path / "out")
    rasters = {"probability", "mask", "probability_style", "mask_style", "geojson", "kmz"}
    assert set(paths) == rasters | {"csv", "figure", "quicklook", "json"}
    assert sorted(tmp_path.glob("out/*")) == sorted(paths.values())
    for kind, nodata in (("probability", np.nan), ("mask", 255)):
        with rasterio.open(paths[kind]) as file:
            assert (file.shape, file.count) == ((120, 140), 1)
            assert file.transform.almost_equals(transform, 1e-9)
            assert file.crs == rasterio.CRS.from_string(crs)
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            np.testing.assert_equal(file.nodata, nodata)
            values = file.read(1)
            assert file.tags()["MODEL"] == "pointwise"
        if kind == "probability":
            np.testing.assert_array_equal(values, prediction.probability)
        else:
            assert np.array_equal(values == 1, prediction.mask)
            assert np.array_equal(values == 255, scene.nodata)
    collection = json.loads(paths["geojson"].read_text())
    area = sum(feature["properties"]["area_km2"] for feature in collection["features"])
    summary = json.loads(paths["json"].read_text())
    assert summary["area_km2"] == pytest.approx(area, rel=1e-3)
    west, east = 36, 42
    for feature in collection["features"]:
        assert shapely.geometry.shape(feature["geometry"]).exterior.is_ccw
        for longitude, latitude in feature["geometry"]["coordinates"][0]:
            assert west < longitude < east and 12 < latitude < 15
    (row,) = csv.DictReader(paths["csv"].open())
    assert float(row["probability"]) == summary["probability"]
    assert row["secondary_dates"] == "20170201; 20170202"
    picture = np.asarray(Image.open(paths["figure"]).convert("L"))
    assert min(picture.shape) > 500 and picture.std() > 20


def test_a_turned_grid_is_drawn_in_pixels(tmp_path):
    turned = Affine(0.00094, 0.00034, 40, 0.00034, -0.00094, 13)
    scene = frame_scene(200, 60, transform=turned, crs="EPSG:4326")
    assert save_prediction(pointwise().predict(scene), tmp_path)["figure"].stat().st_size > 10_000


def test_without_a_place_there_is_no_map(tmp_path):
    prediction = pointwise().predict(frame_scene(60, 60, transform=None, crs=None))
    paths = save_prediction(prediction, tmp_path)
    assert "geojson" not in paths
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(paths["mask"]) as file:
        assert file.crs is None
    assert prediction.summary()["area_km2"] is None


def test_a_classification_has_no_rasters(tmp_path):
    prediction = pointwise(kind="timm").predict(frame_scene(60, 60))
    assert set(save_prediction(prediction, tmp_path)) == {"csv", "figure", "quicklook", "json"}


def test_low_coherence_is_said_and_depends_on_the_mask():
    scene = frame_scene(60, 60)
    scene.insar_coherence[:] = np.minimum(scene.insar_coherence, 30)
    prediction = pointwise(threshold=0.0).predict(scene)
    assert "mean coherence" in prediction.all_warnings[-1]
    assert prediction.summary()["mean_coherence"] == pytest.approx(30 / 255, abs=1e-3)


def test_the_same_scene_gives_the_same_bytes(tmp_path):
    kept = []
    for name in "ab":
        paths = save_prediction(pointwise().predict(frame_scene(60, 60)), tmp_path / name)
        kept.append({kind: path.read_bytes() for kind, path in paths.items()})
    assert kept[0] == kept[1]
