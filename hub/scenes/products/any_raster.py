"""Any raster that GDAL reads, whose name says, in the field's words, what it holds.

`unw_phase.tif` is a phase, `water_mask.tif` is none, and a name that says nothing is taken for a
phase only if the user named the file. Companions of one folder are found where the names differ in
these words alone (`a_phase.tif`, `a_coh.tif`), else named with `--coherence` and `--elevation`.

Sign: unknown.
"""

from __future__ import annotations

from pathlib import Path

from hub.scenes.checks import SceneError
from hub.scenes.products.product import Claim, Product
from hub.scenes.products.reading import read_raster
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.gdal import driver_of, header_of
from hub.scenes.rasters.names import key_of, meaning_of

_PICTURES = (".png", ".jpg", ".jpeg")
_NEVER = (".txt", ".json", ".csv", ".html", ".kml", ".kmz", ".md", ".pdf", ".log", ".py", ".par")


def _claim(file: StoredFile) -> Claim | None:
    ending = Path(file.name).suffix.lower()
    if ending in _NEVER or driver_of(file) is None:
        return None
    name = file.name
    if ending in _PICTURES:
        return Claim(file, PRODUCT, "other", "picture", Path(name).stem)
    meaning = meaning_of(name) or _described(file) or _placed(file)
    key = key_of(Path(name).stem)
    if meaning is None:
        return Claim(
            file,
            PRODUCT,
            "phase",
            "raster whose name does not say what it holds",
            key,
            "unknown",
            9,
        )
    if meaning in ("wrapped phase", "unwrapped phase"):
        unwrapped = meaning == "unwrapped phase"
        kind = "unwrapped" if unwrapped else "wrapped"
        return Claim(file, PRODUCT, "phase", meaning, key, kind, 1 if unwrapped else 0)  # type: ignore[arg-type]
    if meaning in ("coherence", "elevation"):
        return Claim(file, PRODUCT, meaning, meaning, key)  # type: ignore[arg-type]
    return Claim(file, PRODUCT, "other", meaning, key)


def _placed(file: StoredFile) -> str | None:
    """What a folder called by one word says its files are, where that is no phase.

    ARIA-tools names so: `ionosphere/20170115_20170103`. A folder of several words is a project's,
    and in one of letters and digits, such as an upload's, the words are chance.
    """
    folder = file.folder.name
    meaning = meaning_of(folder) if folder.isalpha() else None
    return None if meaning in ("wrapped phase", "unwrapped phase") else meaning


def _described(file: StoredFile) -> str | None:
    """What the description of the only band says, where the name says nothing."""
    try:
        names = header_of(file, outside=True).names
    except SceneError:  # said where it is read
        return None
    return meaning_of(names[0]) if len(names) == 1 else None


PRODUCT = Product(
    name="raster",
    title="any GDAL raster",
    reads="a band of phase (.tif, .vrt, ENVI, ...); --coherence, --elevation",
    sign="unknown",
    source="none",
    claim=_claim,
    read=read_raster,
)
