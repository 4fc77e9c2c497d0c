"""MintPy's stack of interferograms, `ifgramStack.h5` or `geo_ifgramStack.h5`, with its geometry.

`wrapPhase` or `unwrapPhase` [n, H, W] (radians), `coherence` (0..1), `date` [n, 2] as YYYYMMDD; 0
or NaN is no data. The place is in attributes: X_FIRST, Y_FIRST (upper left corner), X_STEP,
Y_STEP, and EPSG or UTM_ZONE, else degrees; without them it is in radar coordinates and refused.
`height` is read from `geo_geometryRadar.h5` or `geometryGeo.h5` in the same folder. Time series,
velocities and LiCSBAS's `cum.h5` are displacement, and refused.

Sign: "positive value represents motion away from the satellite", with the earlier date first.
Source: MintPy, FAQs.md and objects/stack.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from affine import Affine

from hub.scenes.checks import SceneError
from hub.scenes.products.product import Claim, Kind, Layer, Pair, Product, ReadOptions
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.hdf5 import Hdf5, is_hdf5, opened
from hub.scenes.rasters.names import dates_in
from hub.scenes.rasters.raster import WGS84, Raster
from hub.scenes.rasters.units import unit_in

_GEOMETRIES = ("geo_geometryRadar.h5", "geometryGeo.h5", "geo_geometryGeo.h5")
_PHASES: tuple[tuple[str, Kind], ...] = (("wrapPhase", "wrapped"), ("unwrapPhase", "unwrapped"))
_OTHERS = {
    "timeseries": "displacement",
    "velocity": "displacement",
    "cum": "displacement",
    "height": "geometry",
    "mask": "mask",
    "temporalCoherence": "coherence of a time series",
}


def _claim(file: StoredFile) -> Claim | None:
    if not is_hdf5(file) or file.name.lower().endswith((".nc", ".grd")):
        return None
    with opened(file) as content:
        held = content.names("/")
        if any(name in held for name, _ in _PHASES):
            return Claim(file, PRODUCT, "phase", "stack of interferograms")
        for name, what in _OTHERS.items():
            if name in held:
                return Claim(file, PRODUCT, "other", what)
    return None


def _pairs(file: StoredFile, options: ReadOptions) -> list[Pair]:
    with opened(file) as content:
        dataset, kind = next(item for item in _PHASES if content.has(item[0]))
        shape = content.shape(dataset)
        dates = [
            dates_in("_".join(_day(day) for day in pair))
            for pair in (content.read("date") if content.has("date") else ())
        ]
        has_coherence = content.has("coherence") and content.shape("coherence") == shape
        _place(content, file)  # refused once, not for each of the pairs
    if len(shape) != 3 or (dates and len(dates) != shape[0]):
        raise SceneError(f"{file}: {dataset} has shape {shape} and there are {len(dates)} dates")
    geometry = next((at for name in _GEOMETRIES if (at := file.beside(name)).exists()), None)
    elevation = None
    if geometry is not None:
        read = partial(_read, geometry, "height", "elevation", None)
        elevation = Layer(f"{geometry}:height", read)
    return [
        Pair(
            product=PRODUCT,
            label=f"{file}[{at}]",
            phase=Layer(
                f"{file}:{dataset}[{at}]", partial(_read, file, dataset, "phase", at), kind
            ),
            coherence=Layer(
                f"{file}:coherence[{at}]", partial(_read, file, "coherence", "coherence", at)
            )
            if has_coherence
            else None,
            elevation=elevation,
            dates=dates[at] if dates else None,
            place=str(file),
            name=f"{Path(file.name).stem}_{at}",
        )
        for at in range(shape[0])
    ]


def _read(file: StoredFile, dataset: str, role: str, at: int | None, max_pixels: int) -> Raster:
    with opened(file) as content:
        transform, crs = _place(content, file)
        raster = content.raster(dataset, role, max_pixels, transform, crs, at)
        # The stack's own is that of its phase, whatever else it holds.
        shared = unit_in(content.attributes()) if role == "phase" else ""
    return replace(raster, unit=raster.unit or shared)


def _place(content: Hdf5, file: StoredFile) -> tuple[Affine, str]:
    about = content.attributes()
    try:
        numbers = [float(about[key]) for key in ("X_FIRST", "Y_FIRST", "X_STEP", "Y_STEP")]
    except (KeyError, ValueError):
        raise SceneError(
            f"{file} has no X_FIRST, Y_FIRST, X_STEP and Y_STEP: it is in radar coordinates; "
            "geocode it first, with geocode.py for instance"
        ) from None
    west, north, across, down = numbers
    return Affine(across, 0, west, 0, down, north), _crs(about)


def _crs(about: dict[str, Any]) -> str:
    if about.get("EPSG"):
        return f"EPSG:{int(float(about['EPSG']))}"
    zone = str(about.get("UTM_ZONE", "")).strip()
    if zone:
        south = zone[-1:].upper() == "S"
        number = int("".join(filter(str.isdigit, zone)) or 0)
        return f"EPSG:{(32700 if south else 32600) + number}"
    return WGS84


def _day(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


PRODUCT = Product(
    name="mintpy",
    title="MintPy",
    reads="geo_ifgramStack.h5: wrapPhase or unwrapPhase; coherence; geometry",
    sign="positive",
    source="MintPy, FAQs.md",
    claim=_claim,
    pairs=_pairs,
    stacks=True,
)
