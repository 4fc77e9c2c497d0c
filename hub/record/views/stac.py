"""A record as a static STAC catalogue: a collection with an item for each georeferenced scene."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pystac
import rasterio
from pystac.extensions.projection import ProjectionExtension
from rasterio.errors import RasterioError

from dataset_script.errors import DataError
from dataset_script.safe_files import renamed_folder
from hub.record.columns import Row, dates_of
from hub.record.views.timeline import open_record

FOLDER = "stac"
_COLLECTION = "collection.json"
_ASSETS = {
    "probability": (pystac.MediaType.COG, ["data"], "Probability of deformation of each pixel"),
    "mask": (pystac.MediaType.COG, ["data"], "Deformation mask: 1 deformation, 255 no data"),
    "geojson": (pystac.MediaType.GEOJSON, ["data"], "Outlines of the mask"),
    "kmz": ("application/vnd.google-earth.kmz", ["data"], "For Google Earth"),
    "figure": (pystac.MediaType.PNG, ["overview"], "Phase, coherence, probability and mask"),
    "quicklook": (pystac.MediaType.PNG, ["thumbnail"], "Phase around the most probable place"),
    "json": (pystac.MediaType.JSON, ["metadata"], "All that is said of the scene"),
}
_PROPERTIES = (
    "decision", "probability", "alarm", "evidence", "area_km2", "mean_coherence",
    "temporal_baseline_days", "frame", "volcano", "volcano_number", "model", "revision",
)  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """What was written.

    Attributes:
        collection: The collection's file.
        items: Number of items.
        left_out: Number of answers without a place or without dates, which STAC cannot hold.
    """

    collection: Path
    items: int
    left_out: int

    def __str__(self) -> str:
        without = f"; {self.left_out} without place or dates left out" if self.left_out else ""
        return f"{self.collection}: {self.items} items{without}"


def write_stac(folder: Path, href: str | None = None) -> Catalogue:
    """Write `stac/collection.json` and an item for each answer that stands.

    Args:
        folder: The record.
        href: Where the record will be served from; links are relative without it.

    Raises:
        DataError: If the folder holds no predictions, no answer has a place and dates, or it cannot
            be written to.
    """
    rows = [row for row in open_record(folder).flush() if not row["superseded"]]
    placed = [row for row in rows if row["bounds"] and dates_of(row)]
    if not placed:
        raise DataError(f"{folder}: no answer has both a place and dates, which STAC needs")
    boxes = [_bbox(row) for row in placed]
    days = [day for row in placed for day in dates_of(row)]
    extent = pystac.Extent(
        pystac.SpatialExtent(
            [
                [
                    *(min(box[n] for box in boxes) for n in (0, 1)),
                    *(max(box[n] for box in boxes) for n in (2, 3)),
                ]
            ]
        ),
        pystac.TemporalExtent([[_moment(min(days)), _moment(max(days))]]),
    )
    collection = pystac.Collection(
        "deformation-record",
        "Deformation of volcanoes in radar interferograms, as a model sees it; research, not an "
        "alert.",
        extent,
        title="Deformation of volcanoes",
        license="other",
    )
    for row in placed:
        collection.add_item(_item(row, folder, href))
    collection.normalize_hrefs(str(folder / FOLDER))
    kind = pystac.CatalogType.SELF_CONTAINED
    with renamed_folder(folder / FOLDER, _COLLECTION) as partial:
        collection.save(kind, dest_href=str(partial))
    return Catalogue(folder / FOLDER / _COLLECTION, len(placed), len(rows) - len(placed))


def _item(row: Row, folder: Path, href: str | None) -> pystac.Item:
    dates = dates_of(row)
    west, south, east, north = _bbox(row)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    item = pystac.Item(
        row["scene"],
        {"type": "Polygon", "coordinates": [ring]},
        [west, south, east, north],
        None,
        {name: row[name] for name in _PROPERTIES if row[name] is not None},
        _moment(dates[0]),
        _moment(dates[-1]),
    )
    for kind, (media, roles, title) in _ASSETS.items():
        name = f"{row['scene']}.json" if kind == "json" else (row["files"] or {}).get(kind)
        if name:
            where = f"{href.rstrip('/')}/{name}" if href else f"../../{name}"
            item.add_asset(kind, pystac.Asset(where, title, media_type=media, roles=roles))
    _add_projection(item, folder / (row["files"] or {}).get("probability", "-"))
    return item


def _add_projection(item: pystac.Item, raster: Path) -> None:
    try:
        with rasterio.open(raster) as file:
            code, shape, transform = file.crs.to_epsg(), file.shape, file.transform
    except (RasterioError, OSError):
        return
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    projection.apply(
        code=f"EPSG:{code}" if code else None, shape=list(shape), transform=list(transform)[:6]
    )


def _bbox(row: Row) -> tuple[float, float, float, float]:
    west, south, east, north = row["bounds"]
    return west, south, min(east, 180.0), north


def _moment(day: datetime.date) -> datetime.datetime:
    return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
