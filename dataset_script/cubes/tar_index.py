"""Random access to a tar: where each member lies, found once and kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_script.cubes.locations import file_system, is_url, reaching
from dataset_script.cubes.members import check_member, damaged

Index = dict[str, tuple[int, int]]

_BLOCK = 512
# What reading a file raises that another program wrote, or that is damaged.
_NOT_OURS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def tar_index(path: str) -> Index:
    """Offset and size of every file in an uncompressed tar.

    The index is kept as `<tar>.index.json` beside a local tar, or in the user's cache where that
    folder cannot be written or the tar lies at a URL; a tar that was changed or replaced is
    indexed anew.

    Args:
        path: Local path or fsspec URL.

    Returns:
        Offset and size in bytes by member name.

    Raises:
        DataError: If the tar is missing, truncated, compressed, or has unsafe members.
    """
    state = _state(path)
    cached = _cache_file(path)
    places = [cached] if is_url(path) else [Path(f"{path}.index.json"), cached]
    for place in places:
        if (index := _load(place, state)) is not None:
            return index
    index = build_index(path)
    for place in places:
        with contextlib.suppress(OSError):
            _save(place, {**state, "members": index})
            break
    return index


def build_index(path: str) -> Index:
    """Read the headers of a tar from end to end.

    Args:
        path: Local path or fsspec URL.

    Raises:
        DataError: As `tar_index`.
    """
    system, inner = file_system(path)
    index: Index = {}
    end = 0
    with reaching(path), system.open(inner, "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    plain = (member.isreg() and not member.issparse()) or member.isdir()
                    check_member(member.name, plain, path)
                    if member.isreg():
                        name = str(PurePosixPath(member.name))
                        index[name] = (member.offset_data, member.size)
                    end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
        except (tarfile.TarError, EOFError, OSError) as error:
            raise damaged(path, error) from None
        # A tar ends in blocks of zeros; one that was cut between two members does not.
        file.seek(end)
        if len(file.read(_BLOCK)) < _BLOCK:
            raise damaged(path, f"it ends at byte {end} without an end mark")
    return index


def _state(path: str) -> dict[str, Any]:
    """What tells one version of a tar from another."""
    system, inner = file_system(path)
    with reaching(path):
        info = system.info(inner)
    # "created" of a local file is the time of its last change of status, which no tool sets back.
    marks = ("mtime", "created", "ino", "ETag", "etag", "blob_id", "LastModified", "last_modified")
    told = [str(info[name]) for name in marks if info.get(name) is not None]
    return {"size": info["size"], "modified": " ".join(told)}


def _cache_file(path: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256(path.encode()).hexdigest()[:32]
    return Path(home) / "hephaestus-minicubes" / "tar-index" / f"{name}.json"


def _load(place: Path, state: dict[str, Any]) -> Index | None:
    try:
        record = json.loads(place.read_bytes())
        if any(record[key] != state[key] for key in state):
            return None
        index = {str(name): (int(at), int(size)) for name, (at, size) in record["members"].items()}
    except _NOT_OURS:
        return None  # Absent or not ours: the tar itself has the truth.
    for name, (at, size) in index.items():
        check_member(name, True, str(place))
        if at < 0 or size < 0 or at + size > state["size"]:
            return None
    return index


def _save(place: Path, record: dict[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=place.name, dir=place.parent)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(record, file)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(place)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
