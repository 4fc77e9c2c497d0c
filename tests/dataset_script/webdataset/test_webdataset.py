"""The authors' WebDataset: shards as they make them, and ours, each read by both sides."""

import io
import json
import tarfile
from contextlib import closing

import fsspec
import numpy as np
import pytest
import torch
import webdataset

from dataset_script.annotations.record import from_record, to_record
from dataset_script.annotations.series import derive_groups, make_samples
from dataset_script.channels import CHANNEL_NAMES, CHANNELS, MASKS
from dataset_script.errors import ConfigError, DataError
from dataset_script.rows.encoding import describe
from dataset_script.webdataset.sample_files import ABSENT, ShardWriter
from dataset_script.webdataset.shards import (
    find_shards,
    read_rows,
    read_shard,
    shard_path,
    to_dataset,
    write_manifest,
    write_shard,
)
from tests.cubes import make_cube, make_records
from tests.rows import make_row

SIZE = 32


@pytest.fixture(scope="module")
def source():
    """Cube, annotations, and samples of three steps by split."""
    records = make_records()
    annotations = {int(n): from_record(r) for n, r in records.items()}
    return make_cube(records), make_samples(derive_groups(annotations), 3, "train")


def theirs(cube, sample):
    """A sample's tensors as the authors make them, by xarray and torch alone."""
    planes, masks = [], []
    for annotation in sample.annotations:
        dates = {"primary_date": str(annotation.primary_date)}
        dates["secondary_date"] = str(annotation.secondary_date)
        pair = cube.sel(dates).isel(latitude=slice(0, SIZE), longitude=slice(0, SIZE))
        planes += [pair[name].values for name in CHANNEL_NAMES]
        masks.append(pair.deformation_mask.values)
    facts = {
        "frame_id": sample.frame_id,
        "annotation": [to_record(annotation) for annotation in sample.annotations],
        "label": [list(annotation.labels) for annotation in sample.annotations],
        "annotation_path": [f"{annotation.unique_id}.json" for annotation in sample.annotations],
    }
    image = torch.from_numpy(np.stack(planes).astype("float32"))
    return image, torch.from_numpy(np.stack(masks).astype("int64")), facts


def write_theirs(path, samples):
    """A shard as the authors' scripts write it: WebDataset's own writer over torch.save."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path)) as writer:
        for number, (image, labels, facts) in enumerate(samples):
            members = {"__key__": f"sample{number:06d}"}
            for name, value in (("image", image), ("labels", labels), ("sample", facts)):
                buffer = io.BytesIO()
                torch.save(value, buffer)
                members[f"{name}.pth"] = buffer.getvalue()
            writer.write(members)


@pytest.fixture(scope="module")
def released(source, tmp_path_factory):
    """A WebDataset in the authors' layout."""
    cube, samples = source
    root = tmp_path_factory.mktemp("released")
    tensors = [theirs(cube, sample) for sample in samples]
    for split, chosen in (("train", tensors[:1]), ("validation", tensors[1:2]), ("test", tensors)):
        write_theirs(root / shard_path(3, split, True, 0), chosen)
    write_theirs(root / shard_path(3, "train", False, 0), tensors[1:2])
    write_theirs(root / shard_path(3, "train", False, 1), tensors[1:2])
    return root


@pytest.fixture(scope="module")
def rows(source):
    """Rows as our own export has them, of another window of the same cube."""
    cube, samples = source
    made = []
    for sample in samples:
        window = cube.isel(latitude=slice(2, 2 + SIZE), longitude=slice(4, 4 + SIZE))
        steps = [
            window.sel(primary_date=str(a.primary_date), secondary_date=str(a.secondary_date))
            for a in sample.annotations
        ]
        row = describe(sample, ["Cerro Azul"])
        for channel in CHANNELS:
            series = np.stack([step[channel.name].values for step in steps]).astype(channel.dtype)
            row[channel.name] = series if channel.per_step else series[0]
        for mask in MASKS:
            row[mask] = np.stack([step[mask].values for step in steps]).astype("uint8")
        row |= {"bounds": [-92.0, -0.4, -91.9, -0.3], "crs": "EPSG:4326"}
        row |= {"pixel_size": [0.001, 0.001], "window": [2, 4, SIZE, SIZE]}
        made.append(row)
    return made


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
        expected = describe(sample)
        assert {name: row[name] for name in expected} == expected
        assert row["window"] == [-1, -1, SIZE, SIZE] and row["crs"] == ""
        assert np.isnan(row["bounds"] + row["pixel_size"]).all()


def test_our_shards_are_read_by_a_plain_webdataset_pipeline_as_theirs_are(rows, tmp_path, released):
    path = tmp_path / shard_path(3, "test", True, 0)
    assert write_shard(path, rows) == len(rows)
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
        np.testing.assert_array_equal(image[9].numpy(), row["insar_difference"][1])
        np.testing.assert_array_equal(image[11].numpy(), row["dem"])
        np.testing.assert_array_equal(labels.numpy(), row["deformation_mask"])
    with tarfile.open(path) as archive:
        assert len({name.partition(".")[0] for name in archive.getnames()}) == len(rows)


