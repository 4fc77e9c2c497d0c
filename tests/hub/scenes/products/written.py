"""One planted scene as each processor writes it: uplift in one place, subsidence in another.

The phase is positive where the range increases, as every one of these products has it; uplift,
which comes nearer, is negative.
"""

import shutil
import struct

import h5py
import numpy as np
import rasterio
from affine import Affine
from scipy.io import netcdf_file

HEIGHT, WIDTH = 120, 150
GRID = Affine(0.001, 0, 40.5, 0, -0.001, 13.5)
UTM_GRID = Affine(100, 0, 660_000, 0, -100, 1_490_000)
UTM = "EPSG:32637"
UPLIFT, SUBSIDENCE = (45, 100), (80, 40)
FIRST, SECOND = "20170103", "20170115"
PAIR = f"{FIRST}_{SECOND}"

_y, _x = np.mgrid[:HEIGHT, :WIDTH]


def _bump(at, width=12):
    return np.exp(-((_y - at[0]) ** 2 + (_x - at[1]) ** 2) / (2 * width**2))


PHASE = (2.8 * (_bump(SUBSIDENCE) - _bump(UPLIFT)) + 0.02).astype("float32")
TURNS = (PHASE + 14 * _bump(SUBSIDENCE, 15)).astype("float32")
COHERENCE = (0.6 + 0.2 * np.sin(_x / 20)).astype("float32")
HEIGHTS = (300 + 10 * _y).astype("float32")
ABSENT = _x < 10
PHASE[ABSENT] = TURNS[ABSENT] = COHERENCE[ABSENT] = 0
INTERFEROGRAM = (np.where(ABSENT, 0, 50 * COHERENCE) * np.exp(1j * PHASE)).astype("complex64")
AMPLITUDE = (50 * COHERENCE).astype("float32")


def tif(path, *bands, grid=GRID, crs="EPSG:4326", driver="GTiff", nodata=None, **tags):
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver=driver,
        height=bands[0].shape[0],
        width=bands[0].shape[1],
        count=len(bands),
        dtype=bands[0].dtype,
        transform=grid,
        crs=crs,
        nodata=nodata,
    ) as file:
        for number, band in enumerate(bands, 1):
            file.write(band, number)
        file.update_tags(**tags)
    return path


def licsar(root, phase=PHASE, name="diff_pha"):
    frame = root / "079D_07694_131313"
    folder = frame / "GEOC" / PAIR
    path = tif(folder / f"{PAIR}.geo.{name}.tif", phase)
    tif(folder / f"{PAIR}.geo.cc.tif", np.rint(COHERENCE * 255).astype("uint8"))
    tif(frame / "metadata" / f"{frame.name}.geo.hgt.tif", HEIGHTS)
    for axis in "ENU":
        tif(frame / "metadata" / f"{frame.name}.geo.{axis}.tif", HEIGHTS / 3000)
    tif(frame / "epochs" / FIRST / f"{FIRST}.geo.mli.tif", AMPLITUDE)
    return path


def hyp3(
    root, stem=f"S1AA_{FIRST}T030000_{SECOND}T030001_VVP012_INT80_G_ueF_4C43", phase="wrapped_phase"
):
    folder = root / stem
    layers = {
        phase: TURNS if phase == "unw_phase" else PHASE,
        "corr": COHERENCE,
        "dem": HEIGHTS,
        "lv_theta": HEIGHTS / 3000,
        "los_disp": (-PHASE * 0.0044).astype("float32"),
        "water_mask": (~ABSENT).astype("uint8"),
        "amp": AMPLITUDE,
    }
    for kind, values in layers.items():
        tif(folder / f"{stem}_{kind}.tif", values, grid=UTM_GRID, crs=UTM, nodata=0)
    (folder / f"{stem}.txt").write_text("Reference Granule: ...")
    return folder


def hyp3_zip(root):
    folder = hyp3(root / "plain")
    archive = shutil.make_archive(str(root / folder.name), "zip", folder.parent, folder.name)
    shutil.rmtree(folder)
    return archive


def hyp3_burst(root):
    return hyp3(root, f"S1_136231_IW2_{FIRST}_{SECOND}_VV_INT80_12E3", "unw_phase")


