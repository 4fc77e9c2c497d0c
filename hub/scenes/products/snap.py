"""ESA SNAP: BEAM-DIMAP (`x.dim` with `x.data/`), or a GeoTIFF of several bands.

In `x.data/` each band is an ENVI raster: `Phase_ifg_...img` (radians), `Unw_Phase_ifg_...img`,
`coh_...img` (0..1), `i_ifg_...img` and `q_ifg_...img` (real and imaginary part), `elevation.img`;
0 is no data. A GeoTIFF names its bands in SNAP's own tag (65000). The raster must be
terrain-corrected: in radar coordinates it has no place. Dates are in the bands' names,
01Jan2017_13Jan2017.

Sign: the primary times the conjugate of the secondary, so a positive phase is an increase of
range. Source: SNAP, InterferogramOp (jLinda); MintPy, prep_snap.py, which does not turn the sign.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from hub.scenes.checks import SceneError
from hub.scenes.products.product import (
    COHERENCE,
    ELEVATION,
    UNWRAPPED,
    WRAPPED,
    Claim,
    Layer,
    Named,
    Pair,
    Product,
    ReadOptions,
    other,
)
from hub.scenes.rasters.files import StoredFile, within
from hub.scenes.rasters.gdal import TIFF, header_of, read_band
from hub.scenes.rasters.names import Dates, dates_in, dates_of
from hub.scenes.rasters.raster import Raster

_TAG = 65000
Read = Callable[[str, int], Raster]
"""Reads a band, given its role and the most pixels."""

_I, _Q = Named("phase", "real part", "complex"), Named("other", "imaginary part")
_ALONE = other("phase of one acquisition")
_BANDS = (
    (r"unw_?phase.*", UNWRAPPED),
    (r"phase.*", WRAPPED),
    (r"i_ifg.*", _I),
    (r"q_ifg.*", _Q),
    (r"coh.*", COHERENCE),
    (r"elevation.*|dem.*", ELEVATION),
    (r".*(displacement|disp).*", other("displacement")),
    (r".*", other("band")),
)


def band_of(name: str) -> Named:
    """What a band holds, by SNAP's names.

    An acquisition's own `i_VV_mst_03Jan2017` and `Phase_VV_mst_03Jan2017` are no interferogram's.
    """
    if re.fullmatch(r"phase_(?!ifg).*(iw\d|[vh][vh]).*", name, re.IGNORECASE) and not dates_in(
        name
    ):
        return _ALONE
    return next(named for pattern, named in _BANDS if re.fullmatch(pattern, name, re.IGNORECASE))


def _claim(file: StoredFile) -> Claim | None:
    name = file.name.lower()
    if name.endswith(".dim"):
        return Claim(file, PRODUCT, "phase", "product of bands", Path(name).stem, rank=0)
    folder = file.folder
    if folder.name.lower().endswith(".data") and name.endswith(".img"):
        named = band_of(Path(file.name).stem)
        if named.role == "phase":
            dim = StoredFile(folder.with_suffix(".dim"), file.archive)
            return Claim(dim, PRODUCT, "phase", "product of bands", folder.stem.lower())
        return Claim(file, PRODUCT, named.role, named.what, folder.stem.lower(), named.kind)
    if name.endswith(TIFF) and file.exists() and band_names(file):
        return Claim(file, PRODUCT, "phase", "product of bands", Path(name).stem)
    return None


def band_names(file: StoredFile) -> list[str]:
    """Names of a GeoTIFF's bands in order, by SNAP's tag or else by GDAL's descriptions.

    None where neither tells of a phase.
    """
    names = _tagged_names(file)
    if not names:
        try:
            names = list(header_of(file).names)
        except SceneError:  # what cannot be read is said where it is read
            return []
    told = [band_of(name) for name in names if name]
    return names if len(names) > 1 and (WRAPPED in told or UNWRAPPED in told or _I in told) else []


def _tagged_names(file: StoredFile) -> list[str]:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    if file.path.name.lower().endswith(".gz"):
        return []
    try:
        stored = file.stream()
        with stored if isinstance(stored, io.BytesIO) else stored.open("rb") as content:
            head = content.read(8)
            if head[:4] not in (b"II*\0", b"MM\0*"):
                return []
            directory = ImageFileDirectory_v2(head)
            content.seek(directory.next)
            directory.load(content)
            text = directory.get(_TAG)
    except Exception:  # Pillow's, of a file that is no TIFF: that is said where it is read
        return []
    if isinstance(text, tuple):
        text = text[0] if text else ""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str) or "Dimap_Document" not in text:
        return []
    try:
        root = ET.fromstring(text.strip("\0 \n"))
    except ET.ParseError:
        return []
    bands = {
        int(info.findtext("BAND_INDEX", str(at))): info.findtext("BAND_NAME", "").strip()
        for at, info in enumerate(root.iter("Spectral_Band_Info"))
    }
    return [bands[index] for index in sorted(bands)]


def _pairs(file: StoredFile, options: ReadOptions) -> list[Pair]:
    if file.name.lower().endswith(".dim"):
        if options.band is not None:
            raise SceneError(f"{file}: --band counts the bands of a GeoTIFF, not those of a .dim")
        return _of_bands(file, _of_dimap(file))
    names = band_names(file)
    header = header_of(file)
    if len(header.types) < len(names):
        raise SceneError(f"{file} names {len(names)} bands and has {len(header.types)}")
    bands = {name: partial(_band, file, number) for number, name in enumerate(names, 1)}
    if options.band is None:
        return _of_bands(file, bands)
    if not 1 <= options.band <= len(names):
        raise SceneError(f"{file} has {len(names)} bands; there is no band {options.band}")
    wanted = names[options.band - 1]
    beside = {name: read for name, read in bands.items() if band_of(name).role != "phase"}
    return _of_bands(file, {wanted: bands[wanted]} | beside, wanted)


def _of_dimap(file: StoredFile) -> dict[str, Read]:
    folder = StoredFile(file.path.with_suffix(".data"), file.archive)
    bands: dict[str, Read] = {
        Path(band.name).stem: partial(_image, band)
        for band in within(folder.path, file.archive)
        if band.name.lower().endswith(".img")
    }
    if not bands:
        raise SceneError(f"{file} has no bands: {folder.path.name} beside it holds no .img")
    return bands


def _of_bands(file: StoredFile, bands: Mapping[str, Read], wanted: str | None = None) -> list[Pair]:
    """One interferogram of the bands of each two dates; what names no dates belongs to all."""
    by_dates: dict[Dates | None, dict[str, Read]] = defaultdict(dict)
    for name, read in bands.items():
        by_dates[dates_in(name)][name] = read
    shared = by_dates.get(None, {})
    groups = [
        group
        for dates, group in by_dates.items()
        if dates is not None and any(name == wanted or _is_phase(name) for name in group)
    ]
    if not groups or wanted in shared:
        if not any(name == wanted or _is_phase(name) for name in shared):
            raise SceneError(f"{file} has no band of phase; its bands are {', '.join(bands)}")
        groups = [{}]
    elevations = {n: read for n, read in shared.items() if band_of(n) is ELEVATION}
    if len(groups) == 1:
        return [_pair(file, groups[0] | shared, wanted)]
    return [_pair(file, group | elevations, wanted, at) for at, group in enumerate(groups)]


def _is_phase(name: str) -> bool:
    return band_of(name).role == "phase"


def _pair(
    file: StoredFile, bands: Mapping[str, Read], wanted: str | None = None, at: int | None = None
) -> Pair:
    """The best phase of some bands, or the one that is wanted, with its companions.

    Args:
        file: Whose bands they are.
        bands: Those of one pair of dates.
        wanted: The band that is to be the phase.
        at: Number of the pair, where the file holds several.
    """

    def first(kind: Named, like: str) -> str | None:
        """A band of a kind, of the same polarisation where both name one."""
        of_kind = [name for name in bands if band_of(name) is kind]
        return next((name for name in of_kind if _polarisation(name) in ("", like)), None) or next(
            (name for name in of_kind if not like), None
        )

    kinds = (WRAPPED, _I, UNWRAPPED)
    phase = wanted or next((n for kind in kinds for n in bands if band_of(n) is kind), None)
    if phase is None:
        raise SceneError(f"{file} has no band of phase; its bands are {', '.join(bands)}")
    shown = str(file) if at is None else f"{file}[{at}]"
    kind, polarisation = band_of(phase), _polarisation(phase)
    read: Callable[[int], Raster] = partial(bands[phase], "phase")
    if kind is _I:
        imaginary = next((n for n in bands if band_of(n) is _Q and n[1:] == phase[1:]), None)
        if imaginary is None:
            raise SceneError(f"{file} has {phase} without its imaginary part, q{phase[1:]}")
        read = partial(_argument, bands[phase], bands[imaginary])

    def beside(kind: Named, role: str) -> Layer | None:
        name = first(kind, polarisation)
        return None if name is None else Layer(f"{file}:{name}", partial(bands[name], role))

    return Pair(
        product=PRODUCT,
        label=shown,
        phase=Layer(f"{file}:{phase}", read, kind.kind if kind.role == "phase" else "unknown"),
        coherence=beside(COHERENCE, "coherence"),
        elevation=beside(ELEVATION, "elevation"),
        dates=dates_in(phase) or dates_of(file.path),
        place=str(file.folder),
        name=Path(file.name).stem if at is None else f"{Path(file.name).stem}_{at}",
    )


def _polarisation(name: str) -> str:
    found = re.search(r"(?<![A-Za-z])([VH][VH])(?![A-Za-z])", name)
    return found[0] if found else ""


def _image(file: StoredFile, role: str, max_pixels: int) -> Raster:
    return _zero_is_none(read_band(file, role, max_pixels), role)


def _band(file: StoredFile, number: int, role: str, max_pixels: int) -> Raster:
    return _zero_is_none(read_band(file, role, max_pixels, choose=lambda *_: number), role)


def _zero_is_none(raster: Raster, role: str) -> Raster:
    """SNAP's no data is 0, which terrain correction leaves around the swath."""
    if role != "phase":
        return raster
    return replace(raster, values=np.where(raster.values == 0, np.float32(np.nan), raster.values))


def _argument(read_real: Read, read_imaginary: Read, max_pixels: int) -> Raster:
    real, imaginary = read_real("amplitude", max_pixels), read_imaginary("amplitude", max_pixels)
    if not real.same_grid(imaginary):
        raise SceneError(f"{real.shown} and {imaginary.shown} lie on two grids")
    values = np.arctan2(imaginary.values, real.values).astype(np.float32)
    values[(real.values == 0) & (imaginary.values == 0)] = np.nan
    return replace(real, values=values, stored="complex64")


PRODUCT = Product(
    name="snap",
    title="ESA SNAP",
    reads=".dim, or GeoTIFF: Phase_, or i_ and q_, or Unw_Phase_; coh_; elevation",
    sign="positive",
    source="SNAP, InterferogramOp",
    claim=_claim,
    pairs=_pairs,
)
