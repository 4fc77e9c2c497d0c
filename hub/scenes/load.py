"""Any product to a scene: chooses the reader for a file, a folder, a row or a specification.

scene = load_scene("crop.npz")
scene = load_scene("079D.zarr@20170101_20170113,20170125")          # a minicube's pairs
scene = load_scene("hephaestus-minicubes::ts3/test/0")              # a row of the dataset
scene = load_scene("20170101_20170113.geo.diff_pha.tif")            # LiCSAR, companions beside
scene = load_scene("S1AA_20170101T031501_20170113T031502_VVP012_INT80_G_ueF_1234.zip")  # HyP3
scene = load_scene(["a.geo.diff_pha.tif", "a.geo.cc.tif", "f.geo.hgt.tif"])
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dataset_script.errors import ConfigError
from hub.scenes.assemble import scene_of
from hub.scenes.checks import MAX_PIXELS, SceneError
from hub.scenes.pairs import Found, find_pairs
from hub.scenes.products.product import Pair, ReadOptions
from hub.scenes.products.table import products_text
from hub.scenes.rasters.files import StoredFile, archived, below, is_zip
from hub.scenes.rasters.units import FACTORS
from hub.scenes.readers.dataset_rows import read_dataset_row, read_row
from hub.scenes.readers.minicubes import read_minicube
from hub.scenes.readers.npz import read_npz
from hub.scenes.scene import Scene

SPECIFICATIONS = f"""\
  FILE.npz                                arrays insar_difference [H,W] or [T,H,W] (radians),
                                          insar_coherence, dem, nodata, atmospheric channels, and
                                          transform or bounds with crs, primary_date,
                                          secondary_dates; all but the first may be absent;
                                          a deformation_mask is compared with
  CUBE.zarr@PRIMARY_SECONDARY[,SECONDARY] pairs of a minicube (directory, .zarr.zip, .zarr.tar);
                                          dates are YYYYMMDD; @PRIMARY takes all its secondaries
  DATASET::CONFIG/SPLIT/INDEX             a row of an exported dataset (folder or repository)
  the phase of a product, its folder or its zip; coherence and elevation are found beside it:
{products_text()}"""


def load_scene(
    source: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    name: str | None = None,
    max_pixels: int = MAX_PIXELS,
    options: ReadOptions | None = None,
) -> Scene:
    """Read a scene from any source that a user may have.

    Args:
        source: A specification (see `SPECIFICATIONS`), a row of the dataset as a mapping, the
            files of one primary date as a sequence of paths, or a folder or a zip that holds no
            more than that.
        name: Name of the scene, in place of the one that the source suggests.
        max_pixels: Largest height x width that is read.
        options: What the user insists on, against what files say or look like.

    Returns:
        The scene.

    Raises:
        SceneError: If it cannot be read as a scene; the message says why and what to do.
    """
    options = options or ReadOptions()
    if isinstance(source, Mapping):
        return read_row(source, name)
    if not isinstance(source, str | Path):
        return _of_files([Path(path) for path in source], name, max_pixels, options)
    text = str(source)
    if "::" in text:
        return read_dataset_row(text, name)
    path = Path(text)
    if path.is_file() and is_zip(path) and not holds_cube(path):
        return _one(find_pairs([], archived(path), options), text, name, max_pixels, options)
    cube = re.fullmatch(r"(?P<path>.+?)(@(?P<dates>\d{8}(_\d{8}(,\d{8})*)?))?", text)
    if cube and (cube["dates"] or text.endswith((".zarr", ".zip", ".tar"))):
        return read_minicube(cube["path"], cube["dates"], name, max_pixels)
    if not path.exists():
        raise SceneError(f"{text} does not exist")
    if path.is_dir():
        found = find_pairs([], [StoredFile(file) for file in below(path)], options)
        return _one(found, text, name, max_pixels, options)
    if path.suffix.lower() == ".npz":
        return read_npz(path, name, max_pixels, options)
    return _of_files([path], name, max_pixels, options)


def holds_cube(path: Path) -> bool:
    """Whether a zip archive holds a minicube, or cannot be looked into, which its reader says."""
    if path.name.lower().endswith(".zarr.zip"):
        return True
    try:
        files = archived(path)
    except SceneError:
        return False
    marks = (".zgroup", ".zattrs", ".zmetadata", "zarr.json")
    return any(file.name in marks for file in files)


def _of_files(
    paths: Sequence[Path], name: str | None, max_pixels: int, options: ReadOptions
) -> Scene:
    if missing := [path for path in paths if not path.exists()]:
        raise SceneError(f"{missing[0]} does not exist")
    files = [StoredFile(path) for path in paths]
    label = ", ".join(path.name for path in paths[:3])
    return _one(find_pairs(files, [], options), label, name, max_pixels, options)


def _one(
    found: Found, label: str, name: str | None, max_pixels: int, options: ReadOptions
) -> Scene:
    """The only scene of what was found."""
    if found.refused:
        raise found.refused[0][1]
    if not found.pairs:
        held = f" ({'; '.join(found.passed[:3])})" if found.passed else ""
        raise SceneError(f"{label}: there is no phase of any product that is read{held}")
    return scene_of(_in_order(found.pairs), options, name, max_pixels)


def _in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs by secondary date, checked to share their primary."""
    if len(pairs) == 1:
        return list(pairs)
    by_dates: dict[Any, Pair] = {}
    for pair in pairs:
        if pair.dates is None:
            raise SceneError(
                f"{pair.label} has no dates (YYYYMMDD_YYYYMMDD) to be put in order by; "
                "give one at a time"
            )
        if pair.dates in by_dates:
            raise SceneError(f"{by_dates[pair.dates].label} and {pair.label} have the same dates")
        by_dates[pair.dates] = pair
    primaries = sorted({primary for primary, _ in by_dates})
    if len(primaries) > 1:
        listed = ", ".join(f"{date:%Y%m%d}" for date in primaries[:8])
        raise SceneError(f"the files have several primary dates ({listed}); give one at a time")
    return [by_dates[dates] for dates in sorted(by_dates)]


def read_options(
    *,
    units: str | None = None,
    role: Literal["phase"] | None = None,
    coherence_scale: float | None = None,
    coherence: Sequence[str | Path] = (),
    elevation: str | Path | None = None,
    band: int | None = None,
    outside: bool = False,
) -> ReadOptions:
    """Options of reading, checked; see `ReadOptions`.

    Raises:
        ConfigError: If a value makes no sense, or a companion does not exist.
    """
    if units is not None and units not in FACTORS:
        raise ConfigError(f"units {units!r} are not known; they are {', '.join(FACTORS)}")
    if role not in (None, "phase"):
        raise ConfigError(f"files are taken as 'phase', not as {role!r}")
    if coherence_scale is not None and not 0 < coherence_scale < math.inf:
        raise ConfigError(f"a coherence scale of {coherence_scale} makes no sense; it is above 0")
    if band is not None and band < 1:
        raise ConfigError(f"band {band} makes no sense; bands are counted from 1")
    given = [Path(path) for path in (*coherence, *([] if elevation is None else [elevation]))]
    for path in given:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")
    return ReadOptions(
        units=units,
        role=role,
        coherence_scale=coherence_scale,
        coherence=tuple(StoredFile(Path(path)) for path in coherence),
        elevation=None if elevation is None else StoredFile(Path(elevation)),
        band=band,
        outside=outside,
    )