def _isce_file(path, bands, kind):
    """Bands interleaved by line, with ISCE's XML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.stack(bands, 1).tofile(path)

    def axis(number, delta, start, size):
        return (
            f'<component name="coordinate{number}"><property name="delta"><value>{delta}</value>'
            f'</property><property name="startingvalue"><value>{start}</value></property>'
            f'<property name="size"><value>{size}</value></property></component>'
        )

    path.with_name(path.name + ".xml").write_text(
        f'<imageFile><property name="width"><value>{WIDTH}</value></property>'
        f'<property name="length"><value>{HEIGHT}</value></property>'
        f'<property name="number_bands"><value>{len(bands)}</value></property>'
        '<property name="scheme"><value>BIL</value></property>'
        f'<property name="data_type"><value>{kind}</value></property>'
        '<property name="byte_order"><value>l</value></property>'
        + axis(1, GRID.a, GRID.c, WIDTH)
        + axis(2, GRID.e, GRID.f, HEIGHT)
        + "</imageFile>"
    )
    return path


def isce2(root):
    """topsApp's `merged/`, geocoded: unwrapped with its amplitude, coherence in two bands."""
    merged = root / f"{FIRST}-{SECOND}" / "merged"
    path = _isce_file(merged / "filt_topophase.unw.geo", [AMPLITUDE, TURNS], "FLOAT")
    _isce_file(merged / "topophase.cor.geo", [AMPLITUDE, COHERENCE], "FLOAT")
    _isce_file(merged / "dem.crop.geo", [HEIGHTS], "FLOAT")
    _isce_file(merged / "los.rdr.geo", [HEIGHTS / 30, HEIGHTS], "FLOAT")
    return path


def isce2_interferogram(root):
    """The same, wrapped and complex, by the VRT that ISCE writes beside its data."""
    folder = root / PAIR
    path = _isce_file(folder / "filt_fine.int.geo", [INTERFEROGRAM], "CFLOAT")
    _isce_file(folder / "filt_fine.cor.geo", [COHERENCE], "FLOAT")
    path.with_name(path.name + ".xml").unlink()
    path.with_name(path.name + ".vrt").write_text(
        f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>{GRID.c},{GRID.a},0,{GRID.f},0,{GRID.e}</GeoTransform>"
        '<VRTRasterBand dataType="CFloat32" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="1">{path.name}</SourceFilename><ByteOrder>LSB</ByteOrder>'
        "<ImageOffset>0</ImageOffset><PixelOffset>8</PixelOffset>"
        f"<LineOffset>{8 * WIDTH}</LineOffset>"
        "</VRTRasterBand></VRTDataset>"
    )
    return path


def dolphin(root):
    path = tif(root / PAIR / f"{PAIR}.int.tif", INTERFEROGRAM, grid=UTM_GRID, crs=UTM)
    tif(root / PAIR / f"{PAIR}.int.cor.tif", COHERENCE, grid=UTM_GRID, crs=UTM, nodata=0)
    tif(root / PAIR / f"{PAIR}.unw.conncomp.tif", ABSENT.astype("uint32"), grid=UTM_GRID, crs=UTM)
    return path


