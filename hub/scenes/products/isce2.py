"""ISCE2, geocoded: `filt_topophase.unw.geo`, `filt_fine.int.geo`, `20170101_20170113.unw.geo`.

Raw data with `.xml` (ISCE's header) and `.vrt` beside. `.int` and `.flat` are complex
interferograms; `.unw` has two bands, amplitude and unwrapped phase, and so has `topophase.cor`
(amplitude, coherence 0..1), while `phsig.cor` and `filt_fine.cor` have one. Elevation is `hgt*` or
`dem*`, also in `geom_reference/`. Longitude and latitude, 0 for no data. In radar coordinates
(without `.geo`) they have no place and are refused. Dates are in the name or in a folder's.

Sign: the interferogram is the reference times the conjugate of the secondary, exp(-4 pi i (r1 -
r2) / wavelength), so a positive phase is an increase of range. Source: MintPy, FAQs.md, "positive
value represents motion away from the satellite"; ISCE2, isceobj and topsApp.
"""

from __future__ import annotations

import re

from hub.scenes.products.product import (
    COHERENCE,
    ELEVATION,
    INTERFEROGRAM,
    UNWRAPPED,
    Claim,
    Named,
    Product,
    other,
)
from hub.scenes.products.reading import read_last_of_two
from hub.scenes.rasters.files import StoredFile

_RULES: tuple[tuple[str, Named], ...] = (
    (r".*conncomp.*", other("mask")),
    (r".*\.(unw|unwcor)", UNWRAPPED),
    (r".*\.(int|flat)", INTERFEROGRAM),
    (r".*\.cor", COHERENCE),
    (r"(hgt|dem|z)(\..*)?|.*\.(hgt|dem)|.*\.dem\.wgs84|dem\.crop", ELEVATION),
    (r"los.*|.*\.los", other("angle of incidence or look")),
    (r".*\.(amp|slc|mli)", other("amplitude")),
    (
        r".*\.(msk|off|bil)|lat.*|lon.*|shadowmask.*|incLocal.*|watermask.*|resamp.*",
        other("geometry"),
    ),
)
_BEST = (r"filt_.*\.(int|flat)", r".*\.(int|flat)", r"filt_.*\.unw", r".*\.unw")
_COHERENCES = (r"filt_.*\.cor", r"phsig.*\.cor", r"topophase.*\.cor")


def _claim(file: StoredFile) -> Claim | None:
    name = file.name
    for ending in (".xml", ".vrt"):
        name = name.removesuffix(ending)
    if not name.lower().endswith(".geo"):
        # In radar coordinates, or of another product that has an XML: only with ISCE's own header.
        if not file.beside(name + ".xml").exists() or "." not in name:
            return None
        if name.lower().endswith((".tif", ".tiff", ".img", ".png")):
            return None
    stem = re.sub(r"(\.geo|\.rdr|\.full)+$", "", name, flags=re.IGNORECASE)
    data = file.beside(name)
    if not data.exists():
        return None
    for pattern, named in _RULES:
        if re.fullmatch(pattern, stem, re.IGNORECASE):
            order = _COHERENCES if named.role == "coherence" else _BEST
            rank = next(
                (at for at, best in enumerate(order) if re.fullmatch(best, stem, re.IGNORECASE)), 9
            )
            if not name.lower().endswith(".geo"):
                rank += 100  # a folder holds the same in radar coordinates
            return Claim(data, PRODUCT, named.role, named.what, _key(stem), named.kind, rank)
    return None


def _key(stem: str) -> str:
    """One pair a folder, unless names carry dates: `filt_fine` and `fine` are of one pair."""
    dates = re.search(r"\d{6,8}[-_]\d{6,8}", stem)
    return dates[0] if dates else ""


PRODUCT = Product(
    name="isce2",
    title="ISCE2, geocoded",
    reads=".int, .flat, .unw, .cor, hgt or dem .geo with .xml or .vrt",
    sign="positive",
    source="MintPy, FAQs.md",
    claim=_claim,
    read=read_last_of_two,
    elevations=(
        ".",
        "..",
        "../geom_reference",
        "../../geom_reference",
        "../../merged/geom_reference",
    ),
    stacks=True,
)
