"""The authors' WebDataset: shards as they make them, and ours, each read by both sides."""

import io
import json
import tarfile
from contextlib import closing

import fsspec
import numpy as np
import pytest
import webdataset

from dataset_script.channels import CHANNELS
from dataset_script.errors import DataError
from dataset_script.rows.encoding import describe
from dataset_script.webdataset import torch_files
from dataset_script.webdataset.sample_files import ABSENT, ShardWriter
from dataset_script.webdataset.shards import (
    find_shards,
    read_rows,
    read_shard,
    shard_path,
    to_dataset,
    write_manifest,
)
from tests.dataset_script.webdataset.theirs import SIZE, theirs
from tests.rows import make_row, write_tar


def assert_equal_rows(found, wanted):
    assert set(found) == set(wanted) - set(ABSENT)
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == wanted[name].dtype, name
            np.testing.assert_array_equal(value, wanted[name], err_msg=name)
        else:
            assert value == wanted[name], name


def test_the_authors_shards_are_read_with_equal_tensors(released, source):
    cube, samples = source
    read = list(read_rows(released, "test"))
    assert [row["sample_id"] for row in read] == [sample.sample_id for sample in samples]
    for row, sample in zip(read, samples, strict=True):
        image, labels, _ = theirs(cube, sample)
        assert row["insar_coherence"].dtype == row["deformation_mask"].dtype == np.uint8
        assert row["dem"].shape == row["primary_date_surface_pressure"].shape == (SIZE, SIZE)
        planes = [
            row[c.name][step] if c.per_step else row[c.name] for step in range(3) for c in CHANNELS
        ]
        np.testing.assert_array_equal(np.stack(planes).astype("f4"), image.numpy())
        np.testing.assert_array_equal(row["deformation_mask"], labels.numpy())
        assert row["deformation_mask"].max() <= 1  # theirs tell no earthquakes apart
        expected = describe(sample)
        assert {name: row[name] for name in expected} == expected
        assert row["window"] == [-1, -1, SIZE, SIZE] and row["crs"] == ""
        assert np.isnan(row["bounds"] + row["pixel_size"]).all()


def test_our_shards_are_read_by_a_plain_webdataset_pipeline_as_theirs_are(rows, tmp_path, released):
    path = tmp_path / shard_path(3, "test", True, 0)
    assert write_tar(path, rows) == len(rows)
    names = ("image.pth", "labels.pth", "sample.pth")

    def pipeline(shard):
        loader = webdataset.WebDataset(str(shard), shardshuffle=False).decode().to_tuple(*names)
        return list(loader)

    ours, others = pipeline(path), pipeline(released / shard_path(3, "test", True, 0))
    assert len(ours) == len(others) == len(rows)
    for row, (image, labels, facts), (image2, labels2, facts2) in zip(
        rows, ours, others, strict=True
    ):
        assert (image.dtype, image.shape) == (image2.dtype, image2.shape)
        assert (labels.dtype, labels.shape) == (labels2.dtype, labels2.shape)
        assert {name: facts[name] for name in facts2} == facts2
        assert all(type(label) is int for label in facts["label"])
        np.testing.assert_array_equal(image[9].numpy(), row["insar_difference"][1])
        np.testing.assert_array_equal(image[11].numpy(), row["dem"])
        np.testing.assert_array_equal(labels.numpy(), row["deformation_mask"] > 0)
    with tarfile.open(path) as archive:
        assert len({name.partition(".")[0] for name in archive.getnames()}) == len(rows)


