"""The repositories of the test Hub: commits, branches, tags and LFS objects, in memory."""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field

LFS_SUFFIXES = {
    *(".parquet", ".arrow", ".safetensors", ".bin", ".pt", ".npz", ".npy", ".tar", ".zip"),
    *(".tif", ".tiff", ".onnx", ".h5", ".gz"),
}
GITATTRIBUTES = "".join(
    f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in sorted(LFS_SUFFIXES)
).encode()


def git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(frozen=True)
class Blob:
    """One file of a commit."""

    data: bytes
    lfs: bool = False
    xet: str | None = None  # its hash in Xet storage

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self):
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}")
        return "\n".join((*lines, f"size {len(self.data)}", "")).encode()

    @property
    def oid(self):
        return git_oid(self.pointer if self.lfs else self.data)

    @property
    def etag(self):
        return self.sha256 if self.lfs else self.oid

    def info(self, path):
        entry = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        if self.lfs:
            size = len(self.pointer)
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": size}
        return entry


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    message: str
    files: dict[str, Blob]

    def entries(self, path):
        """What paths-info tells of a path: a file, a folder, or nothing."""
        if path in self.files:
            return [self.files[path].info(path)]
        return [_folder(path)] if self.listing(path, True) else []

    def listing(self, folder, recursive):
        """Folders and files below a folder."""
        prefix = f"{folder}/" if folder else ""
        files, folders = [], set()
        for path, blob in sorted(self.files.items()):
            if not path.startswith(prefix):
                continue
            inner = path[len(prefix) :].split("/")
            if recursive or len(inner) == 1:
                files.append(blob.info(path))
            depth = len(inner) if recursive else min(len(inner), 2)
            folders |= {prefix + "/".join(inner[:level]) for level in range(1, depth)}
        return [_folder(path) for path in sorted(folders)] + files


def _folder(path):
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


@dataclass
class Repo:
    """One repository of one kind ("models", "datasets" or "spaces")."""

    kind: str
    name: str
    private: bool = False
    sdk: str | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # LFS, by sha256
    completed: Counter = field(default_factory=Counter)  # PUTs that arrived whole, by sha256
    _count: itertools.count = field(default_factory=itertools.count)

    def __post_init__(self):
        self.branches["main"] = self.add_commit(
            None, "initial commit", {".gitattributes": Blob(GITATTRIBUTES)}
        )

    @property
    def url_prefix(self):
        return "" if self.kind == "models" else f"{self.kind}/"

    def add_commit(self, parent, message, files):
        names = "".join(f"{path}{blob.oid}" for path, blob in sorted(files.items()))
        seed = f"{self.kind}{self.name}{parent}{message}{next(self._count)}{names}"
        oid = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, message, files)
        return oid

    def find(self, revision):
        """The commit that a branch, a tag or a hash stands for; None if there is none."""
        revision = revision.removeprefix("refs/heads/")
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(oid)

    def head(self, revision="main"):
        return self.find(revision).files

    def history(self, revision="main"):
        commit = self.find(revision)
        while commit:
            yield commit
            commit = self.commits.get(commit.parent)
