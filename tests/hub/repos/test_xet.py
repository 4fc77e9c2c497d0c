"""The clients' default path: large files go to and come from Xet storage, through hf_xet."""

import json

import pytest

from hub.repos.publishing import publish
from tests.hub.conftest import use_server
from tests.hub.shards import DATASET, QUIET, contents, make_folder, on_disk
from tests.hub_server.server import HubServer


@pytest.fixture
def xet_hub(monkeypatch, tmp_path):
    with HubServer(xet=tmp_path / "xet") as server:
        use_server(monkeypatch, server, xet=True)
        yield server


def test_round_trip(xet_hub, plain, tmp_path):
    folder = make_folder(tmp_path / "shards", shards=3, size=200_000)
    publish(folder, DATASET, **QUIET)
    repo = xet_hub.repo("NS/shards", "datasets")
    assert contents(repo) == on_disk(folder)
    stored = [blob.xet for path, blob in repo.head().items() if path.startswith("data/")]
    assert len(set(stored)) == 3
    assert None not in stored
    assert not repo.objects  # nothing went by LFS
    tokens = xet_hub.xet.tokens
    publish(folder, DATASET, **QUIET)
    assert xet_hub.xet.tokens == tokens  # nothing was sent again

    code = """
import hashlib, json
from huggingface_hub import hf_hub_download
names = [f"data/train-{n:05d}-of-00003.parquet" for n in range(3)]
paths = [hf_hub_download("NS/shards", name, repo_type="dataset") for name in names]
print(json.dumps([hashlib.sha256(open(path, "rb").read()).hexdigest() for path in paths]))
"""
    got = json.loads(plain(code, server=xet_hub, HF_HUB_DISABLE_XET="0").stdout)
    names = [f"data/train-{number:05d}-of-00003.parquet" for number in range(3)]
    assert got == [repo.head()[name].sha256 for name in names]
    assert not [call for call in xet_hub.calls if call.method == "GET" and ".parquet" in call.path]
