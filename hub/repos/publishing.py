"""Bring a folder to a repository of the Hub, in a few commits that carry what is missing.

The plan (`hub.repos.plans`) compares the two, so a run after an interruption finds what has arrived
and sends the rest. Files stream from disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_script.safe_files import renamed
from hub.errors import HubError, hub_errors
from hub.repos.plans import (
    Kind,
    PlannedFile,
    Target,
    UploadPlan,
    list_files,
    make_plan,
    readable_size,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

COMMIT_FILES = 100
COMMIT_BYTES = 5_000_000_000


def _batches(plan: UploadPlan, closing: Sequence[str]) -> Iterator[list[PlannedFile]]:
    """Split what is to be done into commits; closing files and deletions come in the last."""
    last = [e for e in plan.of("add", "update") if e.path in closing] + plan.of("delete")
    batch: list[PlannedFile] = []
    for entry in plan.of("add", "update"):
        if entry.path in closing:
            continue
        full = len(batch) >= COMMIT_FILES or sum(e.size for e in batch) >= COMMIT_BYTES
        if full:
            yield batch
            batch = []
        batch.append(entry)
    if batch or last:
        yield batch + last


def _check_card(api: HfApi, folder: Path, kind: Kind) -> None:
    """Let the Hub validate the card before anything large is sent."""
    from huggingface_hub.utils import get_session

    card = folder / "README.md"
    if not card.exists():
        return
    answer = get_session().post(
        f"{api.endpoint}/api/validate-yaml", json={"content": card.read_text(), "repoType": kind}
    )
    if answer.status_code == 400:
        errors = "; ".join(error["message"] for error in answer.json()["errors"])
        raise HubError(f"the Hub rejects the metadata of {card}: {errors}")


def _tag(api: HfApi, target: Target, tag: str, commit: str) -> None:
    """Put a tag on a commit; the same tag on the same commit is fine."""
    refs = api.list_repo_refs(target.repo_id, repo_type=target.kind)
    found = {ref.name: ref.target_commit for ref in refs.tags}
    if tag in found and found[tag] != commit:
        raise HubError(f"{target} has a tag {tag} already, on another commit: choose another name")
    if tag not in found:
        api.create_tag(target.repo_id, tag=tag, revision=commit, repo_type=target.kind)


def publish(
    folder: Path,
    target: Target,
    owned: Sequence[str] = (),
    closing: Sequence[str] = ("README.md",),
    message: str = "",
    say: Callable[[str], None] = print,
) -> str:
    """Make the repository hold the folder; run it again after any interruption.

    Args:
        folder: What is to lie in the repository.
        target: Where; the repository and the branch are created if they are missing.
        owned: See `make_plan`.
        closing: Files committed last, so that a card never announces files that are still to come.
        message: Commit message.
        say: Receives a line at each step.

    Returns:
        The URL of the repository at the branch.

    Raises:
        HubError: If there is no token, the Hub refuses, or the connection breaks.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    if get_token() is None:
        raise HubError("there is no token: set HF_TOKEN or run `hf auth login`")
    plan = make_plan(folder, target, owned)
    say(f"{target}@{target.branch}: {plan.summary}")
    with hub_errors(str(target)):
        api = HfApi()
        _check_card(api, folder, target.kind)
        if not plan.exists:
            api.create_repo(
                target.repo_id,
                repo_type=target.kind,
                private=target.private or None,
                space_sdk="gradio" if target.kind == "space" else None,
                exist_ok=True,
            )
        if target.revision:
            api.create_branch(
                target.repo_id, branch=target.revision, repo_type=target.kind, exist_ok=True
            )
        commit = plan.head
        batches = list(_batches(plan, closing))
        for number, batch in enumerate(batches, 1):
            operations = [
                CommitOperationDelete(entry.path)
                if entry.action == "delete"
                else CommitOperationAdd(entry.path, folder / entry.path)
                for entry in batch
            ]
            part = f" ({number} of {len(batches)})" if len(batches) > 1 else ""
            done = api.create_commit(
                target.repo_id,
                operations,
                commit_message=f"{message or f'Upload {folder.name}'}{part}",
                repo_type=target.kind,
                revision=target.revision,
                parent_commit=commit,
            )
            commit = done.oid
            sent = readable_size(sum(entry.size for entry in batch))
            say(f"commit {number} of {len(batches)}: {len(batch)} files, {sent}")
        if target.tag and commit:
            _tag(api, target, target.tag, commit)
            say(f"tag {target.tag}")
        prefix = "" if target.kind == "model" else f"{target.kind}s/"
        return f"{api.endpoint}/{prefix}{target.repo_id}/tree/{target.branch}"


def copy_to_folder(folder: Path, out: Path) -> list[Path]:
    """Write what would lie in the repository to a folder, file by file.

    Args:
        folder: The prepared repository.
        out: Destination; files of the same name are replaced, others are left alone.

    Returns:
        The files written.

    Raises:
        DataError: If a file cannot be written there.
    """
    written = []
    for path in list_files(folder):
        destination = out / path.relative_to(folder)
        with renamed(destination) as partial:
            shutil.copyfile(path, partial)
        written.append(destination)
    return written
