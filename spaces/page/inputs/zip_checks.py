"""Uploaded zip archives: refused before anything is unpacked if anything about them is odd."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from page.errors import PageError
from page.settings import Settings

MAX_MEMBERS = 20_000
MAX_METADATA_BYTES = 8 * 2**20
MAX_STEPS = 3

CODECS = frozenset(
    {"blosc", "zstd", "zlib", "gzip", "lz4", "lzma", "bz2", "shuffle", "bitround", "delta"}
    | {"fixedscaleoffset", "packbits", "astype", "quantize", "vlen-utf8", "fletcher32", "crc32"}
)
"""Zarr v2 codecs that only compute. `pickle`, which would run the sender's code, is not one."""

_METADATA = (".zarray", ".zgroup", ".zattrs", ".zmetadata")


def check_archive(path: Path, settings: Settings) -> str:
    """Look at an archive's table of contents and its Zarr metadata.

    Args:
        path: A zip archive.
        settings: The bounds.

    Returns:
        "npz" where all members are `.npy`, "cube" for a minicube in Zarr v2, else "files".

    Raises:
        PageError: If it unpacks to too much, names a place outside itself, holds links, is
            encrypted or damaged, or is Zarr of another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path.name, members)
            files = {m.filename: m.file_size for m in members if not m.is_dir()}
            metadata = [name for name in files if PurePosixPath(name).name in _METADATA]
            # Zarr v3 metadata would be read instead of v2's, and is not checked here.
            if any(PurePosixPath(name).name == "zarr.json" for name in files):
                raise PageError(f"{path.name} holds Zarr v3; minicubes are read in Zarr v2.")
            if not metadata:
                _check_total(path.name, files, settings.max_unpacked_bytes)
                return "npz" if all(name.endswith(".npy") for name in files) else "files"
            # Of a minicube the chunks of a few pairs are read where they lie.
            _check_total(path.name, files, 16 * settings.max_unpacked_bytes)
            for name in metadata:
                if files[name] > MAX_METADATA_BYTES:
                    raise PageError(f"{path.name}: {name} is too large for metadata.")
                _check_metadata(path.name, name, archive.read(name), settings)
            return "cube"
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        UnicodeError,
    ) as error:
        raise PageError(f"{path.name} is a damaged or unusual zip archive: {error}") from None


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive that `check_archive` has passed; no member can be larger than it says."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


def _check_members(archive: str, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise PageError(f"{archive} has {len(members)} members; at most {MAX_MEMBERS} are read.")
    seen = set()
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or ":" in "".join(parts[:1]):
            raise PageError(f"{archive} names a file outside itself: {name[:80]!r}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise PageError(f"{archive} holds a link ({name[:80]!r}); it is not read.")
        if member.flag_bits & 1:
            raise PageError(f"{archive} is encrypted; send it without a password.")
        if name in seen:
            raise PageError(f"{archive} holds {name[:80]!r} twice; it is not read.")
        seen.add(name)


def _check_total(archive: str, files: dict[str, int], most: int) -> None:
    if not files:
        raise PageError(f"{archive} is an empty zip archive.")
    total = sum(files.values())
    if total > most:
        raise PageError(
            f"{archive} unpacks to {total / 2**20:,.0f} MB; "
            f"at most {most / 2**20:,.0f} MB are read."
        )


def _check_metadata(archive: str, name: str, text: bytes, settings: Settings) -> None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise PageError(f"{archive}: {name} is not valid JSON.") from None
    _check_record(archive, name, record, settings)


def _check_record(archive: str, name: str, record: Any, settings: Settings) -> None:
    if not isinstance(record, dict):
        raise PageError(f"{archive}: {name} is not Zarr metadata.")
    if name.endswith(".zmetadata"):
        inside = record.get("metadata")
        if not isinstance(inside, dict):
            raise PageError(f"{archive}: {name} is not Zarr metadata.")
        for key, inner in inside.items():
            _check_record(archive, key, inner, settings)
    if not name.endswith(".zarray"):
        return
    shape, chunks, dtype = record.get("shape"), record.get("chunks"), record.get("dtype")
    if not (isinstance(shape, list) and isinstance(chunks, list) and isinstance(dtype, str)):
        raise PageError(f"{archive}: {name} is not Zarr v2 metadata.")
    try:
        item_bytes = max(np.dtype(dtype).itemsize, 1)
        chunk_bytes = np.prod([float(n) for n in chunks]) * item_bytes
        pixels = np.prod([float(n) for n in shape])
    except (TypeError, ValueError):
        raise PageError(f"{archive}: {name} has an unknown dtype or shape.") from None
    # Dates, fields of the pairs and elevation are read whole; chunks that are absent cost no file.
    whole = len(shape) <= 2
    if whole and (
        pixels > settings.max_pixels or pixels * item_bytes > settings.max_unpacked_bytes
    ):
        raise PageError(f"{archive}: {name} has {pixels:,.0f} values, more than are read.")
    if chunk_bytes > 8 * settings.max_pixels:
        raise PageError(f"{archive}: {name} has chunks of {chunk_bytes / 2**20:,.0f} MB.")
    for codec in [record.get("compressor"), *(record.get("filters") or [])]:
        identity = codec.get("id") if isinstance(codec, dict) else codec
        if identity is not None and identity not in CODECS:
            raise PageError(f"{archive}: {name} uses the codec {identity!r}, which is not read.")


def choose_pairs(cube: Path) -> str:
    """Which pairs of an uploaded minicube to analyse: its latest primary date, three at most.

    Args:
        cube: A checked `.zarr.zip`.

    Returns:
        "PRIMARY_SECONDARY[,SECONDARY...]", dates as YYYYMMDD.

    Raises:
        PageError: If it has no valid pair.
    """
    from dataset_script.cubes.minicube import Minicube

    with Minicube.open(str(cube)) as opened:
        pairs = sorted(opened.pairs)
    if not pairs:
        raise PageError(f"{cube.name} holds no valid pair of dates.")
    primary = pairs[-1][0]
    secondaries = [second for first, second in pairs if first == primary][:MAX_STEPS]
    return f"{primary:%Y%m%d}_{','.join(f'{date:%Y%m%d}' for date in secondaries)}"
