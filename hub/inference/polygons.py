"""A mask's place and size on Earth: polygons, areas, centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.warp import transform_bounds
from scipy import ndimage

from hub.scenes.scene import Scene, apply

MAX_POLYGONS = 500
"""Polygons that are outlined, the largest first; a speckled mask has a hundred thousand."""

_WGS84 = Geod(ellps="WGS84")
_BLOCK = 8
"""Pixels on a side of the blocks whose geodesic area is taken: one alone is rounded away."""


@dataclass(frozen=True)
class Region:
    """A connected patch of the mask.

    Attributes:
        polygon: Its outline in longitude and latitude, exterior counterclockwise.
        area_km2: Geodesic area.
        pixels: Number of pixels.
        mean_probability: Mean of the probability inside.
        max_probability: Largest probability inside.
    """

    polygon: shapely.Polygon
    area_km2: float
    pixels: int
    mean_probability: float
    max_probability: float


def find_regions(
    mask: np.ndarray, probability: np.ndarray, transform: Affine, crs: str
) -> list[Region]:
    """Outline the connected patches of a mask.

    Args:
        mask: bool [H, W].
        probability: float [H, W].
        transform: From pixel corners to `crs`.
        crs: Coordinate reference system of `transform`.

    Returns:
        The `MAX_POLYGONS` largest patches, by number of pixels.
    """
    labels, count = ndimage.label(mask)
    if not count:
        return []
    pixels = np.bincount(labels.ravel())[1:]
    chosen = np.argsort(-pixels, kind="stable")[:MAX_POLYGONS] + 1
    boxes = ndimage.find_objects(labels)
    transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def to_degrees(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        longitude, latitude = transformer.transform(x, y)
        # Across the antimeridian longitudes go on beyond 180.
        return np.where(longitude < longitude.max() - 180, longitude + 360, longitude), latitude

    regions = []
    for label in chosen.tolist():
        box = boxes[label - 1]
        inside = labels[box] == label
        west, north = apply(transform, box[1].start, box[0].start)
        corner = Affine(transform.a, transform.b, west, transform.d, transform.e, north)
        shapes = rasterio.features.shapes(inside.astype(np.uint8), mask=inside, transform=corner)
        outline = shapely.geometry.shape(next(shapes)[0])
        polygon = shapely.orient_polygons(shapely.transform(outline, to_degrees, interleaved=False))
        values = probability[box][inside]
        regions.append(
            Region(
                polygon=polygon,
                area_km2=_WGS84.geometry_area_perimeter(polygon)[0] / 1e6,
                pixels=int(pixels[label - 1]),
                mean_probability=float(values.mean(dtype=np.float64)),
                max_probability=float(values.max()),
            )
        )
    return regions


def cut_at_antimeridian(polygon: shapely.Polygon) -> shapely.Polygon | shapely.MultiPolygon:
    """Bring a polygon whose longitudes go on beyond 180 into -180..180, as RFC 7946 asks.

    Args:
        polygon: In degrees, no more than a turn outside.

    Returns:
        The polygon itself where it lies inside, else its part or parts.
    """
    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180:
        return polygon
    parts = []
    for turn in (-360, 0, 360):
        inside = shapely.intersection(polygon, shapely.box(turn - 180, -90, turn + 180, 90))
        moved = shapely.transform(inside, lambda places, turn=turn: places - (turn, 0))
        parts += [part for part in shapely.get_parts(moved) if part.area]  # no edge that touches
    whole = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return shapely.orient_polygons(whole)


def mask_area_km2(mask: np.ndarray, transform: Affine, crs: str) -> float:
    """Geodesic area of a whole mask, of however many patches.

    A pixel's area is taken along the mask's middle column and interpolated between rows, which
    is exact where it depends on latitude alone and good to a thousandth across a UTM zone.

    Args:
        mask: bool [H, W].
        transform: From pixel corners to `crs`.
        crs: Coordinate reference system of `transform`.

    Returns:
        Square kilometres.
    """
    per_row = mask.sum(axis=1)
    rows = np.flatnonzero(per_row)
    if not rows.size:
        return 0.0
    column = int(np.median(np.flatnonzero(mask.any(axis=0))))
    sampled = np.unique(np.linspace(rows[0], rows[-1], 33).round())
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    half = _BLOCK / 2
    areas = []
    for row in sampled:
        ring = [(-half, -half), (-half, half), (half, half), (half, -half)]
        corners = [apply(transform, column + 0.5 + x, row + 0.5 + y) for x, y in ring]
        xs, ys = zip(*corners, strict=True)
        longitudes, latitudes = to_degrees.transform(xs, ys)
        areas.append(abs(_WGS84.polygon_area_perimeter(longitudes, latitudes)[0]) / _BLOCK**2)
    return float((per_row[rows] * np.interp(rows, sampled, areas)).sum() / 1e6)


def bounds_degrees(scene: Scene) -> tuple[float, float, float, float] | None:
    """West, south, east and north of a scene in degrees; None without georeference.

    East goes on beyond 180 across the antimeridian.
    """
    if not scene.georeferenced:
        return None
    assert scene.transform is not None and scene.crs is not None
    edges = [scene.place(x, y) for x in (0, scene.width) for y in (0, scene.height)]
    xs, ys = zip(*edges, strict=True)
    west, south, east, north = transform_bounds(
        scene.crs, "EPSG:4326", min(xs), min(ys), max(xs), max(ys)
    )
    return west, south, east + 360 * (east < west), north
