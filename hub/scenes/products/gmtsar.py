"""GMTSAR and PyGMTSAR: geographic grids `phasefilt_ll.grd`, `unwrap_ll.grd`, `corr_ll.grd`.

netCDF of either generation with a variable `z` and coordinates `lon`, `lat` (or `x`, `y`) of pixel
centres, rows from south to north, NaN for no data; radians, coherence 0..1. They carry no
coordinate system: longitude and latitude on WGS 84 are meant, and the answer says so.
`phasefilt.grd` without `_ll` is in radar coordinates and refused; `los_ll.grd` is displacement in
millimetres. Folders are called YYYYDDD_YYYYDDD by days counted from 0.

Sign: `geocode.csh` makes line-of-sight displacement by -79.58 x wavelength ("equals negative
range"), so a positive phase is an increase of range. Source: GMTSAR, geocode.csh.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from hub.scenes.checks import SceneError, require_size
from hub.scenes.products.product import (
    COHERENCE,
    ELEVATION,
    UNWRAPPED,
    WRAPPED,
    Claim,
    Names,
    Product,
    ReadOptions,
    alternatives,
    other,
)
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.hdf5 import is_hdf5, transform_of_centres
from hub.scenes.rasters.raster import WGS84, Raster
from hub.scenes.rasters.units import measured, unit_in

NO_CRS = "the grid names no coordinate system: taken as longitude and latitude in degrees"

_KINDS = {
    "phasefilt": WRAPPED,
    "phasefilt_mask": WRAPPED,
    "phase": WRAPPED,
    "phase_mask": WRAPPED,
    "unwrap": UNWRAPPED,
    "unwrap_mask": UNWRAPPED,
    "unwrap_detrend": UNWRAPPED,
    "phasefilt_corr": WRAPPED,
    "phase_corr": WRAPPED,
    "unwrap_corr": UNWRAPPED,
    "corr": COHERENCE,
    "corr_mask": COHERENCE,
    "topo": ELEVATION,
    "dem": ELEVATION,
    "los": other("displacement"),
    "los_mask": other("displacement"),
    "display_amp": other("amplitude"),
    "amp": other("amplitude"),
    "mask": other("mask"),
    "mask_def": other("mask"),
    "landmask": other("mask"),
}
_NAMES = Names(
    rf"(?P<key>.*?)(?<![a-z])(?P<kind>{alternatives(_KINDS)})(?:_(?:ll|ra))?\.(?:grd|nc)", _KINDS
)
_AXES = (("lon", "lat"), ("longitude", "latitude"), ("x", "y"))


def _claim(file: StoredFile) -> Claim | None:
    claim = _NAMES.claim(file, PRODUCT)
    if claim is None:
        return None
    # A folder holds the same in radar coordinates, whose name mostly does not say so.
    place = 0 if re.search(r"_ll\.\w+$", file.name, re.IGNORECASE) else 100
    if re.search(r"_ra\.\w+$", file.name, re.IGNORECASE):
        place = 200
    return replace(claim, rank=claim.rank + place)


def _read(claim: Claim, max_pixels: int, options: ReadOptions) -> Raster:
    import xarray

    file = claim.file
    engine = "h5netcdf" if is_hdf5(file) else "scipy"
    try:
        with xarray.open_dataset(
            file.stream(), engine=engine, decode_times=False, cache=False
        ) as grid:
            return _raster(file, claim, grid, max_pixels)
    except SceneError:
        raise
    except Exception as error:  # each engine has errors of its own
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SceneError(f"{file} is not a readable grid: {reason}") from None


def _raster(file: StoredFile, claim: Claim, grid: Any, max_pixels: int) -> Raster:
    layers = [name for name in grid.data_vars if grid[name].ndim == 2]
    if len(layers) != 1:
        raise SceneError(f"{file} has {len(layers)} layers of two dimensions; one is expected")
    layer = grid[layers[0]]
    axes = next(
        (
            (x, y)
            for x, y in _AXES
            if x in layer.coords and y in layer.coords and {x, y} == set(layer.dims)
        ),
        None,
    )
    if axes is None:
        raise SceneError(f"{file} has no coordinates lon and lat (its own are {list(layer.dims)})")
    layer = layer.transpose(axes[1], axes[0])
    require_size(str(file), layer.shape[0], layer.shape[1], max_pixels)
    x, y = (np.asarray(layer[axis].values, float) for axis in axes)
    transform = transform_of_centres(str(file), x, y)
    plain = np.abs(y).max() <= 90.5 and x.min() >= -361 and x.max() <= 361
    fine = abs(transform.a) < 0.2 and abs(transform.e) < 0.2
    if not (plain and fine):
        raise SceneError(
            f"{file} is in radar coordinates (range and azimuth) or in a projection, not in "
            "longitude and latitude: geocode it first, with proj_ra2ll.csh for instance"
        )
    values = np.asarray(layer.values)
    stored = values.dtype.name
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
    unit = unit_in(layer.attrs)
    values = measured(values, claim.role, unit)
    notes = (NO_CRS,) if claim.role == "phase" else ()
    return Raster(str(file), values, transform, WGS84, stored, notes=notes, unit=unit).north_up()


PRODUCT = Product(
    name="gmtsar",
    title="GMTSAR, PyGMTSAR",
    reads="phasefilt_ll, phase_ll or unwrap_ll .grd; corr_ll; topo_ll, dem_ll",
    sign="positive",
    source="GMTSAR, geocode.csh",
    claim=_claim,
    read=_read,
    elevations=(".", "..", "../topo", "../../topo"),
    stacks=True,
)
