"""What is refused of the rasters that a user brings, and how their conventions are met."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from affine import Affine
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from rasterio.errors import CRSError

from dataset_script.errors import HephaestusError

MAX_PIXELS = 100_000_000
"""Largest height x width that is read, ten times a LiCSAR frame: a header may claim anything."""


class SceneError(HephaestusError):
    """An input to predict on cannot be read as a scene."""


def require_size(name: str, height: int, width: int, max_pixels: int) -> None:
    """Refuse a raster that is too large, before any of it is read.

    Raises:
        SceneError: If it has more than `max_pixels` pixels.
    """
    if height * width > max_pixels:
        raise SceneError(
            f"{name} has {height} x {width} pixels; at most {max_pixels / 1e6:g} million are read: "
            "cut a window out of it"
        )


def check_place(
    name: str, transform: Affine | None, crs: str | None, corners: Sequence[tuple[float, float]]
) -> None:
    """Refuse a georeference that makes no sense.

    Args:
        name: The scene, for messages.
        transform: From pixel corners to `crs`.
        crs: Coordinate reference system.
        corners: The scene's, in `crs`; unused without both of the above.

    Raises:
        SceneError: If the transform maps pixels to no area, or the CRS is none, or the scene's
            corners have no longitude and latitude.
    """
    if transform is not None:
        extent = transform.a * transform.e - transform.b * transform.d
        if not math.isfinite(sum(transform[:6])) or extent == 0:
            raise SceneError(f"{name}: its transform {transform[:6]} maps pixels to no area")
    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except CRSError as error:
            raise SceneError(f"{name}: {crs!r} is no coordinate system: {error}") from None
        try:
            to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        except ProjError:
            raise SceneError(
                f"{name}: its coordinate system {crs[:80]!r} has no longitude and latitude on "
                "Earth; give one that has, such as EPSG:4326"
            ) from None
        if transform is not None:
            across, down = zip(*corners, strict=True)
            longitudes, latitudes = to_degrees.transform(across, down)
            if not (np.isfinite(longitudes).all() and np.abs(latitudes).max() <= 90 + 1e-6):
                raise SceneError(
                    f"{name}: its corners have no longitude and latitude; check its transform, or "
                    "its bounds, which are west, south, east, north"
                )


def check_dates(name: str, secondary_dates: Sequence[object], steps: int) -> None:
    """Refuse dates that are not those of the steps.

    Raises:
        SceneError: If there are some, but not one for each step.
    """
    if secondary_dates and len(secondary_dates) != steps:
        raise SceneError(
            f"{name}: there are {len(secondary_dates)} secondary dates for {steps} "
            f"interferogram{'s' if steps > 1 else ''}; give one for each, or none"
        )


def as_steps(name: str, what: str, raster: np.ndarray) -> np.ndarray:
    """A raster of one step or several as [T, H, W].

    Raises:
        SceneError: If it is complex, empty, or of another number of dimensions.
    """
    raster = np.asarray(raster)
    if np.iscomplexobj(raster):
        raise SceneError(
            f"{name}: {what} holds complex numbers; give its argument, the wrapped phase in radians"
        )
    if raster.ndim not in (2, 3) or 0 in raster.shape:
        raise SceneError(f"{name}: {what} has shape {raster.shape}; it must be [H, W] or [T, H, W]")
    return raster[None] if raster.ndim == 2 else raster


def require_shape(name: str, what: str, raster: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse a raster that does not fit the phase.

    Raises:
        SceneError: If it has another shape.
    """
    if np.shape(raster) != shape:
        raise SceneError(f"{name}: {what} has shape {np.shape(raster)}; phase asks for {shape}")
