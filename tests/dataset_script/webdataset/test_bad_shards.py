"""Shards that are damaged, unsafe, or hold what the layout has no place for."""

import tarfile

import numpy as np
import pytest

from dataset_script.errors import ConfigError, DataError
from dataset_script.webdataset.shards import (
    find_shards,
    read_rows,
    read_shard,
    shard_path,
    to_dataset,
)
from tests.dataset_script.webdataset.theirs import theirs, write_theirs
from tests.rows import write_tar


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
        (
            lambda i, y, f: {"image": i[:, :30].clone(), "labels": y[:, :30].clone()},
            "30 x 32 pixels, which is no square",
        ),
        (lambda i, y, f: {"facts": f | {"bounds": "abc"}}, "bounds of sample.pth cannot be 'abc'"),
        (lambda i, y, f: {"facts": f | {"bounds": [1.0, 2.0]}}, "bounds of sample.pth"),
        (lambda i, y, f: {"facts": f | {"volcanoes": [1]}}, "volcanoes of sample.pth"),
        (lambda i, y, f: {"facts": f | {"crs": None}}, "crs of sample.pth"),
        (lambda i, y, f: {"facts": f | {"window": [0, 0, 2**40, 1]}}, "window of sample.pth"),
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
            write_tar(path, [row])
        assert list(tmp_path.iterdir()) == []
