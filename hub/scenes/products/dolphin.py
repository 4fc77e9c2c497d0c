"""dolphin on COMPASS's geocoded bursts: complex `<primary>_<secondary>.int.tif` and coherence.

`.int.cor.tif` or `.cor.tif` is the coherence (0..1, 0 for no data), `.unw.tif` the unwrapped
phase; `.unw.conncomp.tif` and `.unw.cor.tif` are of the unwrapping. UTM. COMPASS itself writes
single acquisitions (CSLC), of which dolphin makes interferograms.

Sign: the first date times the conjugate of the second, so a positive phase is an increase of
range. Source: dolphin, interferogram.py (`VRTInterferogram`: "ref * conj(sec)").
"""

from __future__ import annotations

from hub.scenes.products.product import (
    COHERENCE,
    INTERFEROGRAM,
    UNWRAPPED,
    Claim,
    Names,
    Product,
    other,
)
from hub.scenes.products.reading import read_raster
from hub.scenes.rasters.files import StoredFile

_NAMES = Names(
    r"(?P<key>(?:\w+_)?\d{8}(?:T\d{6})?_\d{8}(?:T\d{6})?)\.(?P<kind>[\w.]+?)\.(?:tiff?|vrt)",
    {
        "int": INTERFEROGRAM,
        "unw": UNWRAPPED,
        "int.cor": COHERENCE,
        "cor": COHERENCE,
        "unw.cor": other("coherence of the unwrapping"),
        "unw.conncomp": other("mask"),
        "conncomp": other("mask"),
        "int.similarity": other("similarity"),
        "similarity": other("similarity"),
    },
)


def _claim(file: StoredFile) -> Claim | None:
    return _NAMES.claim(file, PRODUCT)


PRODUCT = Product(
    name="dolphin",
    title="dolphin, COMPASS",
    reads="DATE_DATE.int.tif (complex) or .unw.tif; .int.cor.tif or .cor.tif",
    sign="positive",
    source="dolphin, interferogram.py",
    claim=_claim,
    read=read_raster,
    stacks=True,
)
