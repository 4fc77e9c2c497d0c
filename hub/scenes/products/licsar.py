"""COMET's LiCSAR and LiCSBAS's GEOC folder.

A frame's folder holds, for each pair,
`<primary>_<secondary>/<primary>_<secondary>.geo.diff_pha.tif` (filtered wrapped phase, radians, 0
where there is no data), `.geo.diff_unfiltered_pha.tif`, `.geo.unw.tif` and `.geo.cc.tif` (uint8,
0..255), and for the frame `<frame>.geo.hgt.tif` (metres) and the line-of-sight vector
`.geo.E.tif`, `.geo.N.tif`, `.geo.U.tif`, in `metadata/` or beside the pairs.

Sign: LiCSBAS turns phase to displacement with -wavelength / 4 pi (`coef_r2m`, towards the
satellite positive), so a positive phase is an increase of range. Source: LiCSBAS, LiCSBAS_lib and
LiCSBAS13_sb_inv.py; Lazecky et al. 2020, doi:10.3390/rs12152430.
"""

from __future__ import annotations

from hub.scenes.products.product import (
    COHERENCE,
    ELEVATION,
    UNWRAPPED,
    WRAPPED,
    Claim,
    Names,
    Product,
    other,
)
from hub.scenes.products.reading import read_raster
from hub.scenes.rasters.files import StoredFile

_NAMES = Names(
    r"(?P<key>.+?)\.geo\.(?P<kind>[\w.]+)\.tiff?",
    {
        "diff_pha": WRAPPED,
        "diff_unfiltered_pha": WRAPPED,
        "unw": UNWRAPPED,
        "cc": COHERENCE,
        "hgt": ELEVATION,
        "e": other("line-of-sight vector"),
        "n": other("line-of-sight vector"),
        "u": other("line-of-sight vector"),
        "mli": other("amplitude"),
    },
    rest=None,
)


def _claim(file: StoredFile) -> Claim | None:
    return _NAMES.claim(file, PRODUCT)


PRODUCT = Product(
    name="licsar",
    title="LiCSAR, LiCSBAS GEOC",
    reads=".geo.diff_pha, .diff_unfiltered_pha or .unw .tif; .geo.cc; .geo.hgt",
    sign="positive",
    source="LiCSBAS, coef_r2m",
    claim=_claim,
    read=read_raster,
    elevations=(".", "metadata", "..", "../metadata", "../..", "../../metadata"),
    stacks=True,
)
