"""The planted scene as SNAP writes it."""

import struct

import rasterio

from tests.hub.scenes.products.planted import (
    AMPLITUDE,
    COHERENCE,
    GRID,
    HEIGHT,
    HEIGHTS,
    INTERFEROGRAM,
    PHASE,
    WIDTH,
    tif,
)


def _envi(path, values):
    """SNAP's ENVI: big-endian, with its own name of WGS 84."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values.astype(">f4").tofile(path)
    path.with_suffix(".hdr").write_text(
        f"ENVI\ndescription = {{{path.stem}}}\nsamples = {WIDTH}\nlines = {HEIGHT}\nbands = 1\n"
        "header offset = 0\nfile type = ENVI Standard\ndata type = 4\ninterleave = bsq\n"
        f"byte order = 1\nband names = {{ {path.stem} }}\n"
        f"map info = {{Geographic Lat/Lon, 1.0, 1.0, {GRID.c}, {GRID.f}, {GRID.a}, {-GRID.e}, "
        "WGS84, units=Degrees}\n"
        'coordinate system string = {GEOGCS["WGS84(DD)",DATUM["WGS84",SPHEROID["WGS84",6378137.0,'
        '298.257223563]],PRIMEM["Greenwich",0.0],UNIT["degree",0.017453292519943295],'
        'AXIS["Geodetic longitude", EAST],AXIS["Geodetic latitude", NORTH]]}\n'
    )


def snap(root):
    data = root / "ifg_tc.data"
    days = "03Jan2017_15Jan2017"
    _envi(data / f"Phase_ifg_IW2_VV_{days}.img", PHASE)
    _envi(data / f"coh_IW2_VV_{days}.img", COHERENCE)
    _envi(data / f"Intensity_ifg_IW2_VV_{days}.img", AMPLITUDE**2)
    _envi(data / "elevation.img", HEIGHTS)
    (root / "ifg_tc.dim").write_text("<Dimap_Document/>")
    return root / "ifg_tc.dim"


def snap_geotiff(root):
    """i and q, with the names of the bands in SNAP's own tag."""
    names = ("i_ifg_VV_03Jan2017_15Jan2017", "q_ifg_VV_03Jan2017_15Jan2017", "coh_VV")
    bands = (INTERFEROGRAM.real.copy(), INTERFEROGRAM.imag.copy(), COHERENCE)
    path = tif(root / "ifg.tif", *bands)
    text = "<Dimap_Document><Image_Interpretation>" + "".join(
        f"<Spectral_Band_Info><BAND_INDEX>{at}</BAND_INDEX><BAND_NAME>{name}</BAND_NAME>"
        "</Spectral_Band_Info>"
        for at, name in enumerate(names)
    )
    text += "</Image_Interpretation></Dimap_Document>"
    add_tag(path, 65000, text.encode() + b"\0")
    return path


def add_tag(path, tag, text):
    """Append a classic little-endian TIFF's directory anew, with one more tag of text."""
    content = bytearray(path.read_bytes())
    assert content[:4] == b"II*\0"
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    entries = [bytes(content[start + 2 + 12 * at :][:12]) for at in range(count)]
    entries.append(struct.pack("<HHII", tag, 2, len(text), len(content)))
    content += text + b"\0" * (len(text) % 2)
    struct.pack_into("<I", content, 4, len(content))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    content += struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    path.write_bytes(content)


def snap_described(root):
    """A GeoTIFF whose bands are named as GDAL keeps it."""
    path = tif(root / "ifg_tc.tif", PHASE, COHERENCE)
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("Phase_ifg_VV_03Jan2017_15Jan2017", "coh_VV_03Jan2017_15Jan2017")
    return path
