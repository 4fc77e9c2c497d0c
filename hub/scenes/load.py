"""Any product to a scene: chooses the reader for a file, a row or a specification.

scene = load_scene("crop.npz")
scene = load_scene("079D.zarr@20170101_20170113,20170125")          # a minicube's pairs
scene = load_scene("hephaestus-minicubes::ts3/test/0")              # a row of the dataset
scene = load_scene("20170101_20170113.geo.diff_pha.tif")            # LiCSAR, companions beside
scene = load_scene(["a.geo.diff_pha.tif", "a.geo.cc.tif", "f.geo.hgt.tif"])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.scenes.checks import MAX_PIXELS, SceneError
from hub.scenes.readers.dataset_rows import read_dataset_row, read_row
from hub.scenes.readers.licsar import read_licsar
from hub.scenes.readers.minicubes import read_minicube
from hub.scenes.readers.npz import read_npz
from hub.scenes.scene import Scene

SPECIFICATIONS = """\
  FILE.npz                                arrays insar_difference [H,W] or [T,H,W] (radians),
                                          insar_coherence, dem, nodata, atmospheric channels, and
                                          transform or bounds with crs, primary_date,
                                          secondary_dates; all but the first may be absent;
                                          a deformation_mask is compared with
  CUBE.zarr@PRIMARY_SECONDARY[,SECONDARY] pairs of a minicube (directory, .zarr.zip, .zarr.tar);
                                          dates are YYYYMMDD; @PRIMARY takes all its secondaries
  DATASET::CONFIG/SPLIT/INDEX             a row of an exported dataset (folder or repository)
  PAIR.geo.diff_pha.tif                   LiCSAR wrapped phase, its .geo.cc.tif and .geo.hgt.tif
                                          found beside it"""


def _read_tif(path: Path, name: str | None, max_pixels: int) -> Scene:
    return read_licsar([path], name, max_pixels)


# A new kind of file is a module in `readers`, a line here and one in `SPECIFICATIONS`.
_READERS: dict[str, Callable[[Path, str | None, int], Scene]] = {
    ".npz": read_npz,
    ".tif": _read_tif,
    ".tiff": _read_tif,
}


def load_scene(
    source: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    name: str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Scene:
    """Read a scene from any source that a user may have.

    Args:
        source: A specification (see `SPECIFICATIONS`), a row of the dataset as a mapping, or the
            LiCSAR GeoTIFFs of one primary date as a sequence of paths.
        name: Name of the scene, in place of the one that the source suggests.
        max_pixels: Largest height x width that is read.

    Returns:
        The scene.

    Raises:
        SceneError: If it cannot be read as a scene; the message says why and what to do.
    """
    if isinstance(source, Mapping):
        return read_row(source, name)
    if not isinstance(source, str | Path):
        return read_licsar([Path(path) for path in source], name, max_pixels)
    text = str(source)
    if "::" in text:
        return read_dataset_row(text, name)
    cube = re.fullmatch(r"(?P<path>.+?)(@(?P<dates>\d{8}(_\d{8}(,\d{8})*)?))?", text)
    if cube and (cube["dates"] or text.endswith((".zarr", ".zip", ".tar"))):
        return read_minicube(cube["path"], cube["dates"], name, max_pixels)
    path = Path(text)
    if not path.exists():
        raise SceneError(f"{text} does not exist")
    if read := _READERS.get(path.suffix.lower()):
        return read(path, name, max_pixels)
    raise SceneError(
        f"{text} is no kind of file that is read: give an .npz, a LiCSAR GeoTIFF (.tif), "
        "CUBE.zarr@PRIMARY_SECONDARY or DATASET::CONFIG/SPLIT/INDEX"
    )
