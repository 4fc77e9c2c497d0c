"""GAMMA's GeoTIFF exports, and ROI_PAC's geocoded files.

GAMMA (`data2geotiff`): `<dates>*.unw*.tif`, `*.cc*.tif`, `*.hgt*.tif` and so on, told by the words
in the name (see `any_raster`); here are the files of ROI_PAC: `geo_020827-040608.unw` (two bands,
amplitude and unwrapped phase), `.cor` (amplitude, coherence), `.int` (complex) and `.hgt` or
`.dem`, each with `.rsc` beside, longitude and latitude.

Sign: the first date times the conjugate of the second, so a positive phase is an increase of
range. Source: MintPy, FAQs.md, prep_roipac.py and prep_gamma.py (neither turns the sign).
"""

from __future__ import annotations

import re

from hub.scenes.products.product import (
    COHERENCE,
    ELEVATION,
    INTERFEROGRAM,
    UNWRAPPED,
    Claim,
    Names,
    Product,
    alternatives,
    other,
)
from hub.scenes.products.reading import read_last_of_two
from hub.scenes.rasters.files import StoredFile

_RSC = {
    "int": INTERFEROGRAM,
    "unw": UNWRAPPED,
    "cor": COHERENCE,
    "hgt": ELEVATION,
    "dem": ELEVATION,
    "amp": other("amplitude"),
    "slc": other("amplitude"),
    "msk": other("mask"),
    "trans": other("geometry"),
}
_ROI_PAC = Names(rf"(?P<key>.+?)\.(?P<kind>{alternatives(_RSC)})(?:\.rsc)?", _RSC)


def _claim_roi_pac(file: StoredFile) -> Claim | None:
    name = file.name.removesuffix(".rsc")
    data = file.beside(name)
    if not (data.exists() and file.beside(name + ".rsc").exists()):
        return None
    claim = _ROI_PAC.claim(data, PRODUCT)
    if claim is None:
        return None
    dates = re.search(r"\d{6,8}[-_]\d{6,8}", claim.key)
    # A folder holds the same in radar coordinates.
    rank = claim.rank + (0 if name.lower().startswith("geo") else 100)
    return Claim(data, PRODUCT, claim.role, claim.what, dates[0] if dates else "", claim.kind, rank)


_GAMMA = {
    "diff.adf": INTERFEROGRAM,
    "adf.diff": INTERFEROGRAM,
    "adf": INTERFEROGRAM,
    "diff": INTERFEROGRAM,
    "adf.unw": UNWRAPPED,
    "diff.adf.unw": UNWRAPPED,
    "diff.unw": UNWRAPPED,
    "diff_filt.unw": UNWRAPPED,
    "adf.cc": COHERENCE,
    "diff.adf.cc": COHERENCE,
    "diff.cc": COHERENCE,
    "diff_filt.cc": COHERENCE,
    "filt.cc": COHERENCE,
    "cc": COHERENCE,
}
_EXPORTS = Names(rf"(?P<key>[\w-]+?)\.(?P<kind>{alternatives(_GAMMA)})(?:[._]geo)?\.tiff?", _GAMMA)


def _claim(file: StoredFile) -> Claim | None:
    return _claim_roi_pac(file) or _EXPORTS.claim(file, PRODUCT)


PRODUCT = Product(
    name="gamma",
    title="GAMMA exports, ROI_PAC",
    reads=".adf.unw.tif, .diff.tif; .adf.cc.tif; .int, .unw, .cor, .hgt with .rsc",
    sign="positive",
    source="MintPy, FAQs.md",
    claim=_claim,
    read=read_last_of_two,
    elevations=(".", ".."),
    stacks=True,
)
