"""The shape a cube must have: dimensions, dates, grid; checked before any pixel is read."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataset_script.channels import CHANNELS, COHERENCE, DEM, MASKS, PHASE
from dataset_script.problems import Problem, ProblemError

if TYPE_CHECKING:
    import xarray as xr

PAIR_DIMS = ("primary_date", "secondary_date")
GRID_DIMS = ("latitude", "longitude")
STATIC_RASTERS = tuple(channel.name for channel in CHANNELS if channel.kind == "static")
RASTERS = (*(channel.name for channel in CHANNELS if channel.kind != "static"), *MASKS)
REQUIRED = (PHASE, COHERENCE, DEM, "deformation_mask", "valid_date_pair")


class Window(NamedTuple):
    """A rectangle of pixels of a cube."""

    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True)
class Grid:
    """The pixels of a frame, geographic and regular, rows from north to south.

    Attributes:
        latitude: Centre of each row in degrees, descending.
        longitude: Centre of each column in degrees, ascending.
    """

    latitude: np.ndarray
    longitude: np.ndarray

    @property
    def whole(self) -> Window:
        """The window of all pixels."""
        return Window(0, 0, len(self.latitude), len(self.longitude))

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Width and height of a pixel in degrees, both positive."""
        return _spacing(self.longitude), _spacing(self.latitude)

    def bounds(self, window: Window) -> tuple[float, float, float, float]:
        """West, south, east and north edge of a window in degrees."""
        dx, dy = self.pixel_size
        west = float(self.longitude[0]) + (window.column - 0.5) * dx
        north = float(self.latitude[0]) - (window.row - 0.5) * dy
        return west, north - window.height * dy, west + window.width * dx, north

    def window(self, bounds: tuple[float, float, float, float]) -> Window:
        """The window of the pixels that a box touches, as far as they lie in the frame.

        Args:
            bounds: West, south, east and north in degrees.

        Returns:
            The window; empty (height or width 0) where the box misses the frame.
        """
        dx, dy = self.pixel_size
        left, _, _, top = self.bounds(self.whole)
        west, south, east, north = bounds
        sides = []
        # A millionth of a pixel of slack: edges computed from a window give that window back.
        for near, far, step, count in (
            (top - north, top - south, dy, len(self.latitude)),
            (west - left, east - left, dx, len(self.longitude)),
        ):
            first = min(max(int(np.floor(near / step + 1e-6)), 0), count)
            last = min(max(int(np.ceil(far / step - 1e-6)), first), count)
            sides.append((first, last - first))
        (row, height), (column, width) = sides
        return Window(row, column, height, width)


def _spacing(centres: np.ndarray) -> float:
    """The roundest step that fits the stored centres: 0.001, not 0.0009999999999999787."""
    first, last = float(centres[0]), float(centres[-1])
    step = abs(last - first) / (len(centres) - 1)
    # The ends are rounded to their type; where they were added up, to a few digits less.
    slack = max(float(np.spacing(np.abs(centres[[0, -1]]).max())), 1e-12) / (len(centres) - 1)
    rounded = (round(step, digits) for digits in range(1, 17))
    return next((value for value in rounded if abs(value - step) <= slack), step)


def cut(frame: np.ndarray, window: Window) -> np.ndarray:
    """A copy of the pixels of a window.

    Args:
        frame: `[H, W]`.
        window: The window.

    Raises:
        ValueError: If the window leaves the frame.
    """
    row, column, height, width = window
    rows, columns = frame.shape
    inside = 0 <= row <= row + height <= rows and 0 <= column <= column + width <= columns
    if not inside:
        size = f"{rows} x {columns}"
        raise ValueError(f"window {tuple(window)} leaves the frame of {size} pixels")
    return frame[row : row + height, column : column + width].copy()


