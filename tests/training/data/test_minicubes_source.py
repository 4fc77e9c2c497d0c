"""Training data straight from minicubes, without an export."""

import pytest

from dataset_script.errors import DataError
from tests.cubes import FRAME, write_minicubes
from tests.training.experiments import history, small
from training.data.sources import open_data
from training.fit.experiment import train

DIRECT = {"data.source": "minicubes", "data.image_size": 32, "data.workers": 1}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cubes")
    write_minicubes(folder, frames=(FRAME, "000A_00000_000000"))
    return folder


def test_series_of_a_fixed_length(cubes):
    data = open_data(small(cubes, "x", **DIRECT))
    assert (data.task.timeseries_length, data.image_size, data.scheme) == (3, 32, "paper")
    assert all(len(samples) >= 2 for samples in data.splits.values())


def test_splits_of_the_users_own_dates(cubes):
    dates = {"data.split": "dates", "data.train_dates": [2020], "data.validation_dates": [2018]}
    data = open_data(small(cubes, "x", **DIRECT | dates), ("train", "validation"))
    years = {
        split: {samples.metadata(i).primary_date.year for i in range(len(samples))}
        for split, samples in data.splits.items()
    }
    assert years == {"train": {2020}, "validation": {2018}} and data.scheme == "dates"


def test_groups_give_fresh_steps_each_epoch_and_train(cubes, tmp_path):
    options = DIRECT | {"data.config": "groups", "data.timeseries_length": 2}
    config = small(cubes, tmp_path / "run", **options)
    samples = open_data(config).splits["train"]
    available = len(samples.metadata(0).confidence)
    assert available > 2
    assert len({tuple(samples.steps(0, epoch)) for epoch in range(40)}) > 1
    train(config)
    assert len(history(tmp_path / "run")) == 2


def test_crops_larger_than_a_frame_are_refused_in_our_own_words(cubes):
    with pytest.raises(DataError, match="40 x 56 pixels, fewer than the crop of 64 x 64"):
        open_data(small(cubes, "x", **DIRECT | {"data.image_size": 64}))


def test_no_cubes(tmp_path):
    with pytest.raises(DataError):
        open_data(small(tmp_path, "x", **DIRECT))