def _classic_grid(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    with netcdf_file(path, "w") as out:
        out.createDimension("lon", WIDTH)
        out.createDimension("lat", HEIGHT)
        out.createVariable("lon", "d", ("lon",))[:] = GRID.c + GRID.a * (np.arange(WIDTH) + 0.5)
        south = GRID.f + GRID.e * (np.arange(HEIGHT) + 0.5)
        out.createVariable("lat", "d", ("lat",))[:] = south[::-1]
        out.createVariable("z", "f", ("lat", "lon"))[:] = values[::-1]
    return path


def gmtsar(root):
    """`intf/2017002_2017014/`: days of the year from 0."""
    folder = root / "intf" / "2017002_2017014"
    path = _classic_grid(folder / "phasefilt_ll.grd", np.where(ABSENT, np.nan, PHASE))
    _classic_grid(folder / "corr_ll.grd", np.where(ABSENT, np.nan, COHERENCE))
    _classic_grid(folder / "los_ll.grd", np.where(ABSENT, np.nan, PHASE * -4.4))
    _classic_grid(root / "topo" / "topo_ll.grd", HEIGHTS)
    return path


def pygmtsar(root):
    """netCDF-4, as GMT 6 and xarray write it."""
    import xarray

    folder = root / PAIR
    folder.mkdir(parents=True)
    lon = GRID.c + GRID.a * (np.arange(WIDTH) + 0.5)
    lat = (GRID.f + GRID.e * (np.arange(HEIGHT) + 0.5))[::-1]
    for name, values in (("unwrap_ll", TURNS), ("corr_ll", COHERENCE)):
        held = np.where(ABSENT, np.nan, values)[::-1].astype("float32")
        grid = xarray.DataArray(held, {"lat": lat, "lon": lon}, ("lat", "lon"), name="z")
        grid.to_netcdf(folder / f"{name}.grd", engine="h5netcdf")
    return folder / "unwrap_ll.grd"


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


def mintpy(root, phase="unwrapPhase"):
    path = root / "geo_ifgramStack.h5"
    root.mkdir(parents=True, exist_ok=True)
    about = {
        "X_FIRST": str(GRID.c),
        "Y_FIRST": str(GRID.f),
        "X_STEP": str(GRID.a),
        "Y_STEP": str(GRID.e),
        "X_UNIT": "degrees",
        "FILE_TYPE": "ifgramStack",
        "WIDTH": str(WIDTH),
        "LENGTH": str(HEIGHT),
    }
    with h5py.File(path, "w") as file:
        file.attrs.update(about)
        file["date"] = np.array([[FIRST, SECOND], [FIRST, "20170127"]], "S8")
        planes = TURNS if phase == "unwrapPhase" else PHASE
        file[phase] = np.stack([planes, np.where(ABSENT, 0, planes * 0.9)]).astype("float32")
        file["coherence"] = np.stack([COHERENCE, COHERENCE])
        file["dropIfgram"] = np.ones(2, bool)
    with h5py.File(root / "geo_geometryRadar.h5", "w") as file:
        file.attrs.update(about)
        file["height"], file["incidenceAngle"] = HEIGHTS, HEIGHTS / 30
    return path


def aria(root):
    """The later date is the reference, so the sign is that of time reversed."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"S1-GUNW-D-R-079-tops-{SECOND}_{FIRST}-030000-40E_13N-PP-1a2b-v3_0_1.nc"
    with h5py.File(path, "w") as file:
        grids = file.create_group("science/grids/data")
        grids["longitude"] = GRID.c + GRID.a * (np.arange(WIDTH) + 0.5)
        grids["latitude"] = GRID.f + GRID.e * (np.arange(HEIGHT) + 0.5)
        for name, values in (("unwrappedPhase", -TURNS), ("coherence", COHERENCE)):
            grids[name] = np.where(ABSENT, np.float32(0), values)
            grids[name].attrs["_FillValue"] = np.float32(0)
        grids["connectedComponents"] = (~ABSENT).astype("uint8")
    return path


def nisar(root):
    root.mkdir(parents=True, exist_ok=True)
    path = root / "NISAR_L2_PR_GUNW_010_079_D_002_011_4000_SH_20170103T030000_20170115T030100_A.h5"
    with h5py.File(path, "w") as file:
        about = file.create_group("science/LSAR/identification")
        about["referenceZeroDopplerStartTime"] = "2017-01-03T03:00:00.000000000"
        about["secondaryZeroDopplerStartTime"] = "2017-01-15T03:00:00.000000000"
        group = file.create_group("science/LSAR/GUNW/grids/frequencyA/unwrappedInterferogram/HH")
        group["xCoordinates"] = UTM_GRID.c + UTM_GRID.a * (np.arange(WIDTH) + 0.5)
        group["yCoordinates"] = UTM_GRID.f + UTM_GRID.e * (np.arange(HEIGHT) + 0.5)
        group["projection"] = np.uint32(32637)
        group["projection"].attrs["epsg_code"] = 32637
        group["unwrappedPhase"] = np.where(ABSENT, np.nan, TURNS).astype("float32")
        group["coherenceMagnitude"] = np.where(ABSENT, np.nan, COHERENCE).astype("float32")
        finer = file.create_group("science/LSAR/GUNW/grids/frequencyA/wrappedInterferogram/HH")
        finer["wrappedInterferogram"] = INTERFEROGRAM
    return path


def roi_pac(root):
    """`geo_170103-170115.unw`: amplitude and unwrapped phase by lines, with its `.rsc`."""
    root.mkdir(parents=True, exist_ok=True)
    layers = {"geo_170103-170115.unw": TURNS, "geo_170103-170115.cor": COHERENCE}
    for name, values in layers.items():
        np.stack([AMPLITUDE, values], 1).tofile(root / name)
        (root / f"{name}.rsc").write_text(
            f"WIDTH {WIDTH}\nFILE_LENGTH {HEIGHT}\nX_FIRST {GRID.c}\nY_FIRST {GRID.f}\n"
            f"X_STEP {GRID.a}\nY_STEP {GRID.e}\nX_UNIT degrees\nY_UNIT degrees\n"
        )
    return root / "geo_170103-170115.unw"


def gamma(root):
    path = tif(root / f"{PAIR}.diff.adf.unw.geo.tif", TURNS, nodata=0)
    tif(root / f"{PAIR}.diff.adf.cc.geo.tif", COHERENCE)
    return path


def envi(root):
    path = tif(root / f"{PAIR}.phase", PHASE, driver="ENVI")
    tif(root / f"{PAIR}.coh", COHERENCE, driver="ENVI")
    return path


PRODUCTS = {
    "licsar": (licsar, "licsar", True, True),
    "hyp3": (hyp3, "hyp3", True, True),
    "hyp3_zip": (hyp3_zip, "hyp3", True, True),
    "hyp3_burst": (hyp3_burst, "hyp3", True, True),
    "isce2": (isce2, "isce2", True, True),
    "isce2_interferogram": (isce2_interferogram, "isce2", True, False),
    "dolphin": (dolphin, "dolphin", True, False),
    "gmtsar": (gmtsar, "gmtsar", True, False),
    "pygmtsar": (pygmtsar, "gmtsar", True, False),
    "snap": (snap, "snap", True, True),
    "snap_geotiff": (snap_geotiff, "snap", True, False),
    "snap_described": (snap_described, "snap", True, False),
    "aria": (aria, "aria", True, False),
    "nisar": (nisar, "nisar", True, False),
    "roi_pac": (roi_pac, "gamma", True, False),
    "gamma": (gamma, "gamma", True, False),
    "envi": (envi, "raster", True, False),
}
"""By name: what writes it, the product it is known as, whether it has coherence and elevation."""
