"""What a visitor sends: looked at before it is read, read in a private folder, then deleted.

A file's kind is told by its content; which product it belongs to, and which raster of it, is for
`hub.scenes` to say, so that the page reads what `python -m hub predict` reads. Headers are checked
before any pixel is decoded.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rasterio

from dataset_script.errors import HephaestusError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene
from hub.scenes.rasters.gdal import readable_tiff
from hub.scenes.scene import Scene
from page.errors import PageError
from page.inputs.zip_checks import MAX_STEPS, check_archive, choose_pairs, unpack
from page.settings import Settings

MAX_FILES = 40
"""Files of one upload: a series' rasters with what lies beside them."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BESIDE = (".txt", ".xml", ".json", ".rsc", ".par", ".kml", ".md")
"""What products have beside their rasters; a reader may want it, and it is no raster itself."""

_ZIP = b"PK\x03\x04"
_WANTED = "Send the GeoTIFFs of one product, a zip of its folder, one .npz, or one zipped minicube."


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
            f"{len(paths)} files were sent; at most {MAX_FILES} are read at once. Send the rasters "
            "of one scene, or a zip of its folder."
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
    kinds = {path: kind_of(path) for path in paths if path.suffix.lower() not in _BESIDE}
    if set(kinds.values()) == {"zip"} and len(paths) == 1:
        return _read_zip(paths[0], settings)
    if set(kinds.values()) != {"tiff"}:
        raise PageError(f"These files do not belong together. {_WANTED}")
    for path in kinds:
        _check_tiff(path, settings)
    given = paths if len(paths) > 1 else paths[0]
    return load_scene(given, max_pixels=settings.max_pixels)


def _read_zip(path: Path, settings: Settings) -> Scene:
    kind = check_archive(path, settings)
    if kind == "npz":
        return load_scene(path.rename(path.with_suffix(".npz")), max_pixels=settings.max_pixels)
    if kind == "cube":
        cube = path.rename(path.with_name(f"{path.stem.removesuffix('.zarr')}.zarr.zip"))
        return load_scene(f"{cube}@{choose_pairs(cube)}", max_pixels=settings.max_pixels)
    folder = path.with_name(path.stem)
    if folder == path:
        folder = path.with_name(f"{path.name}.d")
    unpack(path, folder)
    path.unlink()
    for inner in sorted(path for path in folder.rglob("*") if path.is_file()):
        _check_inner(inner, settings)
    found = find_inputs([folder], MAX_STEPS)
    scene = found[-1].load()
    if len(found) == 1:
        return scene
    note = f"the archive holds {len(found)} scenes: the last one, {scene.name}, was read"
    return dataclasses.replace(scene, warnings=(note, *scene.warnings))


def _check_inner(path: Path, settings: Settings) -> None:
    """A file of an unpacked archive is looked at as if it had been sent by itself."""
    with path.open("rb") as file:
        start = file.read(4)
    if start in _TIFF:
        _check_tiff(path, settings)
    elif start == _ZIP:
        check_archive(path, settings)
    elif path.name.lower().endswith((".tar", ".npz", ".zip")):
        raise PageError(f"{path.name} inside the archive is no zip archive; it is not read.")


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
