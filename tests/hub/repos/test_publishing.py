"""Folders to repositories: plans, commits, branches, tags, and what is told when it goes wrong."""

import pytest

from hub.__main__ import main
from hub.errors import HubError, hub_errors
from hub.repos import publishing
from hub.repos.plans import Target, make_plan
from hub.repos.publishing import copy_to_folder, publish
from tests.hub.shards import DATASET, QUIET, contents, make_folder, on_disk
from tests.hub_server.server import Fault
from tests.hub_server.store import Blob


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "shards")


def test_publish_creates_the_repository_and_a_second_run_sends_nothing(hub, folder):
    url = publish(folder, DATASET, **QUIET)
    repo = hub.repo("NS/shards", "datasets")
    assert contents(repo) == on_disk(folder)
    assert url == f"{hub.url}/datasets/NS/shards/tree/main"
    commits, received = len(repo.commits), sum(call.received for call in hub.calls)
    publish(folder, DATASET, **QUIET)
    assert len(repo.commits) == commits
    assert sum(call.received for call in hub.calls) - received < 2000  # the card's validation


def test_only_changed_files_are_sent_and_left_over_shards_are_deleted(hub, folder):
    publish(folder, DATASET, **QUIET)
    repo = hub.repo("NS/shards", "datasets")
    before = repo.completed.copy()
    for path in folder.glob("data/*-of-00005.parquet"):
        path.rename(path.with_name(path.name.replace("-of-00005", "-of-00006")))
    new = folder / "data/train-00005-of-00006.parquet"
    new.write_bytes(b"PAR1 new")
    publish(folder, DATASET, owned=("data/*",), **QUIET)
    assert contents(repo) == on_disk(folder)
    assert sum((repo.completed - before).values()) == 1


def test_unowned_files_of_the_repository_stay(hub, folder, tmp_path):
    publish(folder, DATASET, **QUIET)
    other = make_folder(tmp_path / "other", shards=1, seed=1)
    publish(other, DATASET, **QUIET)
    assert set(contents(hub.repo("NS/shards", "datasets"))) == set(on_disk(folder)) | set(
        on_disk(other)
    )


def test_large_folders_go_in_several_commits_and_the_card_in_the_last(hub, folder, monkeypatch):
    monkeypatch.setattr(publishing, "COMMIT_FILES", 2)
    lines = []
    publish(folder, DATASET, closing=("README.md", "metadata.json"), say=lines.append)
    history = list(hub.repo("NS/shards", "datasets").history())
    assert [len(commit.files) for commit in history] == [8, 5, 3, 1]
    assert "README.md" in history[0].files
    assert "README.md" not in history[1].files
    assert lines[-1].startswith("commit 3 of 3: 3 files")


def test_dry_run_lists_every_file_and_touches_nothing(hub, folder, capsys):
    command = ["push-dataset", str(folder), "--repo-id", "NS/shards", "--dry-run"]
    main(command)
    out = capsys.readouterr().out
    assert not hub.repos
    assert out.splitlines()[0] == "create     dataset NS/shards"
    assert all(name in out for name in on_disk(folder))
    assert "7 to add, 0 unchanged; 10.1 kB to send" in out
    publish(folder, DATASET, **QUIET)
    (folder / "metadata.json").write_text("{ }")
    calls = len(hub.calls)
    main(command)
    out = capsys.readouterr().out
    assert "update           3 B  metadata.json" in out
    assert "1 to update, 6 unchanged" in out
    assert {call.method for call in hub.calls[calls:]} == {"GET"}


def test_revision_is_a_branch_and_tag_marks_the_commit(hub, folder):
    target = Target("NS/shards", "dataset", revision="draft", tag="v1.0")
    publish(folder, target, **QUIET)
    repo = hub.repo("NS/shards", "datasets")
    assert set(contents(repo)) == set()
    assert contents(repo, "draft") == on_disk(folder) == contents(repo, "v1.0")
    publish(folder, target, **QUIET)  # the same tag on the same commit
    (folder / "metadata.json").write_text("{ }")
    with pytest.raises(HubError, match=r"has a tag v1\.0 already, on another commit"):
        publish(folder, target, **QUIET)


def test_private(hub, folder):
    publish(folder, Target("NS/hidden", "dataset", private=True), **QUIET)
    assert hub.repo("NS/hidden", "datasets").private
    publish(folder, DATASET, **QUIET)
    with pytest.raises(HubError, match="exists and is public"):
        publish(folder, Target("NS/shards", "dataset", private=True), **QUIET)


