"""A published dataset is loaded by name, whole or streamed; a stream reads what it needs."""

import json

import pytest

from dataset_script.export import export
from hub.__main__ import main
from hub.repos.plans import Target
from hub.repos.publishing import publish
from tests.dataset_script.exporting import SIZE, make_cubes
from tests.rows import make_dataset, make_dataset_folder

QUIET = {"say": lambda line: None}


def test_load_dataset_by_name_whole_and_streamed(hub, plain, tmp_path):
    folder = make_dataset_folder(tmp_path, steps=3, size=16, counts=(6, 4, 4))
    publish(folder, Target("NS/hephaestus-minicubes", "dataset", tag="v1"), **QUIET)
    code = """
import json
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
print(json.dumps(said))
"""
    said = json.loads(plain(code, server=hub).stdout)
    expected = make_dataset(6, 3, 16, seed=0).with_format("numpy")[0]["insar_difference"]
    for key in ("False 1", "False 0", "True 1", "True 0"):
        splits, shape, total = said[key]
        assert splits == ["test", "train", "validation"]
        assert shape == [3, 16, 16]
        assert total == pytest.approx(float(expected.sum()), abs=1e-3)
    assert said["rows"] == 4
    assert said["label"] == ["Non_Deformation", "Deformation"]


def test_first_sample_of_a_hundred_shards_costs_less_than_two_of_them(hub, plain, tmp_path):
    folder = make_dataset_folder(tmp_path, steps=1, size=64, counts=(4, 1, 1))
    shard = folder / "data/ts1/train-00000-of-00001.parquet"
    content = shard.read_bytes()
    shard.unlink()
    for number in range(100):
        name = f"train-{number:05d}-of-00100.parquet"
        shard.with_name(name).write_bytes(content)
    card = folder / "README.md"
    card.write_text(card.read_text().replace("train-00000-of-00001", "train-*"))
    publish(folder, Target("NS/shards", "dataset"), **QUIET)
    hub.calls.clear()
    code = """
from datasets import load_dataset
stream = load_dataset("NS/shards", "ts1", split="train", streaming=True)
row = next(iter(stream))
print(stream.num_shards, row["sample_id"], flush=True)
import os
os._exit(0)  # pyarrow's reading threads can abort an interpreter that ends while they wind up
"""
    assert plain(code, server=hub).stdout.startswith("100 ")
    reads = [call for call in hub.calls if call.method == "GET" and ".parquet" in call.path]
    assert reads
    assert all(call.range for call in reads)
    assert all(call.status == 206 for call in reads)
    assert sum(call.served for call in reads) < 2 * len(content)


def test_the_authors_layout_is_published_and_loaded_by_name(hub, plain, tmp_path):
    cubes = make_cubes(tmp_path / "cubes")
    options = {"image_size": SIZE, "format": "webdataset", "progress": False}
    folder = export(cubes, tmp_path, ["ts3"], **options)
    main(["push-dataset", str(folder), "--repo-id", "NS/shards"])
    code = """
from datasets import load_dataset
for streaming in (False, True):
    test = load_dataset("NS/shards", "ts3", split="test", streaming=streaming)
    for row in test.with_format("numpy"):
        print(row["image.pth"].shape, row["sample.pth"]["frame_id"])
"""
    counts = json.loads((folder / "metadata.json").read_text())["configs"]["ts3"]["counts"]
    lines = plain(code, hub).stdout.splitlines()
    assert len(lines) == 2 * counts["test"]["samples"]
    assert all(line.startswith(f"(27, {SIZE}, {SIZE})") for line in lines)
    for shard in sorted(folder.glob("3/val/*.tar"))[1:]:
        shard.unlink()
    card = folder / "README.md"
    card.write_text(card.read_text().replace("  - 3/val/sample-val-000001.tar\n", ""))
    main(["push-dataset", str(folder), "--repo-id", "NS/shards"])
    there = {p for p in hub.repo("NS/shards", "datasets").head() if p.startswith("3/val")}
    assert there == {"3/val/sample-val-000000.tar"}
