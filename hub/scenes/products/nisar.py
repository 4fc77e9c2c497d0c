"""NISAR's GUNW (`NISAR_L2_PR_GUNW_....h5`), L or S band.

`science/LSAR/GUNW/grids/frequencyA/` holds `unwrappedInterferogram/<polarisation>/unwrappedPhase`
(radians) and `coherenceMagnitude` (0..1) on `xCoordinates` and `yCoordinates` of pixel centres,
with `projection` the EPSG code; NaN is no data. (Until 2023 the group was called `interferogram`.)
The wrapped interferogram of the same file is finer by far and not read. Elevation: a dataset
`height`, `elevation` or `dem` of the same grid, mostly `--elevation`.

Sign: the reference is the earlier date and the interferogram is the reference times the conjugate
of the secondary, so a positive phase is an increase of range. Source: NISAR GUNW product
specification (JPL D-102272); MintPy, prep_nisar.py, which does not turn the sign.
"""

from __future__ import annotations

import datetime
from functools import partial
from pathlib import Path

from hub.scenes.checks import SceneError
from hub.scenes.products.product import Claim, Layer, Pair, Product, ReadOptions
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.hdf5 import Hdf5, is_hdf5, opened, transform_of_centres
from hub.scenes.rasters.names import Dates
from hub.scenes.rasters.raster import Raster

_BANDS = ("LSAR", "SSAR")
_GROUPS = ("unwrappedInterferogram", "interferogram")


def _claim(file: StoredFile) -> Claim | None:
    if not is_hdf5(file) or not file.name.lower().endswith((".h5", ".hdf5", ".nc")):
        return None
    with opened(file) as content:
        if any(content.has(f"science/{band}/GUNW") for band in _BANDS):
            return Claim(file, PRODUCT, "phase", "unwrapped phase", kind="unwrapped")
        others = [name for band in _BANDS for name in content.names(f"science/{band}")]
        if products := [name for name in others if name.isupper()]:
            return Claim(
                file, PRODUCT, "other", f"NISAR {products[0]}, not geocoded unwrapped phase"
            )
    return None


def _group(content: Hdf5, file: StoredFile) -> tuple[str, str]:
    """The layer's group, and that of its coordinates."""
    for band in _BANDS:
        grids = f"science/{band}/GUNW/grids"
        for frequency in sorted(content.names(grids)):
            for kind in _GROUPS:
                group = f"{grids}/{frequency}/{kind}"
                for polarisation in sorted(content.names(group)):
                    here = f"{group}/{polarisation}"
                    if content.has(f"{here}/unwrappedPhase"):
                        own = content.has(f"{here}/xCoordinates")
                        return here, here if own else group
    raise SceneError(f"{file} has no unwrappedPhase in its grids")


def _pairs(file: StoredFile, options: ReadOptions) -> list[Pair]:
    with opened(file) as content:
        group, _ = _group(content, file)
        shape = content.shape(f"{group}/unwrappedPhase")

        def layer(dataset: str, role: str) -> Layer | None:
            path = f"{group}/{dataset}"
            if not content.has(path) or content.shape(path) != shape:
                return None
            return Layer(f"{file}:{path}", partial(_read, file, path, role))

        coherence = layer("coherenceMagnitude", "coherence")
        found = (layer(name, "elevation") for name in ("height", "elevation", "dem"))
        elevation = next(filter(None, found), None)
        dates = _dates(content)
    path = f"{group}/unwrappedPhase"
    return [
        Pair(
            product=PRODUCT,
            label=str(file),
            phase=Layer(f"{file}:{path}", partial(_read, file, path, "phase"), "unwrapped"),
            coherence=coherence,
            elevation=elevation,
            dates=dates,
            place=f"{file.folder} {file.name.split('_20')[0]}",
            name=Path(file.name).stem,
        )
    ]


def _read(file: StoredFile, dataset: str, role: str, max_pixels: int) -> Raster:
    with opened(file) as content:
        _, place = _group(content, file)
        x, y = content.read(f"{place}/xCoordinates"), content.read(f"{place}/yCoordinates")
        transform = transform_of_centres(str(file), x, y)
        code = content.attributes(f"{place}/projection").get("epsg_code")
        if code is None:
            code = content.text(f"{place}/projection")
        try:
            crs = f"EPSG:{int(code)}"
        except ValueError:
            raise SceneError(f"{file}: its projection {code!r} is no EPSG code") from None
        return content.raster(dataset, role, max_pixels, transform, crs)


def _dates(content: Hdf5) -> Dates | None:
    days = []
    for which in ("reference", "secondary"):
        for band in _BANDS:
            path = f"science/{band}/identification/{which}ZeroDopplerStartTime"
            if content.has(path):
                try:
                    days.append(datetime.date.fromisoformat(content.text(path)[:10]))
                except ValueError:
                    return None
    return (days[0], days[1]) if len(days) == 2 else None


PRODUCT = Product(
    name="nisar",
    title="NISAR GUNW",
    reads=".h5: unwrappedPhase, coherenceMagnitude",
    sign="positive",
    source="NISAR GUNW product specification",
    claim=_claim,
    pairs=_pairs,
)
