"""Published datasets are loaded by name, whole or streamed; a stream reads what it needs."""

import json

import pytest

from dataset_script.export import export
from hub.__main__ import main
from hub.repos.plans import Target
from hub.repos.publishing import publish
from tests.dataset_script.exporting import SIZE, make_cubes
from tests.hub.conftest import run_plain, use_server
from tests.hub.shards import QUIET
from tests.hub_server.server import HubServer
from tests.rows import make_dataset, make_dataset_folder

CODE = """
import json, os, sys
from datasets import load_dataset
said = {}
for streaming in (False, True):
    for arguments in (("ts3",), ()):
        data = load_dataset("NS/hephaestus-minicubes", *arguments, streaming=streaming)
        row = next(iter(data["train"].with_format("numpy")))
        said[f"{streaming} {len(arguments)}"] = [
            sorted(data), row["insar_difference"].shape, float(row["insar_difference"].sum()),
        ]
tagged = load_dataset("NS/hephaestus-minicubes", "ts3", revision="v1", split="test")
said["rows"] = tagged.num_rows
said["label"] = tagged.features["label"].names

stream = load_dataset("NS/shards", "ts1", split="train", streaming=True)
next(iter(stream))
said["shards"] = stream.num_shards

said["authors"] = []
for streaming in (False, True):
    test = load_dataset("NS/authors", "ts3", split="test", streaming=streaming)
    for row in test.with_format("numpy"):
        said["authors"].append([row["image.pth"].shape, row["sample.pth"]["frame_id"]])
print(json.dumps(said), flush=True)
os._exit(0)  # pyarrow's reading threads can abort an interpreter that ends while they wind up
"""


class Published:
    """Three datasets on a server, and what one clean process told of them.

    Attributes:
        hub: The server.
        said: What the process printed.
        reads: Its requests for Parquet files of NS/shards.
        shard_bytes: Size of each of the 100 shards.
        authors: The folder in the authors' layout.
    """

    def __init__(self, hub, root, site):
        self.hub = hub
        folder = make_dataset_folder(root / "rows", steps=3, size=16, counts=(6, 4, 4))
        publish(folder, Target("NS/hephaestus-minicubes", "dataset", tag="v1"), **QUIET)
        self.shard_bytes = self._publish_shards(root / "shards")
        options = {"image_size": SIZE, "format": "webdataset", "progress": False}
        self.authors = export(make_cubes(root / "cubes"), root, ["ts3"], **options)
        main(["push-dataset", str(self.authors), "--repo-id", "NS/authors"])
        hub.calls.clear()
        self.said = json.loads(run_plain(site, root, CODE, server=hub).stdout)
        self.reads = [
            call
            for call in hub.calls
            if call.method == "GET" and "NS/shards" in call.path and ".parquet" in call.path
        ]

    def _publish_shards(self, root):
        folder = make_dataset_folder(root, steps=1, size=64, counts=(4, 1, 1))
        shard = folder / "data/ts1/train-00000-of-00001.parquet"
        content = shard.read_bytes()
        shard.unlink()
        for number in range(100):
            shard.with_name(f"train-{number:05d}-of-00100.parquet").write_bytes(content)
        card = folder / "README.md"
        card.write_text(card.read_text().replace("train-00000-of-00001", "train-*"))
        publish(folder, Target("NS/shards", "dataset"), **QUIET)
        return len(content)


@pytest.fixture(scope="module")
def published(tmp_path_factory, plain_site):
    with pytest.MonkeyPatch.context() as patch, HubServer() as server:
        use_server(patch, server)
        yield Published(server, tmp_path_factory.mktemp("published"), plain_site)


def test_load_dataset_by_name_whole_and_streamed(published):
    expected = make_dataset(6, 3, 16, seed=0).with_format("numpy")[0]["insar_difference"]
    for key in ("False 1", "False 0", "True 1", "True 0"):
        splits, shape, total = published.said[key]
        assert splits == ["test", "train", "validation"]
        assert shape == [3, 16, 16]
        assert total == pytest.approx(float(expected.sum()), abs=1e-3)
    assert published.said["rows"] == 4
    assert published.said["label"] == ["Non_Deformation", "Deformation"]


def test_first_sample_of_a_hundred_shards_costs_less_than_two_of_them(published):
    assert published.said["shards"] == 100
    assert published.reads
    assert all(call.range and call.status == 206 for call in published.reads)
    assert sum(call.served for call in published.reads) < 2 * published.shard_bytes


def test_the_authors_layout_is_published_and_loaded_by_name(published):
    folder = published.authors
    counts = json.loads((folder / "metadata.json").read_text())["configs"]["ts3"]["counts"]
    rows = published.said["authors"]
    assert len(rows) == 2 * counts["test"]["samples"]
    assert all(shape == [27, SIZE, SIZE] for shape, _ in rows)
    for shard in sorted(folder.glob("3/val/*.tar"))[1:]:
        shard.unlink()
    card = folder / "README.md"
    card.write_text(card.read_text().replace("  - 3/val/sample-val-000001.tar\n", ""))
    main(["push-dataset", str(folder), "--repo-id", "NS/authors"])
    files = published.hub.repo("NS/authors", "datasets").head()
    there = {path for path in files if path.startswith("3/val")}
    assert there == {"3/val/sample-val-000000.tar"}
