"""Training data straight from shards in the authors' layout."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dataset_script.errors import DataError
from dataset_script.webdataset import sample_files as webdataset_shards
from dataset_script.webdataset.shards import shard_path
from tests.rows import make_row, write_tar
from training.config.schema import Config
from training.data.sources import open_data

FOLDERS = {"train": (True, False), "validation": (True,), "test": (True,)}


@pytest.fixture
def config(tmp_path):
    rng = np.random.default_rng(0)
    for split, kinds in FOLDERS.items():
        for positive in kinds:
            rows = [make_row(rng, i, 3, 32, positive=positive) for i in range(3)]
            write_tar(tmp_path / shard_path(3, split, positive, 0), rows)
    plain = Config(name="shards", objective="classification", task="binary")
    data = dataclasses.replace(plain.data, source="webdataset", path=str(tmp_path))
    return dataclasses.replace(plain, data=data)


def test_shards_open_as_an_export_does(config):
    opened = open_data(config)
    assert {split: len(samples) for split, samples in opened.splits.items()} == {
        "train": 6,
        "validation": 3,
        "test": 3,
    }
    assert opened.splits["train"].positive.tolist() == [True] * 3 + [False] * 3
    assert opened.image_size == 32 and opened.pixel_size == pytest.approx(0.001)
    assert opened.task.timeseries_length == 3


def test_shards_of_another_length_are_an_error(config):
    config.data.config = "ts1"
    with pytest.raises(DataError, match="no time series of length 1; there are 3"):
        open_data(config)


def test_authors_shards_without_a_pixel_size_take_the_archives(config, monkeypatch):
    monkeypatch.setattr(webdataset_shards, "GEOREFERENCE", ())
    config.data.path = str(config.data.path) + "/plain"
    rng = np.random.default_rng(0)
    for split in FOLDERS:
        rows = [make_row(rng, i, 3, 32) for i in range(2)]
        write_tar(Path(config.data.path) / shard_path(3, split, True, 0), rows)
    assert open_data(config).pixel_size == 0.001
