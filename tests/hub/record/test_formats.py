"""What other programs open: KMZ, QGIS styles, the mask's colours, STAC."""

import dataclasses
import io
import json
import zipfile
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource

from dataset_script.errors import DataError
from hub.inference.outputs import save_prediction
from hub.record.formats.quicklook import SIDE, quicklook
from hub.record.table import Record
from hub.record.views.stac import write_stac
from tests.hub.pointwise import frame_scene, pointwise

KINDS = ("probability", "mask", "styles", "geojson", "kmz", "json")
KML = {"k": "http://www.opengis.net/kml/2.2"}
UTM = Affine(100, 0, 700_000, 0, -100, 1_530_000)
DATELINE = Affine(0.001, 0, 179.93, 0, -0.001, -16.5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of a scene in degrees, of one in UTM and of one across the antimeridian."""
    folder = tmp_path_factory.mktemp("files")
    detector = pointwise(1)
    found = {}
    for name, place in (
        ("degrees", {}),
        ("utm", {"transform": UTM, "crs": "EPSG:32637"}),
        ("dateline", {"transform": DATELINE}),
    ):
        # Here many patches hold over a square kilometre.
        prediction = detector.predict(frame_scene(90, 140, 1, **place), threshold=0.4)
        found[name] = (prediction, save_prediction(prediction, folder / name, None, KINDS))
    return found


@pytest.mark.parametrize("name", ["degrees", "utm", "dateline"])
def test_a_kmz_has_the_overlay_and_the_outlines_where_they_are(saved, name):
    prediction, paths = saved[name]
    with zipfile.ZipFile(paths["kmz"]) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read("doc.kml"))
        overlay = np.asarray(Image.open(io.BytesIO(archive.read("probability.png"))))
    assert root.tag == f"{{{KML['k']}}}kml"
    box = root.find(".//k:LatLonBox", KML)
    north, south, east, west = (
        float(box.find(f"k:{edge}", KML).text) for edge in ("north", "south", "east", "west")
    )
    assert prediction.summary()["bounds"] == pytest.approx([west, south, east, north], abs=1e-6)
    assert root.find(".//k:Icon/k:href", KML).text == "probability.png"
    # The picture is opaque where the probability is high, clear where there is no data.
    assert overlay.shape[2] == 4 and overlay[..., 3].max() > 100 and overlay[..., 3].min() == 0
    polygons = []
    for element in root.iterfind(".//k:Polygon", KML):
        rings = [
            [tuple(map(float, place.split(",")[:2])) for place in ring.text.split()]
            for ring in element.iterfind(".//k:coordinates", KML)
        ]
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
        assert polygons[-1].is_valid
    drawn = shapely.union_all(polygons)
    collection = json.loads(paths["geojson"].read_text())
    expected = shapely.union_all(
        [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    )
    assert drawn.symmetric_difference(expected).area < 1e-4 * expected.area
    assert -180 <= drawn.bounds[0] <= drawn.bounds[2] <= 180
    style = root.find(".//k:Placemark/k:styleUrl", KML).text
    assert root.find(f".//k:Style[@id='{style[1:]}']", KML) is not None


def test_a_mask_has_colours_and_every_raster_a_style_of_its_values(saved):
    _, paths = saved["degrees"]
    with rasterio.open(paths["mask"]) as file:
        colours = file.colormap(1)
        assert set(np.unique(file.read(1))) <= {0, 1, 255}
        assert file.colorinterp[0] == rasterio.enums.ColorInterp.palette
    assert colours[0][:3] == (255, 255, 255) and colours[1][:3] == (216, 27, 96)
    for kind, renderer, entries in (
        ("mask", "paletted", "paletteEntry"),
        ("probability", "singlebandpseudocolor", "item"),
    ):
        style = paths[f"{kind}_style"]
        assert style.stem == paths[kind].stem  # QGIS finds it by the raster's own name
        root = ElementTree.parse(style).getroot()
        assert root.tag == "qgis"
        (drawn,) = root.iterfind("./pipe/rasterrenderer")
        assert drawn.get("type") == renderer and drawn.get("band") == "1"
        values = [float(entry.get("value")) for entry in drawn.iter(entries)]
        assert values == sorted(values)
        assert values == ([0, 1, 255] if kind == "mask" else pytest.approx(np.linspace(0, 1, 6)))
        if kind == "mask":
            for entry in drawn.iter(entries):
                value = int(entry.get("value"))
                named = tuple(int(entry.get("color")[n : n + 2], 16) for n in (1, 3, 5))
                assert value == 255 or colours[value][:3] == named


def test_a_quicklook_shows_what_is_around_the_place():
    phase = np.zeros((600, 500), np.float32)
    mask = np.zeros(phase.shape, bool)
    mask[290:310, 240:260] = True
    picture = np.asarray(quicklook(phase, np.zeros(phase.shape, bool), mask, 300, 250))
    assert picture.shape == (SIDE, SIDE, 3)
    assert (picture == (216, 27, 96)).all(axis=2).any()
    edge = np.asarray(quicklook(phase, np.ones(phase.shape, bool), None, 599, 0))
    assert (edge == 217).all() and edge.shape == (SIDE, SIDE, 3)
    assert quicklook(phase[:40, :60], mask[:40, :60], None, 0, 0).size == (SIDE, 170)


@pytest.fixture(scope="module")
def catalogue(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    record = Record(folder)
    for name, (prediction, _) in saved.items():
        scene = dataclasses.replace(prediction.scene, name=name)
        renamed = dataclasses.replace(prediction, scene=scene)
        paths = save_prediction(renamed, folder, {"input": name}, KINDS)
        answer = json.loads(paths["json"].read_text())
        record.add({**answer, "source": name})
    record.add({**answer, "scene": "nowhere", "bounds": None, "source": "x"})
    return write_stac(folder), folder


def problems(kind, stac_object):
    """What the specification's own schema, which pystac ships, has against an object."""
    schemas = get_local_schema_cache()
    registry = Registry().with_resources(
        (uri, Resource.from_contents(schema)) for uri, schema in schemas.items()
    )
    (own,) = (schema for uri, schema in schemas.items() if uri.endswith(f"/{kind}.json"))
    validator = jsonschema.Draft7Validator(own, registry=registry)
    return [error.message for error in validator.iter_errors(stac_object.to_dict())]


def test_a_record_is_a_valid_static_catalogue(catalogue):
    written, folder = catalogue
    assert (written.items, written.left_out) == (3, 1)
    collection = pystac.Collection.from_file(str(written.collection))
    items = list(collection.get_items())
    assert not problems("collection", collection)
    for item in items:
        assert not problems("item", item)
        with rasterio.open(item.assets["probability"].get_absolute_href()) as file:
            assert list(file.shape) == item.properties["proj:shape"]
            assert f"EPSG:{file.crs.to_epsg()}" == item.properties["proj:code"]
        assert item.properties["decision"] and item.properties["model"] == "pointwise"
    assert str(folder) not in written.collection.read_text()  # it can be moved
    again = write_stac(folder, "https://example.org/record/")
    collection = pystac.Collection.from_file(str(again.collection))
    assets = collection.get_item("degrees").assets
    assert assets["mask"].href == "https://example.org/record/degrees_mask.tif"


def test_what_is_no_record_is_said(tmp_path):
    with pytest.raises(DataError, match="holds no predictions"):
        write_stac(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        write_stac(tmp_path / "nothing")
