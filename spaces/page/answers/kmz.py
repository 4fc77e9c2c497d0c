"""A result for Google Earth: the probability as an overlay and the mask's outlines (KML 2.2)."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import numpy as np
from affine import Affine
from PIL import Image
from rasterio.transform import array_bounds
from rasterio.warp import Resampling, calculate_default_transform, reproject

from dataset_script.pictures.colours import colour_map
from hub.inference.outputs import feature_collection
from hub.inference.prediction import Prediction

LONGEST_SIDE = 1500
"""Pixels of the overlay's longer side at most."""


def kmz(prediction: Prediction) -> bytes:
    """The KMZ of a georeferenced mask.

    Args:
        prediction: Of a segmentation model, on a scene with a place on Earth.
    """
    root = ElementTree.Element("kml", xmlns="http://www.opengis.net/kml/2.2")
    document = _add(root, "Document")
    _add(document, "name", prediction.scene.name)
    said = f"{prediction.verdict.text} Research, not an alert."
    _add(document, "description", said)
    picture, (west, south, east, north) = _overlay(prediction)
    overlay = _add(document, "GroundOverlay")
    _add(overlay, "name", "Probability of deformation")
    _add(_add(overlay, "Icon"), "href", "probability.png")
    box = _add(overlay, "LatLonBox")
    for side, value in (("north", north), ("south", south), ("east", east), ("west", west)):
        _add(box, side, f"{value:.8f}")
    for feature in feature_collection(prediction)["features"]:
        _add_patch(document, feature)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        archive.writestr("doc.kml", text)
        archive.writestr("probability.png", picture)
    return buffer.getvalue()


def _overlay(prediction: Prediction) -> tuple[bytes, tuple[float, float, float, float]]:
    """The probability on a grid of longitude and latitude as PNG; west, south, east, north."""
    scene, probability = prediction.scene, prediction.probability
    assert probability is not None and scene.transform is not None
    height, width = probability.shape
    bounds = array_bounds(height, width, scene.transform)
    transform, columns, rows = calculate_default_transform(
        scene.crs, "EPSG:4326", width, height, *bounds
    )
    shrunk = max(1.0, max(rows, columns) / LONGEST_SIDE)
    rows, columns = max(1, int(rows / shrunk)), max(1, int(columns / shrunk))
    a, b, c, d, e, f = transform[:6]
    coarse = Affine(a * shrunk, b * shrunk, c, d * shrunk, e * shrunk, f)
    bounds = array_bounds(rows, columns, coarse)
    values = np.full((rows, columns), np.nan, np.float32)
    reproject(
        probability,
        values,
        src_transform=scene.transform,
        src_crs=scene.crs,
        src_nodata=np.nan,
        dst_transform=coarse,
        dst_crs="EPSG:4326",
        dst_nodata=np.nan,
        resampling=Resampling.nearest,
    )
    colours = colour_map("lajolla")(np.nan_to_num(values))
    # What is improbable hides nothing of the ground.
    colours[..., 3] = np.where(np.isfinite(values), 0.8 * np.nan_to_num(values), 0)
    buffer = io.BytesIO()
    Image.fromarray((colours * 255).round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue(), bounds


def _add_patch(document: ElementTree.Element, feature: dict[str, Any]) -> None:
    properties, geometry = feature["properties"], feature["geometry"]
    mark = _add(document, "Placemark")
    _add(mark, "name", f"{properties['area_km2']:.2f} km²")
    _add(mark, "description", f"mean probability {properties['mean_probability']:.3f}")
    style = _add(mark, "Style")
    line = _add(style, "LineStyle")
    _add(line, "color", "ffffffff")
    _add(line, "width", "2")
    _add(_add(style, "PolyStyle"), "fill", "0")
    parts = geometry["coordinates"]
    several = _add(mark, "MultiGeometry")
    for rings in parts if geometry["type"] == "MultiPolygon" else [parts]:
        polygon = _add(several, "Polygon")
        for number, ring in enumerate(rings):
            place = _add(polygon, "innerBoundaryIs" if number else "outerBoundaryIs")
            text = " ".join(f"{x},{y}" for x, y in ring)
            _add(_add(place, "LinearRing"), "coordinates", text)


def _add(parent: ElementTree.Element, name: str, text: str = "") -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name)
    child.text = text or None
    return child
