"""What a visitor's file is, by its first bytes; and its header, looked at before any pixel."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio

from hub.scenes.rasters import gdal
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.virtual import check_virtual
from page.errors import PageError
from page.settings import Settings

BESIDE = (".txt", ".xml", ".json", ".rsc", ".par", ".hdr", ".aux", ".prj", ".qml", ".kml", ".md")
"""What products have beside their rasters; a reader may want it, and it is no raster itself."""

WANTED = (
    "Send the rasters of one product with their headers (GeoTIFF, netCDF, HDF5, ISCE, ROI_PAC, "
    "ENVI), a zip of its folder, one .npz, or one zipped minicube."
)

MAX_TEXT_BYTES = 8 * 2**20
MAX_OBJECTS = 20_000
MAX_WORDS = 1_000_000
"""Texts in a dataset of an HDF5 file, such as dates."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_KINDS = {
    **dict.fromkeys(_TIFF, "tiff"),
    b"PK\x03\x04": "zip",
    b"\x89HDF": "hdf5",
    **{b"CDF" + version: "netcdf" for version in (b"\1", b"\2", b"\5")},
}


def kind_of(path: Path) -> str:
    """What a file is: "tiff", "zip", "hdf5", "netcdf", "gzip", or "raster" by what lies beside it.

    Raises:
        PageError: If it is none of them.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if kind := _KINDS.get(start):
        return kind
    if start[:2] == b"\x1f\x8b":
        return "gzip"
    # A header beside it makes a raster of plain numbers; a name alone makes none of a text.
    if start and path.suffix.lower() not in gdal.TIFF and gdal.driver_of(StoredFile(path)):
        return "raster"
    what = "is empty" if not start else "is neither a GeoTIFF nor a zip archive"
    if start and path.suffix.lower() == ".dim":
        what = "names SNAP’s bands, which lie in the .data folder beside it: zip both"
    elif start and path.suffix.lower() not in (*gdal.TIFF, ".zip", ".npz"):
        what += ", HDF5 or netCDF file, and has no header beside it"
    raise PageError(f"{path.name} {what}, whatever its name says. {WANTED}")


def check_header(path: Path, kind: str, settings: Settings) -> None:
    """Refuse what the reader would not: huge blocks, turned grids, sources elsewhere.

    Args:
        path: A file.
        kind: Of `kind_of`.
        settings: The bounds.

    Raises:
        HephaestusError: If anything about it is odd.
    """
    if kind == "hdf5":
        _check_hdf5(path, settings)
    elif kind in ("tiff", "raster"):
        _check_raster(path, kind, settings)


def check_text(path: Path) -> None:
    """Refuse what is too large to lie beside a raster, and what leads to other files.

    Raises:
        HephaestusError: If it is so.
    """
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise PageError(f"{path.name} is too large for a header: it is not read.")
    if path.suffix.lower() == ".vrt":
        check_virtual(StoredFile(path), outside=False)


def unzipped(path: Path, settings: Settings) -> Path:
    """Replace a gzip file by what it holds.

    Returns:
        The path of that.

    Raises:
        PageError: If it is damaged, or holds too much.
    """
    whole = (
        path.with_suffix("") if path.suffix.lower() == ".gz" else path.with_name(f"{path.name}_")
    )
    if whole.exists():
        raise PageError(f"{path.name} and {whole.name} are one file; send one of them.")
    most = settings.max_unpacked_bytes
    try:
        with gzip.open(path) as packed, whole.open("wb") as file:
            while block := packed.read(2**20):
                most -= len(block)
                if most < 0:
                    raise PageError(
                        f"{path.name} unpacks to more than "
                        f"{settings.max_unpacked_bytes / 2**20:,.0f} MB; less is read."
                    )
                file.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise PageError(f"{path.name} is a damaged gzip file: {error}") from None
    path.unlink()
    return whole


def _check_raster(path: Path, kind: str, settings: Settings) -> None:
    if path.suffix.lower() == ".vrt":
        check_text(path)
    with _opened(path, kind) as file:
        height, width = file.shape
        if height * width > settings.max_pixels:
            raise PageError(
                f"{path.name} has {height} x {width} pixels; at most "
                f"{settings.max_pixels / 1e6:g} million are read. Cut a window out of it."
            )
        block = max(rows * columns for rows, columns in file.block_shapes)
        if block > 2 * settings.max_pixels:
            raise PageError(f"{path.name} has blocks of {block / 1e6:g} million pixels.")
        if file.crs is not None and not file.transform.is_rectilinear:
            raise PageError(f"{path.name} lies on a rotated grid. Warp it to a north-up one.")


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[rasterio.DatasetReader]:
    if kind == "raster":
        with gdal.opened(StoredFile(path)) as file:
            yield file
    else:  # by its content, whatever it is called
        with gdal.readable_tiff(path), rasterio.open(path, driver="GTiff") as file:
            yield file


def _check_hdf5(path: Path, settings: Settings) -> None:
    """Small datasets are read whole, and chunks that are absent cost no byte of the file."""
    import h5py

    seen = 0

    def odd(name: str, item: Any) -> str | None:
        nonlocal seen
        seen += 1
        if seen > MAX_OBJECTS:
            return f"holds more than {MAX_OBJECTS} datasets and groups"
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return None
        words = item.dtype.kind in "SO"
        if (item.ndim < 2 and item.size > settings.max_pixels) or (words and item.size > MAX_WORDS):
            return f"has {item.size:,} values in {name}, more than are read"
        chunk = 1
        for side in item.chunks or ():
            chunk *= side
        if chunk * item.dtype.itemsize > 8 * settings.max_pixels:
            return f"has chunks of {chunk * item.dtype.itemsize / 2**20:,.0f} MB in {name}"
        return None

    try:
        with h5py.File(path, "r") as file:
            found = file.visititems(odd)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise PageError(f"{path.name} is a damaged HDF5 file: {error}") from None
    if found:
        raise PageError(f"{path.name} {found}; it is not read.")
