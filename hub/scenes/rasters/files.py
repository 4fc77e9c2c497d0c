"""Files that may lie in a folder, behind a symbolic link, in a zip archive, or under gzip."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hub.scenes.checks import SceneError

MAX_UNPACKED = 2**31
"""Bytes of an archive's member that are unpacked to memory, where GDAL cannot read it in place."""
CUT_OFF = "is still being copied, or was cut off; copy it again"
"""What a file that is not all there is said to be."""


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file, in a folder or in an archive.

    Attributes:
        path: Where it lies; inside of an archive, the archive's path and then the member's.
        archive: The zip archive that holds it, or None.
    """

    path: Path
    archive: Path | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """Its name without the `.gz` that says only how it is stored."""
        name = self.path.name
        return name[:-3] if name.lower().endswith(".gz") else name

    @property
    def folder(self) -> Path:
        """The folder that it lies in, which may be inside of an archive."""
        return self.path.parent

    @property
    def member(self) -> str:
        """Its name inside of the archive."""
        assert self.archive is not None
        return self.path.relative_to(self.archive).as_posix()

    @property
    def where(self) -> str:
        """What GDAL opens: it reads archives and gzip in place."""
        if self.archive is not None:
            return f"/vsizip/{{{self.archive.absolute()}}}/{self.member}"
        if self.path.name.lower().endswith(".gz"):
            return f"/vsigzip/{self.path.absolute()}"
        return str(self.path)

    def exists(self) -> bool:
        """Whether there is such a file."""
        if self.archive is None:
            return self.path.is_file()
        return self in archived(self.archive)

    @property
    def size(self) -> int | None:
        """Bytes of its content; None under gzip, which tells itself where it was cut."""
        if self.archive is not None:
            with zipfile.ZipFile(self.archive) as archive:
                return archive.getinfo(self.member).file_size
        return None if self.path.name.lower().endswith(".gz") else self.path.stat().st_size

    def beside(self, name: str) -> StoredFile:
        """The file of another name in the same folder, which may not exist."""
        return StoredFile(self.path.with_name(name), self.archive)

    def head(self, count: int) -> bytes:
        """The first bytes; none where they cannot be read."""
        try:
            if self.archive is None:
                with self.path.open("rb") as content:
                    return content.read(count)
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.member) as content:
                return content.read(count)
        except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
            return b""

    def stream(self) -> Path | io.BytesIO:
        """The path, or the content where it lies in an archive.

        Raises:
            SceneError: If the content is too large to unpack to memory.
        """
        if self.archive is None:
            return self.path
        with zipfile.ZipFile(self.archive) as archive:
            if archive.getinfo(self.member).file_size > MAX_UNPACKED:
                raise SceneError(f"{self} is too large to be read inside of its archive: unpack it")
            return io.BytesIO(archive.read(self.member))


def require_bytes(file: StoredFile, least: int) -> None:
    """Refuse a file that is not all there, as while it is copied.

    Args:
        file: Which.
        least: Bytes that its header promises.

    Raises:
        SceneError: If it has fewer.
    """
    size = file.size
    if size is not None and size < least:
        raise SceneError(
            f"{file} has {size} of the {least} bytes that its header says: it {CUT_OFF}"
        )


def is_zip(path: Path) -> bool:
    """Whether a file's name says that it is an archive of a product's folder."""
    return path.name.lower().endswith(".zip")


def archived(archive: Path) -> list[StoredFile]:
    """The files in a zip archive, by name.

    Raises:
        SceneError: If it is none that can be read.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            names = [info.filename for info in file.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise SceneError(f"{archive} is not a readable zip archive: {error}") from None
    # Members are read in place, never unpacked to a folder; a name that climbs is none of ours.
    safe = [
        name
        for name in names
        if not PurePosixPath(name).is_absolute()
        and ".." not in (parts := PurePosixPath(name).parts)
        # A Mac packs a shadow of each file.
        and "__MACOSX" not in parts
        and not parts[-1].startswith("._")
    ]
    return sorted(StoredFile(archive / name, archive) for name in safe)


def within(folder: Path, archive: Path | None = None) -> list[StoredFile]:
    """The files of one folder, not of those below it; none where it cannot be listed."""
    if archive is not None:
        return [file for file in archived(archive) if file.folder == folder]
    try:
        return sorted(StoredFile(path) for path in folder.iterdir() if path.is_file())
    except OSError:
        return []


def below(
    folder: Path,
    leave_out: tuple[str, ...] = (),
    unreadable: Callable[[OSError], None] | None = None,
) -> Iterator[Path]:
    """All files below a folder, symbolic links followed, and folders whose name ends as said.

    Args:
        folder: Where to look.
        leave_out: Endings of folders that are handed out themselves, and not looked into.
        unreadable: Told of each folder that cannot be listed; they are passed over.

    Yields:
        Paths, a folder's own in order. A link that leads back up is followed once.
    """
    seen = set()
    for place, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        whole = sorted(name for name in folders if leave_out and name.endswith(leave_out))
        folders[:] = sorted(
            name for name in folders if name not in whole and not name.startswith(".")
        )
        yield from (Path(place, name) for name in whole)
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))
