"""Rasters that GDAL reads, with the driver that a file's name asks for and no other.

Left to choose by content, GDAL would open a text that names any file or address as its source.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from hub.scenes.checks import SceneError, require_size
from hub.scenes.rasters.files import CUT_OFF, StoredFile, require_bytes
from hub.scenes.rasters.no_data import stored_fill
from hub.scenes.rasters.raster import WGS84, Raster, plain_crs
from hub.scenes.rasters.units import measured, unit_in
from hub.scenes.rasters.virtual import check_virtual

TIFF = (".tif", ".tiff")
_DRIVERS = {
    ".vrt": "VRT",
    ".asc": "AAIGrid",
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jp2": "JP2OpenJPEG",
    **dict.fromkeys(TIFF, "GTiff"),
}
# ISCE writes its own header and a VRT beside the data, ROI_PAC a .rsc, ENVI and SNAP a .hdr.
_HEADERS = ((".xml", "ISCE"), (".rsc", "ROI_PAC"), (".hdr", "ENVI"))
_PLAIN = {"complex_int16": "int32"}  # of a size; numpy has no such type
# Else GDAL leaves a file beside what it reads.
_QUIET = {"CPL_VSIL_GZIP_WRITE_PROPERTIES": "NO"}


@contextmanager
def readable_tiff(path: object) -> Iterator[None]:
    """Turn rasterio's complaints about a file into ours.

    Raises:
        SceneError: If it is no raster that can be read.
    """
    kind = "GeoTIFF" if str(path).lower().endswith((*TIFF, ".gz")) else "raster"
    try:
        with warnings.catch_warnings():
            # What has no place is refused in our own words.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            yield
    except (RasterioError, OSError, ValueError, MemoryError) as error:
        # rasterio's own is "Read failed. See previous exception for details."
        reason = str(error.__cause__ or error).replace("\n", " ") or type(error).__name__
        raise SceneError(f"{path} is not a readable {kind}: {reason}") from None


def driver_of(file: StoredFile) -> str | None:
    """The driver that a file is opened with, or None if it is no raster that is read."""
    ending = Path(file.name).suffix.lower()
    if ending in _DRIVERS:
        return _DRIVERS[ending]
    if ending in (".xml", ".rsc", ".hdr", ".aux"):
        return None
    for header, driver in _HEADERS:
        if file.beside(file.path.name + header).exists():
            return driver
    if file.beside(Path(file.path.name).with_suffix(".hdr").name).exists():
        return "ENVI"
    # ISCE's data without its XML, but with the VRT that it writes as well
    return "VRT" if file.beside(file.path.name + ".vrt").exists() else None


@dataclass(frozen=True)
class Header:
    """What a raster says of itself before it is read.

    Attributes:
        names: Name of each band, from its description; empty where it has none.
        types: Type of each band.
        tags: The file's own tags.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    tags: dict[str, str]


@contextmanager
def opened(file: StoredFile, outside: bool = False) -> Iterator[rasterio.DatasetReader]:
    """Open a raster.

    Args:
        file: Which.
        outside: Whether a VRT may name sources outside of its own folder.

    Raises:
        SceneError: If it cannot be opened.
    """
    driver = driver_of(file)
    if driver is None:
        raise SceneError(
            f"{file} is no kind of file that is read: an ending that is known (.tif, .vrt, .grd, "
            ".nc, .h5), or a header beside it (.hdr, .xml, .rsc), says how"
        )
    if file.archive is None and file.exists() and file.size == 0:
        raise SceneError(f"{file} is empty: it {CUT_OFF}")
    where = file
    if driver == "VRT":
        if not file.name.lower().endswith(".vrt"):
            where = file.beside(file.path.name + ".vrt")
        check_virtual(where, outside)
    with (
        readable_tiff(file),
        rasterio.Env(**_QUIET),
        rasterio.open(where.where, driver=driver) as dataset,
    ):
        yield dataset


def header_of(file: StoredFile, outside: bool = False) -> Header:
    """Read a raster's header.

    Raises:
        SceneError: If it cannot be opened.
    """
    with opened(file, outside) as dataset:
        return Header(
            tuple(name or "" for name in dataset.descriptions),
            tuple(dataset.dtypes),
            dict(dataset.tags()),
        )


Choose = Callable[[Sequence[str], Sequence[str]], int | None]
"""From the names and types of bands to the number, from 1, of the one that is wanted."""


