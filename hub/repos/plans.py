"""What publishing a folder would do: the folder compared with a repository, file by file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hub.errors import HubError, hub_errors

if TYPE_CHECKING:
    from huggingface_hub import HfApi, RepoFile

Kind = Literal["model", "dataset", "space"]
Action = Literal["add", "update", "unchanged", "delete"]

IGNORED = ("__pycache__", ".git", ".cache", ".DS_Store", "*.pyc", "*.tmp", "*.lock")


@dataclass(frozen=True)
class Target:
    """Where something is published.

    Attributes:
        repo_id: "NAMESPACE/NAME".
        kind: model, dataset or space.
        private: Create the repository as private.
        revision: Branch to commit to; it is made from main if it does not exist.
        tag: Tag put on the last commit.
    """

    repo_id: str
    kind: Kind
    private: bool = False
    revision: str | None = None
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.repo_id}"

    @property
    def branch(self) -> str:
        """The branch that is committed to."""
        return self.revision or "main"


@dataclass(frozen=True)
class PlannedFile:
    """One file of a plan; `size` in bytes."""

    path: str
    size: int
    action: Action


@dataclass(frozen=True)
class UploadPlan:
    """What publishing a folder would do.

    Attributes:
        target: Where.
        exists: Whether the repository is there.
        head: Commit that the plan was made against; None where there is none.
        entries: Every file of the folder, and the repository's that are to go.
    """

    target: Target
    exists: bool
    head: str | None
    entries: tuple[PlannedFile, ...]

    def of(self, *actions: Action) -> list[PlannedFile]:
        """The entries with one of these actions."""
        return [entry for entry in self.entries if entry.action in actions]

    @property
    def summary(self) -> str:
        """One line: how many files of each action, and the bytes to send."""
        counts = {action: len(self.of(action)) for action in ("add", "update", "delete")}
        parts = [f"{count} to {action}" for action, count in counts.items() if count]
        parts.append(f"{len(self.of('unchanged'))} unchanged")
        sent = sum(entry.size for entry in self.of("add", "update"))
        return f"{', '.join(parts)}; {readable_size(sent)} to send"

    def to_text(self) -> str:
        """The plan as a table, one line a file."""
        rows = [f"{e.action:<10}{readable_size(e.size):>10}  {e.path}" for e in self.entries]
        if not self.exists:
            privacy = "private " if self.target.private else ""
            rows.insert(0, f"create     {privacy}{self.target}")
        if self.target.tag:
            rows.append(f"tag        {self.target.tag}")
        return "\n".join([*rows, f"{self.target}@{self.target.branch}: {self.summary}"])


def readable_size(size: float) -> str:
    """A number of bytes with a decimal unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def list_files(folder: Path) -> list[Path]:
    """Files of a folder that belong in a repository, sorted; caches and temporaries do not.

    Raises:
        HubError: If the folder does not exist or holds no file.
    """
    if not folder.is_dir():
        raise HubError(f"{folder} is not a folder")
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(
            fnmatch(part, pattern) for part in path.relative_to(folder).parts for pattern in IGNORED
        )
    ]
    if not found:
        raise HubError(f"{folder} is empty: there is nothing to publish")
    return found


def _hash(path: Path, algorithm: str, prefix: bytes = b"") -> str:
    digest = hashlib.new(algorithm, prefix, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _same(path: Path, remote: RepoFile) -> bool:
    """Whether a local file is what the repository holds under its name."""
    if path.stat().st_size != remote.size:
        return False
    if remote.lfs:
        return _hash(path, "sha256") == remote.lfs.sha256
    return _hash(path, "sha1", b"blob %d\0" % remote.size) == remote.blob_id


def _head(api: HfApi, target: Target) -> tuple[bool, str | None]:
    """Whether the repository exists, and the commit that a plan starts from."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.repo_info(target.repo_id, repo_type=target.kind)
    except RepositoryNotFoundError:
        return False, None
    if target.private and not info.private:
        raise HubError(
            f"{target} exists and is public; --private is for new repositories: make it private "
            "on its settings page first, or leave --private out"
        )
    if target.revision:
        branches = api.list_repo_refs(target.repo_id, repo_type=target.kind).branches
        heads = {branch.name: branch.target_commit for branch in branches}
        return True, heads.get(target.revision, info.sha)
    return True, info.sha


def make_plan(folder: Path, target: Target, owned: Sequence[str] = ()) -> UploadPlan:
    """Compare a folder with a repository; nothing is changed.

    Args:
        folder: What is to lie in the repository.
        target: Where.
        owned: Patterns of repository paths that this folder alone decides on: files there that
            the folder lacks are deleted (left-over shards, for instance).

    Raises:
        HubError: If the folder is unusable or the Hub cannot be asked.
    """
    from huggingface_hub import HfApi, RepoFile
    from tqdm.auto import tqdm

    files = {path.relative_to(folder).as_posix(): path for path in list_files(folder)}
    remote: dict[str, RepoFile] = {}
    with hub_errors(str(target)):
        api = HfApi()
        exists, head = _head(api, target)
        if exists:
            tree = api.list_repo_tree(
                target.repo_id, recursive=True, revision=head, repo_type=target.kind
            )
            remote = {file.path: file for file in tree if isinstance(file, RepoFile)}
    entries = []
    # equal sizes are told apart by hashing, which takes its time on a large dataset
    for name, path in tqdm(files.items(), "compare", unit="file", disable=None, leave=False):
        action: Action = "add"
        if name in remote:
            action = "unchanged" if _same(path, remote[name]) else "update"
        entries.append(PlannedFile(name, path.stat().st_size, action))
    entries += [
        PlannedFile(name, 0, "delete")
        for name in sorted(set(remote) - set(files) - {".gitattributes"})
        if any(fnmatch(name, pattern) for pattern in owned)
    ]
    return UploadPlan(target, exists, head, tuple(entries))
