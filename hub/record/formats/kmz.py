"""A scene for Google Earth: the probability as an overlay and the mask's outlines, in one KMZ.

KML is OGC 12-007r2, which lets the longitudes of an overlay across the antimeridian go beyond 180.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import shapely
from affine import Affine
from PIL import Image
from rasterio.warp import Resampling, reproject

from hub.record.formats.styles import probability_colour

MAX_SIDE = 1024
"""Pixels of the overlay's longer side."""
DEGREES = 1e-7
"""A centimetre: outlines are rounded to it."""
_NAMESPACE = "http://www.opengis.net/kml/2.2"
_DATE = (1980, 1, 1, 0, 0, 0)


def write_kmz(
    path: Path,
    title: str,
    description: str,
    probability: np.ndarray,
    transform: Affine,
    crs: str,
    bounds: Sequence[float],
    patches: Sequence[tuple[shapely.Polygon | shapely.MultiPolygon, str]],
) -> None:
    """Write a KMZ.

    Args:
        path: The file.
        title: What the scene is called.
        description: What is said of it.
        probability: float32 [H, W], NaN where there is no data.
        transform: From pixel corners to `crs`.
        crs: Coordinate reference system of the raster.
        bounds: West, south, east and north of the raster, degrees.
        patches: The mask's outlines in longitude and latitude, and what is said of each.
    """
    root = ElementTree.Element("kml", xmlns=_NAMESPACE)
    document = ElementTree.SubElement(root, "Document")
    _add(document, "name", title)
    _add(document, "description", description)
    style = ElementTree.SubElement(document, "Style", id="mask")
    line = ElementTree.SubElement(style, "LineStyle")
    _add(line, "color", "ff601bd8")  # alpha, blue, green, red
    _add(line, "width", "2")
    _add(ElementTree.SubElement(style, "PolyStyle"), "color", "40601bd8")
    overlay = ElementTree.SubElement(document, "GroundOverlay")
    _add(overlay, "name", "probability of deformation")
    _add(ElementTree.SubElement(overlay, "Icon"), "href", "probability.png")
    box = ElementTree.SubElement(overlay, "LatLonBox")
    west, south, east, north = bounds
    for edge, value in (("north", north), ("south", south), ("east", east), ("west", west)):
        _add(box, edge, f"{value:.7f}")
    folder = ElementTree.SubElement(document, "Folder")
    _add(folder, "name", "mask")
    for number, (outline, said) in enumerate(patches, start=1):
        placemark = ElementTree.SubElement(folder, "Placemark")
        _add(placemark, "name", f"patch {number}")
        _add(placemark, "description", said)
        _add(placemark, "styleUrl", "#mask")
        several = ElementTree.SubElement(placemark, "MultiGeometry")
        for polygon in shapely.get_parts(shapely.set_precision(outline, DEGREES)):
            _add_polygon(several, polygon)
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    picture = io.BytesIO()
    _overlay(probability, transform, crs, bounds).save(picture, "PNG")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("doc.kml", text), ("probability.png", picture.getvalue())):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, compress_type=zipfile.ZIP_DEFLATED)


def _overlay(
    probability: np.ndarray, transform: Affine, crs: str, bounds: Sequence[float]
) -> Image.Image:
    """The probability in colours on a grid of degrees, transparent where there is none."""
    west, south, east, north = bounds
    middle = math.cos(math.radians((south + north) / 2))
    aspect = (north - south) / ((east - west) * middle)
    most = min(MAX_SIDE, max(probability.shape))
    height = max(1, round(most * min(1, aspect)))
    width = max(1, round(most * min(1, 1 / aspect)))
    values = np.full((height, width), np.nan, np.float32)
    reproject(
        probability.astype(np.float32),
        values,
        src_transform=transform,
        src_crs=crs,
        src_nodata=np.nan,
        dst_transform=Affine((east - west) / width, 0, west, 0, (south - north) / height, north),
        dst_crs="EPSG:4326",
        dst_nodata=np.nan,
        resampling=Resampling.average if max(probability.shape) > most else Resampling.nearest,
    )
    table = np.array([probability_colour(step / 255) for step in range(256)], np.uint8)
    colours = table[np.nan_to_num(np.clip(values, 0, 1) * 255).astype(np.uint8)]
    colours[~np.isfinite(values)] = 0
    return Image.fromarray(colours)


def _add_polygon(parent: ElementTree.Element, polygon: shapely.Polygon) -> None:
    element = ElementTree.SubElement(parent, "Polygon")
    _add(element, "tessellate", "1")
    rings = [("outerBoundaryIs", polygon.exterior)]
    rings += [("innerBoundaryIs", ring) for ring in polygon.interiors]
    for name, ring in rings:
        boundary = ElementTree.SubElement(ElementTree.SubElement(element, name), "LinearRing")
        _add(boundary, "coordinates", " ".join(f"{x:.7f},{y:.7f},0" for x, y in ring.coords))


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
