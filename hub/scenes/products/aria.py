"""ARIA's Sentinel-1 GUNW (`S1-GUNW-A-R-...-<later>_<earlier>-....nc`), of JPL and ASF.

`science/grids/data/` holds `unwrappedPhase` (radians), `coherence` (0..1), `connectedComponents`
and `amplitude` on `longitude` and `latitude` of pixel centres (EPSG:4326), `_FillValue` or NaN for
no data. Elevation is read where a dataset of the same grid is called `height`, `elevation` or
`dem`; mostly there is none, so give `--elevation`.

Sign: the reference is the later date, and the phase is positive where the range was longer at the
earlier date. The reader negates it, so that it is of the earlier against the later date and
positive for an increase of range, as in all other products. Source: MintPy, prep_aria.py ("data *=
-1 # date2_date1 -> date1_date2") and FAQs.md.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hub.scenes.products.product import Claim, Layer, Pair, Product, ReadOptions
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.hdf5 import Hdf5, is_hdf5, opened, transform_of_centres
from hub.scenes.rasters.names import dates_in
from hub.scenes.rasters.raster import WGS84, Raster

_GRIDS = "science/grids/data"
_PHASE = f"{_GRIDS}/unwrappedPhase"


def _claim(file: StoredFile) -> Claim | None:
    if not is_hdf5(file) or not file.name.lower().endswith((".nc", ".h5", ".nc4")):
        return None
    with opened(file) as content:
        if content.has(_PHASE):
            return Claim(file, PRODUCT, "phase", "unwrapped phase", kind="unwrapped")
    return None


def _pairs(file: StoredFile, options: ReadOptions) -> list[Pair]:
    with opened(file) as content:
        shape = content.shape(_PHASE)

        def layer(dataset: str, role: str) -> Layer | None:
            path = f"{_GRIDS}/{dataset}"
            if not content.has(path) or content.shape(path) != shape:
                return None
            return Layer(f"{file}:{path}", partial(_read, file, path, role))

        coherence = layer("coherence", "coherence")
        found = (layer(name, "elevation") for name in ("height", "elevation", "dem"))
        elevation = next(filter(None, found), None)
    dates = dates_in(file.name)
    # The name says which date is the reference; a file that was renamed is as ARIA makes them.
    turned = dates is None or dates[0] > dates[1]
    if dates is not None and turned:
        dates = dates[1], dates[0]
    return [
        Pair(
            product=PRODUCT,
            label=str(file),
            phase=Layer(f"{file}:{_PHASE}", partial(_read, file, _PHASE, "phase"), "unwrapped"),
            coherence=coherence,
            elevation=elevation,
            dates=dates,
            place=_track(file),
            name=Path(file.name).stem,
            reversed=turned,
        )
    ]


def _track(file: StoredFile) -> str:
    """Folder and grid: files of one track and footprint make a series."""
    parts = file.name.split("-")
    return f"{file.folder} {'-'.join(parts[:5])} {'-'.join(parts[8:9])}"


def _read(file: StoredFile, dataset: str, role: str, max_pixels: int) -> Raster:
    with opened(file) as content:
        return content.raster(dataset, role, max_pixels, _transform(content, file), WGS84)


def _transform(content: Hdf5, file: StoredFile):  # type: ignore[no-untyped-def]  # noqa: ANN202
    x, y = content.read(f"{_GRIDS}/longitude"), content.read(f"{_GRIDS}/latitude")
    return transform_of_centres(str(file), x, y)


PRODUCT = Product(
    name="aria",
    title="ARIA S1-GUNW",
    reads=".nc: unwrappedPhase (turned to earlier against later date), coherence",
    sign="positive",
    source="MintPy, prep_aria.py",
    claim=_claim,
    pairs=_pairs,
)
