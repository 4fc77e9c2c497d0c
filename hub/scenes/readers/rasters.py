"""GeoTIFFs of one band, and a raster brought to the grid of another."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.warp import Resampling, reproject

from hub.scenes.checks import SceneError, require_size


@dataclass(frozen=True)
class Raster:
    """One band of a GeoTIFF: values [H, W] with NaN for no data, and where it lies."""

    path: Path
    values: np.ndarray
    transform: Affine
    crs: str

    def same_grid(self, other: Raster) -> bool:
        """Whether pixels coincide, to a hundredth of one."""
        return (
            self.values.shape == other.values.shape
            and self.crs == other.crs
            and self.transform.almost_equals(other.transform, abs(other.transform.a) * 0.01)
        )


@contextmanager
def readable_tiff(path: Path) -> Iterator[None]:
    """Turn rasterio's complaints about a file into ours.

    Raises:
        SceneError: If it is no GeoTIFF that can be read.
    """
    try:
        with warnings.catch_warnings():
            # What has no place is refused in our own words.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            yield
    except RasterioError as error:
        raise SceneError(f"{path} is not a readable GeoTIFF: {error}") from None


def read_raster(path: Path, max_pixels: int) -> Raster:
    """Read a GeoTIFF of one band.

    Only the GeoTIFF driver is tried, for other formats may refer to further files. No data is
    what the file's own tag says, and values that are not finite.

    Raises:
        SceneError: If it is no GeoTIFF, has several bands, complex values or no CRS, or is too
            large.
    """
    with readable_tiff(path), rasterio.open(path, driver="GTiff") as file:
        require_size(str(path), file.height, file.width, max_pixels)
        if file.count != 1:
            raise SceneError(f"{path} has {file.count} bands; one is expected")
        dtype = file.dtypes[0]
        if "complex" in dtype:
            raise SceneError(
                f"{path} holds complex values, an interferogram; "
                "give its argument, the wrapped phase in radians"
            )
        if file.crs is None:
            raise SceneError(
                f"{path} has no coordinate reference system; add it, for example with "
                f"`rio edit-info --crs EPSG:4326 {path.name}`"
            )
        values = file.read(1)
        nodata = file.nodata
        place = (file.transform, file.crs.to_string())
    if nodata is not None and values.dtype.kind == "f":
        values[values == nodata] = np.nan
    elif nodata is not None and (values == nodata).any():
        values = np.where(values == nodata, np.float32(np.nan), values.astype(np.float32))
    return Raster(path, values, *place)


def on_grid(raster: Raster, target: Raster) -> np.ndarray:
    """A companion's values at the phase's pixels."""
    if raster.same_grid(target):
        return raster.values
    values = np.full(target.values.shape, np.nan, np.float32)
    reproject(
        raster.values.astype(np.float32),
        values,
        src_transform=raster.transform,
        src_crs=raster.crs,
        src_nodata=np.nan,
        dst_transform=target.transform,
        dst_crs=target.crs,
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
    )
    return values
