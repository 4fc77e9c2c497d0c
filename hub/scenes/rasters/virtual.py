"""GDAL's virtual rasters: a text that names other files, which is looked at before it is opened."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from hub.scenes.checks import SceneError
from hub.scenes.rasters.files import StoredFile, require_bytes

_NAMES = ("SourceFilename", "SourceDataset")
_MOST = 4
"""Virtual rasters of virtual rasters that are followed."""


def check_virtual(file: StoredFile, outside: bool, depth: int = 0) -> None:
    """Refuse a virtual raster whose sources are not plain files, or lie elsewhere.

    Args:
        file: The VRT.
        outside: Whether sources may lie outside of its own folder and be of any kind, as on one's
            own command line; not where a stranger sends the file: GDAL takes a source by its
            content, and a text may name addresses and files.
        depth: How many virtual rasters led to this one.

    Raises:
        SceneError: If it is no XML, or a source is missing or not allowed.
    """
    if file.archive is not None:
        raise SceneError(f"{file}: a virtual raster is not read inside of an archive: unpack it")
    try:
        root = ET.fromstring(file.path.read_text())
    except (ET.ParseError, OSError, ValueError) as error:
        raise SceneError(f"{file} is not a readable virtual raster: {error}") from None
    folder = file.path.absolute().parent
    if not outside and root.get("subClass") not in (None, "VRTWarpedDataset"):
        raise SceneError(f"{file} is a virtual raster of a kind that is not followed")
    raw = {
        id(element): band
        for band in root.iter("VRTRasterBand")
        if band.get("subClass") == "VRTRawRasterBand"
        for element in band.iter()
    }
    for element in root.iter():
        if element.tag not in _NAMES:
            continue
        text = (element.text or "").strip()
        source = Path(text)
        if text.startswith("/vsi") or ":" in text or not text:
            raise SceneError(f"{file} names {text!r} as a source; only plain files are followed")
        if element.get("relativeToVRT", "0") == "1" or not source.is_absolute():
            source = folder / source
        if not source.is_file():
            raise SceneError(f"{file} names {text} as a source, which does not exist")
        if not outside and not source.resolve().is_relative_to(folder.resolve()):
            raise SceneError(f"{file} names {text} as a source, outside of its own folder")
        if source.suffix.lower() == ".vrt":
            if depth >= _MOST:
                raise SceneError(f"{file}: virtual rasters are nested too deeply")
            check_virtual(StoredFile(source), outside, depth + 1)
        elif id(element) in raw:
            require_bytes(StoredFile(source), _raw_bytes(file, root, raw[id(element)]))
        elif not outside and not _is_tiff(source):
            raise SceneError(f"{file} names {text} as a source, which is no GeoTIFF")


def _raw_bytes(file: StoredFile, root: ET.Element, band: ET.Element) -> int:
    """Where the last pixel of a band of flat numbers begins, and a byte: GDAL reads the rest as 0.

    Raises:
        SceneError: If its size or its steps are no numbers.
    """
    try:
        width, height = (int(root.get(name, "")) for name in ("rasterXSize", "rasterYSize"))
        start, pixel = (int(band.findtext(name) or 0) for name in ("ImageOffset", "PixelOffset"))
        line = int(band.findtext("LineOffset") or pixel * width)
    except ValueError as error:
        raise SceneError(f"{file} is not a readable virtual raster: {error}") from None
    return start + max(0, line) * (height - 1) + max(0, pixel) * (width - 1) + 1


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
