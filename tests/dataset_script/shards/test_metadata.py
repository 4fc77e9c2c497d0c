"""`metadata.json` has a version, which every reader minds."""

import json

import pytest

from dataset_script.errors import DataError
from dataset_script.shards.finding import find_samples
from dataset_script.shards.metadata import read_metadata
from hub.repos.preparing import check_dataset
from tests.rows import make_dataset_folder
from tests.training.experiments import samples_of


@pytest.fixture
def folder(tmp_path):
    return make_dataset_folder(tmp_path, steps=1, size=8, counts=(2, 2, 2))


def change(folder, **values):
    path = folder / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_an_export_wrote_before_versions_is_read(folder):
    assert "format_version" not in read_metadata(folder)
    change(folder, format_version=1)
    assert list(read_metadata(folder)["configs"]) == ["ts1"]


@pytest.mark.parametrize(
    "reader",
    [
        read_metadata,
        check_dataset,
        lambda folder: next(find_samples(folder, "ts1")),
        lambda folder: samples_of(folder, **{"data.config": "ts1"}),
    ],
    ids=["read_metadata", "push-dataset", "show", "train"],
)
def test_a_later_version_is_refused_with_what_to_do(folder, reader):
    change(folder, format_version=2)
    with pytest.raises(DataError, match=r"metadata\.json is of format version 2.*update"):
        reader(folder)


@pytest.mark.parametrize("version", ["1", 0, 1.0, None, True])
def test_a_version_that_is_none_is_refused(folder, version):
    change(folder, format_version=version)
    with pytest.raises(DataError, match="not a whole number from 1 on"):
        read_metadata(folder)


def test_another_programs_file_of_this_name_is_left_alone(tmp_path):
    assert read_metadata(tmp_path) == {}
    (tmp_path / "metadata.json").write_text('["a list", 1]')
    assert read_metadata(tmp_path) == {}
    (tmp_path / "metadata.json").write_text('{"configs": [1], "format_version": 9}')
    assert read_metadata(tmp_path) == {}
