"""What a record says of a frame or of a volcano over the years, in numbers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from hub.record.bounds import holds
from hub.record.columns import Row, dates_of, digest
from hub.record.evidence import AIR
from hub.record.volcanoes import REACH_KM, Volcano, distance_km, known_volcanoes

MAP_SIDE = 420
"""Pixels of a map's longer side."""
_NO_DATA = 255
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class History:
    """The answers about a frame or a volcano that stand, by date.

    Attributes:
        name: What is looked at.
        kind: "frame" or "volcano".
        rows: The answers, by secondary, then primary date.
        volcano: The volcano.
    """

    name: str
    kind: str
    rows: list[Row] = field(default_factory=list)
    volcano: Volcano | None = None

    @property
    def dated(self) -> list[Row]:
        """Those whose dates are known."""
        return [row for row in self.rows if dates_of(row)]

    @property
    def slug(self) -> str:
        """A name for files, of this history alone: a name that is not plain has its digest."""
        number = f"{self.volcano.number}_" if self.volcano else ""
        text = "".join(mark if mark.isalnum() and mark.isascii() else "_" for mark in self.name)
        told = text if text == self.name else f"{text}_{digest(self.name)[:6]}"
        return f"{self.kind}_{number}{told}"

    @property
    def last_look(self) -> str | None:
        """The date of the last acquisition, YYYY-MM-DD."""
        return max((dates_of(row)[-1].isoformat() for row in self.dated), default=None)

    @property
    def last_deformation(self) -> Row | None:
        """The last answer that is an alarm."""
        alarms = [row for row in self.dated if row["alarm"]]
        return alarms[-1] if alarms else None

    def strongest(self, count: int) -> list[Row]:
        """The most probable answers with a picture, alarms first."""
        drawn = [row for row in self.rows if row["probability"] is not None]
        drawn.sort(key=lambda row: (not row["alarm"], -row["probability"]))
        return drawn[:count]


def histories(rows: Iterable[Row], folder: Path) -> tuple[list[History], list[History]]:
    """Sort a record's standing answers by frame and by volcano.

    An answer belongs to every known volcano whose summit lies in its scene. Its probability there
    is the scene's where the most probable place is within reach, else the largest of the
    probability raster within reach.

    Args:
        rows: Of the record.
        folder: Where the rasters lie.

    Returns:
        Frames and volcanoes, by name. Scenes of no frame make one history for each place.
    """
    stand = sorted((row for row in rows if not row["superseded"]), key=_by_date)
    frames: dict[str, History] = {}
    by_name: dict[str, list[Volcano]] = defaultdict(list)
    for volcano in known_volcanoes():
        by_name[volcano.name].append(volcano)
    volcanoes: dict[int, History] = {}
    for row in stand:
        name = row["frame"] or _place_name(row)
        frames.setdefault(name, History(name, "frame")).rows.append(row)
        for volcano in _volcanoes_of(row, by_name):
            history = volcanoes.setdefault(
                volcano.number, History(volcano.name, "volcano", [], volcano)
            )
            history.rows.append(_seen_from(row, volcano, folder))
    return (
        sorted(frames.values(), key=lambda item: item.name),
        sorted(volcanoes.values(), key=lambda item: (item.name, item.slug)),
    )


@dataclass(frozen=True)
class MarkedMap:
    """How often each pixel was marked.

    Attributes:
        share: Of the looks that had data there, 0 to 1, NaN where none had, [H, W].
        looks: The most looks that any pixel had.
        extent: West, east, south, north in degrees.
    """

    share: np.ndarray
    looks: int
    extent: tuple[float, float, float, float]


def marked_map(history: History, folder: Path) -> MarkedMap | None:
    """Count over a history's masks, brought to one grid; None where there are none."""
    paths = [
        folder / row["files"]["mask"]
        for row in history.rows
        if row["bounds"] and "mask" in (row["files"] or {})
    ]
    paths = [path for path in paths if path.exists()]
    georeferenced = [row["bounds"] for row in history.rows if row["bounds"]]
    if not paths or not georeferenced:
        return None  # scenes without a place have no pixel in common
    if history.volcano is not None:
        west, south, east, north = _around(history.volcano, georeferenced[-1])
    else:
        common = Counter(tuple(bounds) for bounds in georeferenced).most_common(1)[0][0]
        west, south, east, north = common
    middle = math.cos(math.radians((south + north) / 2))
    tall = (north - south) / ((east - west) * middle)
    height, width = max(2, round(MAP_SIDE * min(1, tall))), max(2, round(MAP_SIDE / max(1, tall)))
    grid = Affine((east - west) / width, 0, west, 0, (south - north) / height, north)
    marked, looks = np.zeros((2, height, width), np.int32)
    for path in paths:
        try:
            with (
                rasterio.open(path) as file,
                WarpedVRT(
                    file,
                    crs="EPSG:4326",
                    transform=grid,
                    height=height,
                    width=width,
                    resampling=Resampling.mode,
                    nodata=_NO_DATA,
                ) as warped,
            ):
                values = warped.read(1)
        except (RasterioError, OSError):
            continue  # a raster that is being replaced, or was removed
        marked += values == 1
        looks += values != _NO_DATA
    share = np.where(looks, marked / np.maximum(looks, 1), np.nan)
    return MarkedMap(share, int(looks.max()), (west, east, south, north))


