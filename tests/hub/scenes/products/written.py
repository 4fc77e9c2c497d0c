"""The planted scene as each processor writes it."""

import shutil

import h5py
import numpy as np
from scipy.io import netcdf_file

from tests.hub.scenes.products.planted import (
    ABSENT,
    AMPLITUDE,
    COHERENCE,
    FIRST,
    GRID,
    HEIGHT,
    HEIGHTS,
    INTERFEROGRAM,
    PAIR,
    PHASE,
    SECOND,
    TURNS,
    UTM,
    UTM_GRID,
    WIDTH,
    tif,
)
from tests.hub.scenes.products.written_snap import snap, snap_described, snap_geotiff


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
