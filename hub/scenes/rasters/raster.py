"""A raster in memory, on its grid; and a companion brought to the grid of a phase."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from pyproj import CRS as ProjCRS
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject, transform_bounds

from hub.scenes.checks import SceneError

WGS84 = "EPSG:4326"


@dataclass(frozen=True, eq=False)
class Raster:
    """One layer: what it holds and where it lies.

    Attributes:
        shown: What messages call it.
        values: [H, W], real; NaN where there is no data, in floating point.
        transform: From (column, row) of a pixel's upper left corner to `crs`.
        crs: Coordinate reference system.
        stored: The type of number that the file stores.
        scaled: Whether the file's own scale and offset were applied.
        notes: What was odd and what was done about it.
        unit: Of the values, as the file says it; empty where it does not.
    """

    shown: str
    values: np.ndarray
    transform: Affine
    crs: str
    stored: str = "float32"
    scaled: bool = False
    notes: tuple[str, ...] = ()
    unit: str = ""

    @property
    def whole(self) -> bool:
        """Whether it stores whole numbers, and no scale that makes more of them."""
        return np.dtype(self.stored).kind in "iub" and not self.scaled

    def corner(self, column: float, row: float) -> tuple[float, float]:
        """Where a place in the raster lies in `crs`."""
        a, b, c, d, e, f = self.transform[:6]
        return a * column + b * row + c, d * column + e * row + f

    def same_grid(self, other: Raster) -> bool:
        """Whether all four corners agree to a tenth of a pixel, and so all pixels between them."""
        if self.values.shape != other.values.shape or not same_crs(self.crs, other.crs):
            return False
        a, b, _, d, e, _ = other.transform[:6]
        across, down = math.hypot(a, d), math.hypot(b, e)
        height, width = self.values.shape
        for x in (0, width):
            for y in (0, height):
                (left, top), (right, bottom) = self.corner(x, y), other.corner(x, y)
                if math.hypot(left - right, top - bottom) > 0.1 * min(across, down):
                    return False
        return True

    def north_up(self) -> Raster:
        """The same with its first row in the north, where it is stored the other way round."""
        a, b, c, d, e, f = self.transform[:6]
        if b or d or e <= 0:
            return self
        height = self.values.shape[0]
        return replace(
            self, values=self.values[::-1], transform=Affine(a, b, c, d, -e, f + e * height)
        )


def same_crs(one: str, other: str) -> bool:
    """Whether two coordinate systems are one, however they are written."""
    return one == other or CRS.from_user_input(one) == CRS.from_user_input(other)


def plain_crs(crs: str) -> str:
    """`EPSG:4326` for every way of writing longitude and latitude on WGS 84, else the text itself.

    SNAP's "WGS84(DD)" and headers without an authority mean the same.
    """
    try:
        system = ProjCRS.from_user_input(crs)
        if not system.is_geographic or system.ellipsoid is None or system.prime_meridian is None:
            return crs
        round_ = abs(system.ellipsoid.semi_major_metre - 6378137) < 0.01
        flat = abs(system.ellipsoid.inverse_flattening - 298.257223563) < 1e-6
        degrees = all(
            abs(axis.unit_conversion_factor - math.pi / 180) < 1e-9 for axis in system.axis_info
        )
        names = (system.name + (system.datum.name if system.datum else "")).upper()
        plain = "WGS" in names or "WORLD GEODETIC SYSTEM 1984" in names
        if round_ and flat and degrees and plain and not system.prime_meridian.longitude:
            return WGS84
    except (CRSError, AttributeError):
        pass
    return crs


def on_grid(raster: Raster, target: Raster) -> np.ndarray:
    """A companion's values at the phase's pixels, NaN where it has none.

    Args:
        raster: The companion.
        target: The phase.

    Raises:
        SceneError: If the companion's grid cannot be brought to the phase's.
    """
    if raster.same_grid(target):
        return raster.values
    raster = _same_turn(raster, target)
    if raster.same_grid(target):
        return raster.values
    values = np.full(target.values.shape, np.nan, np.float32)
    try:
        reproject(
            np.ascontiguousarray(raster.values, np.float32),
            values,
            src_transform=raster.transform,
            src_crs=raster.crs,
            src_nodata=np.nan,
            dst_transform=target.transform,
            dst_crs=target.crs,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
    except Exception as error:  # GDAL's own kinds are not exported
        raise SceneError(f"{raster.shown} cannot be brought to the phase's grid: {error}") from None
    return values


def _same_turn(raster: Raster, target: Raster) -> Raster:
    """Longitudes of 290 and of -70 are one: the companion is turned to where the phase is."""
    if not CRS.from_user_input(raster.crs).is_geographic:
        return raster
    middle = raster.corner(raster.values.shape[1] / 2, raster.values.shape[0] / 2)[0]
    height, width = target.values.shape
    xs, ys = zip(*(target.corner(x, y) for x in (0, width) for y in (0, height)), strict=True)
    west, east = min(xs), max(xs)
    if not CRS.from_user_input(target.crs).is_geographic:
        try:
            west, _, east, _ = transform_bounds(target.crs, WGS84, west, min(ys), east, max(ys))
        except Exception:  # a place that is none is refused when the scene is made
            return raster
    if not math.isfinite(west + east + middle):
        return raster
    turn = 360 * round(((west + east) / 2 - middle) / 360)
    a, b, c, d, e, f = raster.transform[:6]
    return replace(raster, transform=Affine(a, b, c + turn, d, e, f))