def test_our_shards_survive_the_round_trip_byte_for_byte(rows, tmp_path):
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    write_tar(first, rows)
    write_tar(second, read_shard(str(first)))
    assert first.read_bytes() == second.read_bytes()
    for found, wanted in zip(read_shard(str(first)), rows, strict=True):
        assert_equal_rows(found, wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar"]


def test_masks_that_contradict_each_other_are_an_error(rows, tmp_path):
    path, spoilt = tmp_path / "a.tar", tmp_path / "b.tar"
    write_tar(path, rows[:1])
    with tarfile.open(path) as archive, tarfile.open(spoilt, "w") as other:
        for member in archive:
            content = archive.extractfile(member).read()
            if member.name.endswith("deformation_mask.pth"):
                content = torch_files.dumps(np.zeros((3, SIZE, SIZE), np.uint8))
                member.size = len(content)
            other.addfile(member, io.BytesIO(content))
    with pytest.raises(DataError, match="differ in where the ground moved"):
        list(read_shard(str(spoilt)))


def test_a_split_becomes_a_dataset(released, tmp_path):
    dataset = to_dataset(released, cache_dir=tmp_path)
    assert {split: len(rows) for split, rows in dataset.items()} == {
        "train": 3,
        "validation": 1,
        "test": 3,
    }
    for row, wanted in zip(dataset["train"], read_rows(released, "train"), strict=True):
        np.testing.assert_array_equal(row["insar_difference"], wanted["insar_difference"])
        assert row["labels"] == wanted["labels"]
        assert row["primary_date"] == wanted["primary_date"]
    assert dataset["test"].features["insar_coherence"].dtype == "uint8"
    assert [row["label"] for row in to_dataset(released, "train", cache_dir=tmp_path)] == [1, 0, 0]


def test_a_shard_that_has_changed_is_read_anew(released, rows, tmp_path):
    path = tmp_path / "web" / shard_path(3, "test", True, 0)
    write_tar(path, rows[:1])
    assert len(to_dataset(tmp_path / "web", "test", 3, tmp_path / "cache")) == 1
    write_tar(path, rows)
    assert len(to_dataset(tmp_path / "web", "test", 3, tmp_path / "cache")) == len(rows)


def test_a_url_reads_as_a_folder_does(released):
    memory = fsspec.filesystem("memory")
    memory.put(str(released), "/thalia", recursive=True)
    try:
        remote = list(read_rows("memory://thalia", "test"))
        for found, wanted in zip(remote, read_rows(released, "test"), strict=True):
            np.testing.assert_array_equal(found["dem"], wanted["dem"])
        assert find_shards("memory://thalia", "train") == [
            f"memory://thalia/3/{name}"
            for name in (
                "train_pos/sample-train_pos-000000.tar",
                "train_neg/sample-train_neg-000000.tar",
                "train_neg/sample-train_neg-000001.tar",
            )
        ]
    finally:
        memory.rm("/thalia", recursive=True)


def test_several_lengths_must_be_told_apart(released, tmp_path):
    for length in ("1", "3"):
        (tmp_path / length / "test").mkdir(parents=True)
    (tmp_path / "3/test/sample-test-000000.tar").touch()
    with pytest.raises(DataError, match=r"choose a length; there are 1, 3"):
        find_shards(tmp_path, "test")
    assert len(find_shards(tmp_path, "test", 3)) == 1
    assert find_shards(tmp_path, "test", 1) == []
    with pytest.raises(DataError, match="no time series of length 5; there are 1, 3"):
        find_shards(tmp_path, "test", 5)
    assert find_shards(released / "3", "test") == find_shards(released, "test", 3)
    with pytest.raises(DataError, match="3 steps, not 1"):
        find_shards(released / "3", "test", 1)


def test_the_writer_writes_where_it_is_told(rows, tmp_path):
    with closing(ShardWriter(tmp_path / "shard.tar")) as writer:
        writer.write(rows[0])
    assert len(list(read_shard(str(tmp_path / "shard.tar")))) == 1


def test_the_manifest_lists_the_shards(tmp_path):
    path = write_manifest(tmp_path, {shard_path(3, "train", False, 1): 4, "3/test/a.tar": 2})
    assert json.loads(path.read_text()) == {
        "shards": [
            {"path": "3/test/a.tar", "samples": 2},
            {"path": "3/train_neg/sample-train_neg-000001.tar", "samples": 4},
        ]
    }


def test_names_of_long_series_fit_into_the_tar(tmp_path):
    row = make_row(np.random.default_rng(0), 0, 12, 8)
    dates = "-".join(f"{date:%Y%m%d}" for date in row["secondary_dates"])
    row["sample_id"] = f"{row['frame_id']}/{row['primary_date']:%Y%m%d}/{dates}"
    path = tmp_path / shard_path(12, "test", True, 0)
    write_tar(path, [row])
    (sample,) = webdataset.WebDataset(str(path), shardshuffle=False)
    assert sample["__key__"] == row["sample_id"].replace("/", "_")
    (read,) = read_shard(str(path))
    assert read["sample_id"] == row["sample_id"]