def check_dimensions(cube: xr.Dataset, path: str) -> None:
    """Check that the variables are there and have the dimensions that they should.

    Raises:
        DataError: Naming the variable.
    """
    missing = [name for name in REQUIRED if name not in cube]
    if missing:
        raise ProblemError(
            Problem(f"the cube lacks {', '.join(missing)}", "is it a minicube?", path)
        )
    expected: dict[str, tuple[str, ...]] = dict.fromkeys(RASTERS, (*PAIR_DIMS, *GRID_DIMS))
    expected |= {**dict.fromkeys(STATIC_RASTERS, GRID_DIMS), "valid_date_pair": PAIR_DIMS}
    for name, dims in expected.items():
        if name in cube and cube[name].dims != dims:
            found = ", ".join(map(str, cube[name].dims))
            what = f"wrong dimensions: {name} has ({found}), not ({', '.join(dims)})"
            raise ProblemError(Problem(what, "transpose or rename them", path))
    for dim in (*PAIR_DIMS, *GRID_DIMS):
        if dim not in cube.coords:
            raise ProblemError(Problem(f"dimension {dim} has no coordinate", "add it", path))


def read_dates(cube: xr.Dataset, dim: str, path: str) -> list[datetime.date]:
    """The dates of one dimension, ascending.

    Args:
        cube: The cube.
        dim: primary_date or secondary_date.
        path: The cube's, for the error message.

    Raises:
        DataError: If they are no dates, or not sorted, or repeat.
    """
    values = cube[dim].values
    if values.dtype.kind != "M" or np.isnat(values).any():
        raise ProblemError(
            Problem(f"{dim} must hold dates (datetime64), not {values.dtype}", "", path)
        )
    days = values.astype("datetime64[D]")
    backwards = np.flatnonzero(np.diff(days) <= np.timedelta64(0, "D"))
    if backwards.size:
        first, second = days[backwards[0]], days[backwards[0] + 1]
        fault = f"{first} twice" if first == second else f"{first} before {second}"
        raise ProblemError(
            Problem(f"{dim} must ascend without repeats, but it has {fault}", "sort it", path)
        )
    return days.tolist()


def read_grid(cube: xr.Dataset, path: str) -> Grid:
    """The pixel grid.

    Raises:
        DataError: If it is not regular, latitude does not descend or longitude not ascend.
    """
    for dim, sign, way in (("latitude", -1, "descend"), ("longitude", 1, "ascend")):
        values = np.asarray(cube[dim].values, dtype=np.float64)
        steps = np.diff(values) * sign
        if not len(steps) or not np.isfinite(values).all() or not (steps > 0).all():
            advice = "across the antimeridian let it go on beyond 180" if sign > 0 else ""
            raise ProblemError(Problem(f"{dim} must {way} over two or more pixels", advice, path))
        # Beyond a tenth of a pixel from first to last, positions would be wrong.
        ideal = np.linspace(values[0], values[-1], len(values))
        if np.abs(values - ideal).max() > 0.1 * steps.mean():
            raise ProblemError(Problem(f"{dim} is not regularly spaced", "resample it", path))
    # float32 centres stay so: their type tells how exact they are. Whole numbers become float64.
    return Grid(*(cube[dim].values * np.float32(1) for dim in GRID_DIMS))


def read_crs(cube: xr.Dataset, path: str) -> str:
    """The coordinate reference system as "EPSG:<code>", or as WKT where it has no code.

    A cube without `spatial_ref` is taken as WGS 84, which its degrees are documented to be.

    Raises:
        DataError: If `spatial_ref` is there but cannot be understood.
    """
    attributes = cube["spatial_ref"].attrs if "spatial_ref" in cube.variables else {}
    text = attributes.get("crs_wkt") or attributes.get("spatial_ref")
    if not text:
        return "EPSG:4326"
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        what = f"spatial_ref is no coordinate reference system ({error})"
        raise ProblemError(Problem(what, "correct its crs_wkt", path)) from None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt()
