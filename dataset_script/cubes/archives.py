"""A cube's Zarr store wherever it lies: directory, zip, tar, local or at a URL, never unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from dataset_script.cubes.locations import file_name, file_system, is_url, reaching
from dataset_script.cubes.members import check_member, damaged
from dataset_script.cubes.tar_index import tar_index
from dataset_script.problems import Problem, ProblemError

if TYPE_CHECKING:
    from zarr.abc.store import Store

GROUP_FILES = (".zmetadata", ".zgroup", "zarr.json")
"""A folder with one of them is a Zarr group."""


@dataclass(frozen=True)
class OpenStore:
    """A readable Zarr store.

    Attributes:
        store: The store; the cube's group is its root.
        close: Lets go of open files.
        fetch: The bytes of a key, or None where there is none: for local stores, whose small chunks
            Zarr reads through threads at a third of a millisecond each. None for remote ones.
    """

    store: Store
    close: Callable[[], None]
    fetch: Callable[[str], bytes | None] | None = None


def open_store(path: str | Path) -> OpenStore:
    """Open the store of a cube for reading.

    Args:
        path: A Zarr directory, a `.zip` or an uncompressed `.tar` of one (with or without a top
            folder inside), or an fsspec URL (`hf://`, `s3://`, `https://`, ...) of any of them.

    Raises:
        DataError: If nothing is there, the archive is damaged or unsafe, or holds no Zarr group.
    """
    name = file_name(path)
    if not is_url(path):
        path = Path(path).expanduser().absolute()
        if not path.exists():
            advice = "check the path; a cube is a .zarr folder, .zarr.zip or .zarr.tar"
            raise ProblemError(Problem("no such file or folder", advice, str(path)))
        if path.is_dir():
            return _open_directory(path)
    if name.endswith(".zip"):
        return _open_zip(str(path))
    if name.endswith(".tar"):
        return _open_tar(str(path))
    if is_url(path) and not name.endswith((".tar.gz", ".tgz", ".tar.zst")):
        return _open_url(str(path))
    advice = "unpack it to a .zarr folder, or pack it as .zarr.zip or an uncompressed .zarr.tar"
    raise ProblemError(Problem("this is no cube that can be read in place", advice, str(path)))


def find_root(names: Iterable[str], path: str) -> str:
    """The folder in an archive that is the cube's Zarr group.

    Args:
        names: Member names.
        path: The archive, for the error message.

    Raises:
        DataError: If there is no group, or more than one.
    """
    # Plain text, not pathlib: an archive has tens of thousands of members.
    split = (name.rpartition("/") for name in names)
    parents = {parent for parent, _, name in split if name in GROUP_FILES}
    depth = {parent: parent.count("/") + bool(parent) for parent in parents}
    roots = [parent for parent in parents if depth[parent] == min(depth.values())]
    if len(roots) != 1:
        what = f"it holds {len(roots)} Zarr groups at its top, not one"
        raise ProblemError(Problem(what, "one cube is one Zarr group", path))
    return roots[0]


def _open_directory(path: Path) -> OpenStore:
    from zarr.storage import LocalStore

    def is_group(folder: Path) -> bool:
        return any((folder / name).exists() for name in GROUP_FILES)

    root = path
    if not is_group(path):
        inner = [entry for entry in sorted(path.iterdir()) if entry.is_dir() and is_group(entry)]
        if len(inner) != 1:
            what = f"the folder is no Zarr group and holds {len(inner)} of them, not one"
            raise ProblemError(Problem(what, "give the path of one .zarr", str(path)))
        root = inner[0]

    def fetch(key: str) -> bytes | None:
        try:
            with open(f"{root}/{key}", "rb", buffering=0) as file:  # noqa: PTH123 (twice as fast)
                return file.read()
        except FileNotFoundError:
            return None

    store = LocalStore(root, read_only=True)
    return OpenStore(store, store.close, fetch)


def _open_zip(path: str) -> OpenStore:
    from fsspec.implementations.zip import ZipFileSystem
    from zarr.storage import FsspecStore

    system, inner = file_system(path)
    with reaching(path):
        file = system.open(inner, "rb")
    try:
        # Not from fsspec's cache of instances: the file may have changed since.
        system = ZipFileSystem(fo=file, skip_instance_cache=True)
    except (BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise damaged(path, error) from None
    names = []
    for info in system.zip.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        check_member(info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR), path)
        names.append(info.filename)
    root = find_root(names, path)
    top = f"{root}/" if root else ""

    def fetch(key: str) -> bytes | None:
        return system.zip.read(top + key) if top + key in system.zip.NameToInfo else None

    store = FsspecStore(_asynchronous(system), read_only=True, path=root)
    return OpenStore(store, system.close, None if is_url(path) else fetch)


def _open_tar(path: str) -> OpenStore:
    from fsspec.implementations.reference import ReferenceFileSystem
    from zarr.storage import FsspecStore

    system, inner = file_system(path)
    index = tar_index(path)
    root = find_root(index, path)
    top = f"{root}/" if root else ""
    references = {
        name.removeprefix(top): [inner, *extent]
        for name, extent in index.items()
        if name.startswith(top)
    }
    mapped = ReferenceFileSystem(
        fo=references, fs=_asynchronous(system), asynchronous=True, skip_instance_cache=True
    )
    store = FsspecStore(mapped, read_only=True, path="")
    if is_url(path):
        return OpenStore(store, store.close)
    file = open(inner, "rb")  # noqa: PTH123, SIM115 (closed with the store)

    def fetch(key: str) -> bytes | None:
        at, size = index.get(top + key, (0, None))
        return None if size is None else os.pread(file.fileno(), size, at)

    return OpenStore(store, file.close, fetch)


def _open_url(url: str) -> OpenStore:
    from zarr.storage import FsspecStore

    system, inner = file_system(url)
    with reaching(url):
        if not any(system.exists(f"{inner}/{name}") for name in GROUP_FILES):
            found = [
                f"{folder}/{name}"
                for folder in system.ls(inner, detail=False)
                for name in GROUP_FILES
                if system.exists(f"{folder}/{name}")
            ]
            inner = f"{inner}/{file_name(find_root(found, url))}"
    store = FsspecStore(_asynchronous(system), read_only=True, path=inner.rstrip("/"))
    return OpenStore(store, store.close)


def _asynchronous(system: Any) -> Any:
    """The same file system in the asynchronous mode that Zarr reads through."""
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

    if not system.async_impl:
        return AsyncFileSystemWrapper(system, asynchronous=True)
    return type(system)(**{**system.storage_options, "asynchronous": True})
