"""An upload that is broken off again and again ends as one that never was, nothing sent twice."""

import math
import random
import subprocess
import sys

import pytest

from hub.errors import HubError
from hub.repos import publishing
from hub.repos.publishing import publish
from tests.hub.conftest import hub_environment
from tests.hub.shards import DATASET, QUIET, contents, make_folder, on_disk
from tests.hub_server.server import Fault
from tests.places import ROOT

SHARDS = 24
KILLED = """
import sys
from hub.repos import publishing
from hub.__main__ import main
publishing.COMMIT_FILES = 3
main(["push-dataset", sys.argv[1], "--repo-id", "NS/shards"])
"""
WRITES = r"/(preupload|batch|commit|lfs)(/|$)"


def break_off(server, rng, call=None):
    """Let a few writes through, then break the connection somewhere inside the next ones."""
    server.faults[:] = [
        Fault(
            WRITES,
            skip=rng.randint(2, 7),
            times=math.inf,
            reset_after=rng.randint(1, 3000),
            call=call,
        )
    ]


def reset(hub, folder, rng):
    break_off(hub, rng)
    with pytest.raises(HubError, match="the connection to the Hub failed"):
        publish(folder, DATASET, **QUIET)


def kill(hub, folder, rng):
    client = []
    break_off(hub, rng, call=lambda: client[0].kill())
    client.append(
        subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder)],
            cwd=ROOT,
            env=hub_environment(hub),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    )
    _, said = client[0].communicate(timeout=60)
    assert client[0].returncode == -9, said.decode()


@pytest.mark.parametrize("seed", [0, 1])
def test_five_interruptions(hub, tmp_path, monkeypatch, seed):
    monkeypatch.setattr(publishing, "COMMIT_FILES", 3)
    rng = random.Random(seed)
    folder = make_folder(tmp_path / "shards", shards=SHARDS, size=4000)
    for number in range(5):
        (kill if number % 2 == seed else reset)(hub, folder, rng)
    hub.faults.clear()
    publish(folder, DATASET, **QUIET)

    repo = hub.repo("NS/shards", "datasets")
    assert contents(repo) == on_disk(folder)
    assert len(repo.completed) == SHARDS
    assert set(repo.completed.values()) == {1}
    assert len(list(repo.history())) > 5  # it was broken off in the middle, not before or after


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub, tmp_path):
    folder = make_folder(tmp_path / "shards")
    publish(folder, DATASET, **QUIET)
    (folder / "metadata.json").write_text("{ }")
    hub.faults.append(Fault("/commit/", lose_answer=True))
    with pytest.raises(HubError, match="the connection to the Hub failed"):
        publish(folder, DATASET, **QUIET)
    commits = len(hub.repo("NS/shards", "datasets").commits)
    publish(folder, DATASET, **QUIET)
    assert len(hub.repo("NS/shards", "datasets").commits) == commits
    assert contents(hub.repo("NS/shards", "datasets")) == on_disk(folder)


MEASURED = """
import sys
from hub.repos.plans import Target
from hub.repos.publishing import publish
import huggingface_hub.hf_api, httpx, httpx2
from tests.hub.memory import peak_mib
before = peak_mib()
publish(__import__("pathlib").Path(sys.argv[1]), Target("NS/shards", "dataset"))
print(peak_mib() - before)
"""


def test_a_large_dataset_is_never_held_in_memory(hub, tmp_path):
    folder = make_folder(tmp_path / "shards", shards=30, size=4_000_000)  # 120 MB
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(folder)],
        cwd=ROOT,
        env=hub_environment(hub),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(hub.repo("NS/shards", "datasets").completed) == 30
    assert int(done.stdout.splitlines()[-1]) < 40