def test_our_shards_survive_the_round_trip_byte_for_byte(rows, tmp_path):
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    write_shard(first, rows)
    write_shard(second, read_shard(str(first)))
    assert first.read_bytes() == second.read_bytes()
    for found, wanted in zip(read_shard(str(first)), rows, strict=True):
        assert_equal_rows(found, wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar"]


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
    write_shard(path, rows[:1])
    assert len(to_dataset(tmp_path / "web", "test", 3, tmp_path / "cache")) == 1
    write_shard(path, rows)
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


def test_what_is_no_webdataset_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there are none: is it a WebDataset"):
        find_shards(tmp_path, "train")
    with pytest.raises(DataError, match="no such file or folder; check the path"):
        find_shards(tmp_path / "nowhere", "train")
    with pytest.raises(DataError, match="hf://datasets/some/where: cannot be reached"):
        find_shards("hf://datasets/some/where", "train")
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="no shards of the validation split"):
        next(read_rows(tmp_path, "validation"))
    with pytest.raises(DataError, match="no shards of any split"):
        to_dataset(tmp_path)


def test_a_folder_named_for_another_length_is_an_error(source, tmp_path):
    cube, samples = source
    write_theirs(tmp_path / "1/test/sample-test-000000.tar", [theirs(cube, samples[0])])
    with pytest.raises(DataError, match="has 3 steps, the folder is named 1"):
        list(read_rows(tmp_path, "test"))


class Evil:
    ran = False

    def __reduce__(self):
        return exec, ("import tests.dataset_script.test_webdataset as t; t.Evil.ran = True",)


def change(tensors, **changes):
    image, labels, facts = tensors
    return changes.get("image", image), changes.get("labels", labels), changes.get("facts", facts)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda i, y, f: {"facts": f | {"extra": Evil()}}, "sample.pth: it asks for .*exec"),
        (lambda i, y, f: {"image": i[:26]}, "26 planes, not a multiple of 9"),
        (lambda i, y, f: {"labels": y[:2]}, r"labels.pth is \(2, 32, 32\)"),
        (lambda i, y, f: {"image": i[0]}, "no tensor of three dimensions"),
        (lambda i, y, f: {"image": i.long()}, "no tensor of three dimensions"),
        (lambda i, y, f: {"facts": f | {"annotation": f["annotation"][:2]}}, "3 annotations"),
        (lambda i, y, f: {"facts": [f]}, "3 annotations"),
        (lambda i, y, f: {"image": i[[1, 0, *range(2, 27)]]}, "insar_difference reaches"),
        (lambda i, y, f: {"image": i[[*range(18), *range(20, 27), 18, 19]]}, "reaches|not whole"),
        (lambda i, y, f: {"image": i * 1.0001}, "insar_coherence"),
        (lambda i, y, f: {"labels": y + 3}, "deformation_mask runs 3"),
    ],
)
def test_what_is_not_as_it_should_be_names_shard_and_sample(source, tmp_path, spoil, complaint):
    cube, samples = source
    tensors = theirs(cube, samples[0])
    path = tmp_path / "sample-test-000000.tar"
    write_theirs(path, [change(tensors, **spoil(*tensors))])
    with pytest.raises(DataError, match=complaint) as error:
        list(read_shard(str(path)))
    assert f"{path}/sample000000" in str(error.value)
    assert not Evil.ran


def test_a_static_channel_that_changes_between_steps_is_an_error(source, tmp_path):
    cube, samples = source
    image, labels, facts = theirs(cube, samples[0])
    image[11] += 1
    path = tmp_path / "shard.tar"
    write_theirs(path, [(image, labels, facts)])
    with pytest.raises(DataError, match="dem changes between steps; wrong order"):
        list(read_shard(str(path)))


def test_shards_of_unequal_shape_are_an_error(source, tmp_path):
    cube, samples = source
    image, labels, facts = theirs(cube, samples[0])
    smaller = image[:, :16, :16], labels[:, :16, :16], facts
    write_theirs(tmp_path / "3/test/sample-test-000000.tar", [(image, labels, facts)])
    write_theirs(tmp_path / "3/test/sample-test-000001.tar", [smaller])
    with pytest.raises(DataError, match=r"\(3, 16, 16\), others \(3, 32, 32\)"):
        list(read_rows(tmp_path, "test"))


def test_damaged_and_unsafe_shards_are_errors(released, tmp_path):
    whole = (released / shard_path(3, "test", True, 0)).read_bytes()
    path = tmp_path / "cut.tar"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="truncated or damaged shard"):
        list(read_shard(str(path)))
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("../image.pth"))
    with pytest.raises(DataError, match="unsafe member name"):
        list(read_shard(str(path)))
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a.image.pth"))
    with pytest.raises(DataError, match=r"has no labels.pth|zip format"):
        list(read_shard(str(path)))


def test_an_error_inside_a_shard_reaches_the_user_of_a_dataset(source, tmp_path):
    cube, samples = source
    good = theirs(cube, samples[0])
    path = tmp_path / "3/test/sample-test-000000.tar"
    write_theirs(path, [good, change(good, labels=good[1] + 3)])
    with pytest.raises(DataError, match="deformation_mask runs 3"):
        to_dataset(tmp_path, "test", cache_dir=tmp_path / "cache")


def test_rows_that_the_layout_cannot_hold_are_errors(rows, tmp_path):
    nodes = rows[0] | {"primary_date_surface_pressure": np.zeros((5, 5), "float32")}
    lacking = {name: value for name, value in rows[0].items() if name != "dem"}
    for row, complaint in ((nodes, "not on a node grid"), (lacking, "lacks dem")):
        path = tmp_path / "shard.tar"
        with pytest.raises(ConfigError, match=complaint):
            write_shard(path, [row])
        assert list(tmp_path.iterdir()) == []


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
    write_shard(path, [row])
    (sample,) = webdataset.WebDataset(str(path), shardshuffle=False)
    assert sample["__key__"] == row["sample_id"].replace("/", "_")
    (read,) = read_shard(str(path))
    assert read["sample_id"] == row["sample_id"]
