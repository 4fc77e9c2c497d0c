"""What a visitor sends: looked at before it is read, read in a private folder, then deleted.

A file is judged by its content, never by its name; the name says only which raster of a LiCSAR
pair it is. Headers are checked before any pixel is decoded.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rasterio

from dataset_script.errors import HephaestusError
from hub.scenes.load import load_scene
from hub.scenes.products.licsar import PHASE_SUFFIX
from hub.scenes.rasters.gdal import readable_tiff
from hub.scenes.scene import Scene
from page.errors import PageError
from page.inputs.zip_checks import check_archive, choose_pairs
from page.settings import Settings

MAX_FILES = 7
"""Phase and coherence of three dates, and one elevation."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ZIP = b"PK\x03\x04"
_WANTED = "Send LiCSAR GeoTIFFs, one .npz, or one zipped minicube."


def kind_of(path: Path) -> str:
    """What a file is by its first bytes: "tiff" or "zip".

    Raises:
        PageError: If it is neither.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start in _TIFF:
        return "tiff"
    if start == _ZIP:
        return "zip"
    what = "is empty" if not start else "is neither a GeoTIFF nor a zip archive"
    raise PageError(f"{path.name} {what}, whatever its name says. {_WANTED}")


def read_upload(paths: Sequence[str | Path], settings: Settings) -> Scene:
    """Read uploaded files as one scene, and delete them in any case.

    Args:
        paths: Where the server has put them.
        settings: The bounds.

    Returns:
        The scene, wholly in memory.

    Raises:
        PageError: If they cannot be read as a scene or exceed a bound.
    """
    try:
        with _private_copies(paths, settings) as copies:
            return _read(copies, settings)
    finally:
        discard(paths)


def discard(paths: Iterable[str | Path]) -> None:
    """Delete uploaded files and the folders that the server made for them."""
    for path in map(Path, paths):
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


@contextmanager
def _private_copies(paths: Sequence[str | Path], settings: Settings) -> Iterator[list[Path]]:
    """The files under harmless names in a folder of their own, which is removed at the end."""
    if not paths:
        raise PageError(f"No file was sent. {_WANTED}")
    if len(paths) > MAX_FILES:
        raise PageError(
            f"{len(paths)} files were sent; at most {MAX_FILES} are read at once: phase and "
            "coherence of three dates, and one elevation."
        )
    sizes = [Path(path).stat().st_size for path in paths]
    if sum(sizes) > settings.max_upload_bytes:
        raise PageError(
            f"The files have {sum(sizes) / 2**20:.0f} MB together; at most "
            f"{settings.max_upload_bytes / 2**20:.0f} MB are read."
        )
    with tempfile.TemporaryDirectory(prefix="hephaestus-upload-") as folder:
        # Three levels down: the reader looks for companions in the two folders above, too.
        inner = Path(folder) / "upload" / "frame" / "pair"
        inner.mkdir(parents=True)
        copies = []
        for path in map(Path, paths):
            safe = re.sub(r"[^\w.-]+", "_", path.name)[-120:].lstrip(".") or "file"
            copy = inner / safe
            if copy.exists():
                raise PageError(f"Two of the files are called {safe}.")
            shutil.copyfile(path, copy)
            copies.append(copy)
        try:
            yield copies
        except HephaestusError as error:
            # The visitor knows the files by their names, not by their temporary places.
            message = str(error).replace(f"{inner}/", "").replace(str(inner), "upload")
            raise PageError(message) from None


def _read(paths: list[Path], settings: Settings) -> Scene:
    kinds = {kind_of(path) for path in paths}
    if kinds == {"tiff"}:
        for path in paths:
            _check_tiff(path, settings)
        if len(paths) == 1:
            # A lone file is phase, whatever it is called.
            return load_scene([_named_as_phase(paths[0])], max_pixels=settings.max_pixels)
        return load_scene(paths, max_pixels=settings.max_pixels)
    if kinds == {"zip"} and len(paths) == 1:
        path = paths[0]
        if check_archive(path, settings) == "npz":
            return load_scene(path.rename(path.with_suffix(".npz")), max_pixels=settings.max_pixels)
        cube = path.rename(path.with_name(f"{path.stem.removesuffix('.zarr')}.zarr.zip"))
        pairs = choose_pairs(cube)
        return load_scene(f"{cube}@{pairs}", max_pixels=settings.max_pixels)
    raise PageError(f"These files do not belong together. {_WANTED}")


def _named_as_phase(path: Path) -> Path:
    if path.name.endswith(PHASE_SUFFIX):
        return path
    stem = re.sub(r"(\.tiff?)+$", "", path.name, flags=re.IGNORECASE) or "upload"
    return path.rename(path.with_name(stem + PHASE_SUFFIX))


def _check_tiff(path: Path, settings: Settings) -> None:
    """What the reader does not check: a grid that is turned, and blocks larger than the raster."""
    with readable_tiff(path), rasterio.open(path, driver="GTiff") as file:
        height, width = file.shape
        if height * width > settings.max_pixels:
            raise PageError(
                f"{path.name} has {height} x {width} pixels; at most "
                f"{settings.max_pixels / 1e6:g} million are read. Cut a window out of it."
            )
        block = max(rows * columns for rows, columns in file.block_shapes)
        if block > 2 * settings.max_pixels:
            raise PageError(f"{path.name} has blocks of {block / 1e6:g} million pixels.")
        if file.crs is not None and not file.transform.is_rectilinear:
            raise PageError(f"{path.name} lies on a rotated grid. Warp it to a north-up one.")
