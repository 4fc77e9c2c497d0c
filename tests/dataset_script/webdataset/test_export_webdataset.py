"""The authors' WebDataset layout, written by `export`."""

import io
import json

import numpy as np
import pytest
import torch
import webdataset
from datasets import load_dataset
from torch.nn.functional import cross_entropy

from dataset_script.channels import CHANNELS
from dataset_script.export import export
from dataset_script.webdataset.shards import FOLDERS, read_rows
from tests.cubes import FRAME, make_cube, make_records, write_cube
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes
from tests.dataset_script.webdataset.theirs import their_loader

TENSORS = ("image.pth", "labels.pth")


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"))


def test_an_unmodified_pipeline_reads_the_exported_shards(cubes, tmp_path):
    options = {"image_size": SIZE, "progress": False}
    folder = export(cubes, tmp_path / "wds", ["ts1", "ts3"], format="webdataset", **options)
    plain = export(cubes, tmp_path / "plain", ["ts1"], preview=False, **options)
    rows = {
        row["sample_id"]: row
        for split in load_dataset(str(plain), "ts1", cache_dir=str(tmp_path / "cache")).values()
        for row in split.with_format("numpy")
    }
    listed = json.loads((folder / "manifest.json").read_text())["shards"]
    assert {entry["path"].split("/")[0] for entry in listed} == {"1", "3"}
    seen = set()
    for entry in (entry for entry in listed if entry["path"].startswith("1/")):
        pipeline = webdataset.WebDataset(str(folder / entry["path"]), shardshuffle=False)
        samples = list(pipeline)
        assert len(samples) == entry["samples"]
        for sample in samples:
            image, labels = (
                torch.load(io.BytesIO(sample[name]), weights_only=True).numpy() for name in TENSORS
            )
            row = rows[sample["__key__"].split("/")[-1].replace("_2", "/2")]
            for plane, channel in zip(image, CHANNELS, strict=True):
                raster = row[channel.name]
                np.testing.assert_array_equal(plane, raster[0] if raster.ndim == 3 else raster)
            np.testing.assert_array_equal(labels, row["deformation_mask"] > 0)
            assert ("train_neg" in entry["path"]) <= (row["label"] == 0)
            assert ("train_pos" in entry["path"]) <= (row["label"] == 1)
            seen.add(row["sample_id"])
    assert seen == set(rows)


def test_the_authors_training_takes_our_shards(cubes, tmp_path):
    """Their losses know two classes: whole numbers a step, 0 or 1 a pixel."""
    options = {"image_size": SIZE, "format": "webdataset", "progress": False}
    folder = export(cubes, tmp_path, ["ts2"], **options)
    counts = json.loads((folder / "metadata.json").read_text())["configs"]["ts2"]["counts"]
    classes = set()
    for split, names in FOLDERS.items():
        shards = [str(path) for name in names for path in sorted(folder.glob(f"2/{name}/*.tar"))]
        images, masks, labels, facts = zip(*their_loader(shards), strict=True)
        image, mask, label = torch.stack(images), torch.stack(masks), torch.stack(labels)
        count = counts[split]["samples"]
        assert image.shape == (count, 18, SIZE, SIZE) and image.dtype == torch.float32
        assert mask.shape == (count, 2, SIZE, SIZE) and mask.dtype == torch.int64
        assert label.shape == (count, 2) and label.dtype == torch.int64
        cross_entropy(torch.zeros(count, 2), label.amax(1))
        cross_entropy(torch.zeros(count, 2, SIZE, SIZE), mask.amax(1))
        assert int(label.amax(1).sum()) == counts[split]["positives"]
        assert torch.equal(label.bool(), mask.flatten(2).any(2))
        assert all(len(fact["annotation_path"]) == 2 for fact in facts)
        classes |= {name for fact in facts for a in fact["annotation"] for name in a["label"]}
    assert "Earthquake" in classes


def test_we_read_it_back(cubes, tmp_path):
    options = {"image_size": SIZE, "format": "webdataset", "progress": False}
    folder = export(cubes, tmp_path, ["ts3"], **options)
    counts = json.loads((folder / "metadata.json").read_text())["configs"]["ts3"]["counts"]
    for split in ("train", "validation", "test"):
        assert len(list(read_rows(folder, split))) == counts[split]["samples"]


def test_load_dataset_reads_it_by_the_cards_configs(cubes, tmp_path):
    options = {"image_size": SIZE, "format": "webdataset", "progress": False}
    folder = export(cubes, tmp_path, ["ts1", "ts3"], **options)
    counts = json.loads((folder / "metadata.json").read_text())["configs"]
    for name, length in (("ts1", 1), ("ts3", 3)):
        loaded = load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))
        assert set(loaded) == set(counts[name]["counts"])
        for split, dataset in loaded.items():
            ours = list(read_rows(folder, split, length))
            assert len(dataset) == len(ours) == counts[name]["counts"][split]["samples"]
            for row, wanted in zip(dataset.with_format("numpy"), ours, strict=True):
                assert row["image.pth"].shape == (length * 9, SIZE, SIZE)
                mask = wanted["deformation_mask"]
                np.testing.assert_array_equal(row["deformation_mask.pth"], mask)
                np.testing.assert_array_equal(row["labels.pth"], mask > 0)
                annotations = row["sample.pth"]["annotation"]
                assert [a["uniqueID"] for a in annotations] == list(wanted["unique_ids"])
    card = (folder / "README.md").read_text()
    assert "streaming=True" in card and "--data.config ts3 --data.source webdataset" in card
    stream = load_dataset(str(folder), "ts3", split="test", streaming=True)
    for row in stream.with_format("numpy"):
        assert row["image.pth"].dtype == np.float32


def test_a_group_that_loses_its_deformation_is_among_those_without(tmp_path):
    cubes = tmp_path / "cubes"
    records = make_records(positive=(1,)), make_records(SECOND, 101, positive=())
    for frame, mine in zip((FRAME, SECOND), records, strict=True):
        write_cube(make_cube(mine, frame), cubes)
    (cubes / "annotations.json").write_text(json.dumps(records[0] | records[1]))
    (cubes / f"{FRAME}.zarr" / "insar_difference" / "0.1.0.0").unlink()
    options = {"image_size": SIZE, "format": "webdataset", "skip_bad": True, "progress": False}
    folder = export(cubes, tmp_path, ["ts3"], **options)
    assert [(row["frame_id"], row["label"]) for row in read_rows(folder, "train")] == [
        (SECOND, 0),
        (FRAME, 0),
    ]
