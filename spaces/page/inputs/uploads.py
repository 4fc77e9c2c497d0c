"""What a visitor sends: looked at before it is read, read in a private folder, then deleted.

A file's kind is told by its content; which product it belongs to, and which raster of it, is for
`hub.scenes` to say, so that the page reads what `python -m hub predict` reads. Headers are checked
before any pixel is decoded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dataset_script.errors import HephaestusError
from hub.scenes.checks import SceneError
from hub.scenes.inputs import Inputs, discover
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene
from page.errors import PageError
from page.inputs.file_checks import BESIDE, WANTED, check_header, check_text, kind_of, unzipped
from page.inputs.private import without_own_folders
from page.inputs.zip_checks import MAX_STEPS, check_archive, choose_pairs, unpack
from page.settings import Settings

MAX_FILES = 40
"""Files of one upload: a series' rasters with what lies beside them."""


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
            return without_own_folders(_read(copies, settings))
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
        raise PageError(f"No file was sent. {WANTED}")
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
    rasters: dict[Path, str] = {}
    for path in paths:
        if path.suffix.lower() in BESIDE:
            check_text(path)
            continue
        kind = kind_of(path)
        if kind == "gzip":
            path = unzipped(path, settings)
            kind = kind_of(path)
        check_header(path, kind, settings)
        rasters[path] = kind
    kinds = set(rasters.values())
    if kinds == {"zip"} and len(paths) == 1:
        return _read_zip(paths[0], settings)
    if not kinds:
        raise PageError(f"No raster was sent, only what lies beside one. {WANTED}")
    if kinds & {"zip", "gzip"}:
        raise PageError(f"These files do not belong together. {WANTED}")
    return _last_scene(discover(list(rasters)), "upload", settings, whole=True)


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
    return _last_scene(discover([folder]), "archive", settings, whole=False)


def _last_scene(inputs: Inputs, what: str, settings: Settings, whole: bool) -> Scene:
    """The scene of what was found: where there are several, that of the last dates.

    Args:
        inputs: What was found.
        what: What held it.
        settings: The bounds.
        whole: Whether each file was sent by itself, so that one which cannot be used is told in
            place of an answer about the others.
    """
    refused, inputs.found.refused = inputs.found.refused, []
    found = inputs.scenes(MAX_STEPS, settings.max_pixels)
    if refused and (whole or not found):
        raise refused[0][1]
    scene = found[-1].load()
    notes = [f"{error}" for _, error in refused]
    if len(found) > 1:
        notes.append(f"the {what} holds {len(found)} scenes: the last one, {scene.name}, was read")
    return dataclasses.replace(scene, warnings=(*notes, *scene.warnings))


def _check_inner(path: Path, settings: Settings) -> None:
    """A file of an unpacked archive is looked at as if it had been sent by itself."""
    if path.name.lower().endswith((*BESIDE, ".vrt")):
        check_text(path)
        return
    if path.suffix.lower() == ".gz":
        path = unzipped(path, settings)
    try:
        kind = kind_of(path)
    except PageError:
        if path.name.lower().endswith((".tar", ".npz", ".zip")):
            raise PageError(
                f"{path.name} inside the archive is no zip archive; it is not read."
            ) from None
        return  # no raster: the reader passes it over
    if kind == "zip":
        check_archive(path, settings)
        return
    # What its name makes a raster may be none, and nobody asked for it; its reader says so.
    with contextlib.suppress(SceneError) if kind == "raster" else contextlib.nullcontext():
        check_header(path, kind, settings)