def read_band(
    file: StoredFile,
    role: str,
    max_pixels: int,
    *,
    choose: Choose | None = None,
    crs: str | None = None,
    outside: bool = False,
) -> Raster:
    """Read one band.

    No data is what the file's tag and its masks say, what is not finite, and the sentinels of
    `no_data`. A scale and an offset are applied. Of complex numbers the argument is taken, and
    those that are 0 have none.

    Args:
        file: Which.
        role: "phase", "coherence" or "elevation".
        max_pixels: Largest height x width that is read.
        choose: Which band; the only one that is not transparency if left out.
        crs: Where the file has no coordinate system but the product's convention is known.
        outside: Whether a VRT may name sources outside of its own folder.

    Raises:
        SceneError: If it cannot be read, has several bands and none is chosen, no place, or too
            many pixels.
    """
    with opened(file, outside) as dataset:
        require_size(str(file), dataset.height, dataset.width, max_pixels)
        _require_whole(file, dataset)
        band = _chosen(file, dataset, choose)
        system = dataset.crs.to_string() if dataset.crs is not None else crs
        # ISCE's driver names a coordinate system for radar coordinates, too: nothing lies there.
        if dataset.transform.is_identity:
            raise SceneError(
                f"{file} has no place on Earth: it is in radar "
                "coordinates or has lost its georeference; geocode it first"
            )
        if system is None:
            raise SceneError(
                f"{file} has no coordinate reference system; add it, for example with "
                f"`rio edit-info --crs EPSG:4326 {file.name}`"
            )
        values = dataset.read(band)
        # GDAL's complex whole numbers have no type of their own in numpy, and are read as these.
        stored = values.dtype.name if values.dtype.kind == "c" else dataset.dtypes[band - 1]
        masked = _masked(dataset, band, values)
        scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
        unit = _unit_of(dataset, band)
        transform = dataset.transform
    if values.dtype.kind == "c":
        masked = masked | (values == 0)
        with np.errstate(invalid="ignore"):
            values = np.angle(values).astype(np.float32)
    elif values.dtype.kind == "f" and values.dtype.itemsize == 8:
        # A fill value of 1e300 is infinite from here on, and so no data.
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
    scaled = (scale, offset) != (1.0, 0.0)
    if scaled:
        masked = masked | stored_fill(values)  # as it is stored; no limit holds before the scale
        values = values.astype(np.float32) * np.float32(scale) + np.float32(offset)
    values = measured(values, role, unit)
    if masked.any():
        values = np.where(masked, np.float32(np.nan), values.astype(np.float32))
    return Raster(
        str(file), values, transform, plain_crs(system or WGS84), stored, scaled, unit=unit
    ).north_up()


def _require_whole(file: StoredFile, dataset: rasterio.DatasetReader) -> None:
    """Refuse flat numbers that end before their header says: GDAL reads ENVI's rest as 0.

    Raises:
        SceneError: If the file is shorter, or one that a virtual raster is made of.
    """
    for source in map(StoredFile, map(Path, dataset.files if dataset.driver == "VRT" else ())):
        if driver_of(source) == "ENVI":
            with opened(source) as flat:
                _require_whole(source, flat)
    about = dataset.tags(ns="ENVI")
    packed = about.get("file_compression", "0").strip() != "0"
    if dataset.driver not in [driver for _, driver in _HEADERS] or packed:
        return
    pixel = sum(np.dtype(_PLAIN.get(kind, kind)).itemsize for kind in dataset.dtypes)
    whole = int(about.get("header_offset", 0)) + dataset.height * dataset.width * pixel
    require_bytes(file, whole)


def _unit_of(dataset: rasterio.DatasetReader, band: int) -> str:
    """The unit of a band, else what tags say, as xarray writes them; ENVI's are in its own."""
    tags = (dataset.tags(band), dataset.tags(), dataset.tags(ns="ENVI"))
    return dataset.units[band - 1] or next(filter(None, map(unit_in, tags)), "")


def _masked(dataset: rasterio.DatasetReader, band: int, values: np.ndarray) -> np.ndarray:
    """Where the tag or a mask says that there is no data, bool [H, W]."""
    masked = np.zeros(values.shape, bool)
    nodata = dataset.nodatavals[band - 1]
    if nodata is not None:
        masked |= np.isnan(values) if np.isnan(nodata) else values == nodata
        if not np.isnan(nodata) and values.dtype.kind == "f":
            # A tag kept as text or in double precision may differ in its last digit.
            masked |= np.isclose(values, nodata, rtol=1e-6, atol=0) if nodata else values == 0
    flags = dataset.mask_flag_enums[band - 1]
    if MaskFlags.per_dataset in flags or MaskFlags.alpha in flags:
        masked |= dataset.read_masks(band) == 0
    return masked


def _chosen(file: StoredFile, dataset: rasterio.DatasetReader, choose: Choose | None) -> int:
    if choose is not None:
        names = [name or "" for name in dataset.descriptions]
        found = choose(names, dataset.dtypes)
        if found is not None:
            if not 1 <= found <= dataset.count:
                raise SceneError(f"{file} has {dataset.count} bands; there is no band {found}")
            return found
    real = [
        number
        for number, kind in enumerate(dataset.colorinterp, 1)
        if kind is not ColorInterp.alpha
    ]
    if len(real) != 1:
        raise SceneError(
            f"{file} has {dataset.count} bands; one is expected: say which is the phase with --band"
        )
    return real[0]
