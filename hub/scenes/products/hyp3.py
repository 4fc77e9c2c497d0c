"""ASF's HyP3: InSAR by GAMMA, and bursts by ISCE2; a folder, its zip, or single files.

`<product>_wrapped_phase.tif` (radians; an option of the order), `_unw_phase.tif` (radians),
`_corr.tif` (0..1), `_dem.tif` (metres), and `_los_disp`, `_vert_disp` (metres), `_lv_theta`,
`_lv_phi`, `_inc_map`, `_inc_map_ell`, `_amp`, `_water_mask`, `_conncomp`; 0 is no data, the
projection is UTM. Dates come from the name: `S1AA_<time>_<time>_...` of GAMMA,
`S1_<burst>_IW2_<date>_<date>_...` of bursts.

Sign: "the sign convention used for unwrapped phase is opposite to that used for the displacement
maps", which are positive towards the sensor, so a positive phase is an increase of range. Source:
HyP3 InSAR product guide, https://hyp3-docs.asf.alaska.edu/guides/insar_product_guide/.
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
    alternatives,
    other,
)
from hub.scenes.products.reading import read_raster
from hub.scenes.rasters.files import StoredFile

_KINDS = {
    "wrapped_phase": WRAPPED,
    "unw_phase": UNWRAPPED,
    "wrapped_phase_corr": WRAPPED,
    "unw_phase_corr": UNWRAPPED,
    "corr": COHERENCE,
    "dem": ELEVATION,
    "los_disp": other("displacement"),
    "vert_disp": other("displacement"),
    "lv_theta": other("angle of incidence or look"),
    "lv_phi": other("angle of incidence or look"),
    "inc_map": other("angle of incidence or look"),
    "inc_map_ell": other("angle of incidence or look"),
    "amp": other("amplitude"),
    "water_mask": other("mask"),
    "conncomp": other("mask"),
    "unwrapped_coh": other("mask"),
    "color_phase": other("picture"),
    "unw_phase_color": other("picture"),
}
_NAMES = Names(rf"(?P<key>S1.+?)_(?P<kind>{alternatives(_KINDS)})\.tiff?", _KINDS)


def _claim(file: StoredFile) -> Claim | None:
    return _NAMES.claim(file, PRODUCT)


PRODUCT = Product(
    name="hyp3",
    title="HyP3 (GAMMA, ISCE2 bursts)",
    reads="_wrapped_phase or _unw_phase .tif; _corr; _dem; a folder or its zip",
    sign="positive",
    source="HyP3 InSAR product guide",
    claim=_claim,
    read=read_raster,
)