def _seen_from(row: Row, volcano: Volcano, folder: Path) -> Row:
    """A row with the probability, the verdict and the area that hold near a volcano."""
    summit = (volcano.longitude, volcano.latitude)
    if row["longitude"] is not None:
        place = (row["longitude"], row["latitude"])
        if distance_km(summit, place) <= REACH_KM:
            return row
    found = _largest_near(row, volcano, folder)
    if found is None:
        return row
    low, high = row["no_deformation_below"] or 0.0, row["frame_deformation_from"]
    high = high or row["deformation_from"] or 1.0
    decision = "Deformation" if found >= high else "Unsure" if found >= low else "Non_Deformation"
    # What hangs on one date's air is in the whole scene, and the other pairs speak for all of it.
    air = row["evidence"] == AIR
    return {
        **row,
        "probability": found,
        "decision": decision,
        "alarm": decision == "Deformation" and not air,
        "evidence": row["evidence"] if air else None,
        "evidence_note": row["evidence_note"] if air else None,
        "area_km2": None,
    }


def _largest_near(row: Row, volcano: Volcano, folder: Path) -> float | None:
    """The largest mean over about a square kilometre within reach of a volcano."""
    name = (row["files"] or {}).get("probability")
    if not name:
        return None
    try:
        return _largest_in(folder / name, (folder / name).stat().st_mtime_ns, volcano)
    except OSError:
        return None


@lru_cache(maxsize=100_000)
def _largest_in(path: Path, written: int, volcano: Volcano) -> float | None:
    """The same of a raster, kept for as long as it was written at that time."""
    try:
        with rasterio.open(path) as file:
            bounds = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
            box = transform_bounds("EPSG:4326", file.crs, *_around(volcano, bounds))
            window = file.window(*box).intersection(
                rasterio.windows.Window(0, 0, file.width, file.height)
            )
            kilometre = 1 / _KM_PER_DEGREE
            per_pixel = (
                abs(file.transform.e) if file.crs.is_geographic else abs(file.transform.e) / 1e5
            )
            step = max(1, round(kilometre / per_pixel))
            shape = (max(1, int(window.height / step)), max(1, int(window.width / step)))
            values = file.read(1, window=window, out_shape=shape, resampling=Resampling.average)
    except (RasterioError, OSError, ValueError):
        return None
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else None


def _around(volcano: Volcano, bounds: Sequence[float]) -> tuple[float, float, float, float]:
    """A box around a volcano, with longitudes as those of the bounds: -180.2 is 179.8."""
    north = REACH_KM / _KM_PER_DEGREE
    east = north / max(0.1, math.cos(math.radians(volcano.latitude)))
    west, _, right, _ = bounds
    x, y = volcano.longitude, volcano.latitude
    x += 360 * round(((west + right) / 2 - x) / 360)
    return x - east, y - north, x + east, y + north


def _volcanoes_of(row: Row, by_name: dict[str, list[Volcano]]) -> Iterable[Volcano]:
    names = dict.fromkeys(
        [*(row["volcanoes"] or []), *([row["volcano"]] if row["volcano"] else [])]
    )
    for name in names:
        for volcano in by_name.get(name, []):
            near = row["volcano_number"] == volcano.number
            place = volcano.longitude, volcano.latitude
            if near or (row["bounds"] and holds(row["bounds"], *place)):
                yield volcano


def _place_name(row: Row) -> str:
    if row["volcano"]:
        return str(row["volcano"])
    if row["bounds"]:
        west, south, east, north = row["bounds"]
        return f"around {(south + north) / 2:.2f} {(west + east) / 2:.2f}"
    return "without a place"


def _by_date(row: Row) -> tuple[str, str, str]:
    dates = dates_of(row)
    if not dates:
        return "", "", row["scene"]
    return dates[-1].isoformat(), dates[0].isoformat(), row["scene"]