def test_temporaries_and_caches_are_not_published(folder):
    before = on_disk(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/x.pyc").write_bytes(b"x")
    (folder / "data/train.parquet.tmp").write_bytes(b"x")
    assert on_disk(folder) == before


def test_to_folder_needs_no_network_and_replaces_files_whole(folder, tmp_path, capsys):
    main(["push-dataset", str(folder), "--to-folder", str(tmp_path / "out")])
    assert on_disk(tmp_path / "out") == on_disk(folder)
    (tmp_path / "out/metadata.json").write_text("old")
    copy_to_folder(folder, tmp_path / "out")
    assert on_disk(tmp_path / "out") == on_disk(folder)


def test_a_rejected_card_stops_before_anything_is_sent(hub, folder):
    (folder / "README.md").write_text("---\nlicense: free-beer\n---\n")
    with pytest.raises(HubError, match=r"rejects the metadata .* \"license\" must be one of"):
        publish(folder, DATASET, **QUIET)
    assert not hub.repos


def fails(capsys, *arguments):
    """The one line on standard error of a command that must fail."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert stop.value.code == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture
def push(folder, capsys):
    def run(*options):
        return fails(capsys, "push-dataset", str(folder), "--repo-id", "NS/shards", *options)

    return run


def test_wrong_and_missing_tokens(hub, push, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong_token")
    line = push()
    assert "does not accept the token for dataset NS/shards" in line
    assert "hf_wrong" not in line
    monkeypatch.delenv("HF_TOKEN")
    assert "there is no token: set HF_TOKEN or run `hf auth login`" in push()


def test_token_that_expires_in_mid_upload(hub, folder, push):
    refused = {"X-Error-Message": "Invalid credentials in Authorization header"}
    hub.faults.append(Fault("/commit/", status=401, headers=refused))
    assert "it is wrong or has expired" in push()
    assert publish(folder, DATASET, **QUIET)
    assert set(hub.repo("NS/shards", "datasets").completed.values()) == {1}


def test_a_namespace_that_is_not_mine(hub, folder, capsys):
    line = fails(capsys, "push-dataset", str(folder), "--repo-id", "Other/shards")
    assert "may not write to dataset Other/shards" in line


def test_concurrent_change_is_told_and_not_overwritten(hub, folder):
    publish(folder, DATASET, **QUIET)
    repo = hub.repo("NS/shards", "datasets")

    def someone_else(line):
        if "to send" in line:
            files = dict(repo.head()) | {"metadata.json": Blob(b"theirs")}
            repo.branches["main"] = repo.add_commit(repo.branches["main"], "theirs", files)

    (folder / "metadata.json").write_text("ours")
    with pytest.raises(HubError, match="has changed while this was running; run the same"):
        publish(folder, DATASET, say=someone_else)
    assert repo.head()["metadata.json"].data == b"theirs"


def test_rate_limit_is_told_with_its_wait(hub, push):
    hub.faults.append(Fault("/commit/", status=429, headers={"Retry-After": "7"}))
    assert "limits the rate of requests" in (line := push())
    assert "in 7 s" in line


def test_short_failures_are_retried_by_the_client(hub, folder):
    hub.faults += [
        Fault("/preupload/", status=500),
        Fault("/objects/batch", status=429, headers={"Retry-After": "1"}),
        Fault("/lfs/", method="PUT", reset_after=100),
    ]
    publish(folder, DATASET, **QUIET)
    assert contents(hub.repo("NS/shards", "datasets")) == on_disk(folder)


def test_slow_server_is_waited_for(hub, folder):
    hub.faults.append(Fault("/commit/", delay=0.3))
    publish(folder, DATASET, **QUIET)
    assert contents(hub.repo("NS/shards", "datasets")) == on_disk(folder)


def test_no_network(hub, push, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "the connection to the Hub failed for dataset NS/shards" in push()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in push()


def test_downloads_without_a_network_or_the_thing_asked_for(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants, hf_hub_download, snapshot_download

    def told(read, name, **options):
        with pytest.raises(HubError) as error, hub_errors(f"model {name}"):
            read(name, cache_dir=tmp_path / "cache", **options)
        return str(error.value)

    assert "model NS/none does not exist" in told(snapshot_download, "NS/none")
    model = tmp_path / "model"
    model.mkdir()
    (model / "README.md").write_text("# A model without weights\n")
    publish(model, Target("NS/model", "model"), **QUIET)
    assert "no such revision" in told(snapshot_download, "NS/model", revision="v9")
    assert "lacks a file" in told(hf_hub_download, "NS/model", filename="config.json")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached" in told(snapshot_download, "NS/model")


def test_bad_arguments(hub, folder, capsys, tmp_path):
    push = ("push-dataset", str(folder))
    assert "give a destination" in fails(capsys, *push)
    assert "no valid repository name" in fails(capsys, *push, "--repo-id", "a/b/c")
    for option in (["--tag", "v1"], ["--private"], ["--revision", "next"]):
        told = fails(capsys, *push, "--to-folder", str(tmp_path / "out"), *option)
        assert f"{option[0]} would do nothing" in told and not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    assert "cannot write" in fails(capsys, *push, "--to-folder", str(tmp_path / "file"))
    missing = fails(capsys, "push-dataset", str(tmp_path / "none"), "--repo-id", "a/b")
    assert "README.md is missing" in missing
    (folder / "data/.train-00000-of-00005.parquet.tmp").touch()
    for path in folder.glob("data/t*"):
        path.unlink()
    assert "has no file data/train-*" in fails(capsys, *push, "--repo-id", "a/b")
    (folder / "README.md").write_text("---\nconfigs: [\n---\n")
    assert "cannot be read" in fails(capsys, *push, "--repo-id", "a/b")
    (folder / "README.md").write_text("# No metadata\n")
    assert "declares no configs" in fails(capsys, *push, "--repo-id", "a/b")


def test_plan_of_a_missing_repository(hub, folder):
    plan = make_plan(folder, DATASET)
    assert not plan.exists
    assert {entry.action for entry in plan.entries} == {"add"}
