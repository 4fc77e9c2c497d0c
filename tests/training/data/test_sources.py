import json
import time

import numpy as np
import pytest
import torch
from datasets import Dataset

from dataset_script.channels import BY_NAME, CHANNEL_NAMES, select
from dataset_script.errors import ConfigError, DataError
from dataset_script.rows.features import row_features
from tests.rows import make_dataset, make_dataset_folder, make_row
from tests.training.experiments import samples_of, small
from training.data.loader import Loader
from training.data.rows import Rows
from training.data.samples import Samples
from training.data.sampling import share_out
from training.data.sources import open_data, pixel_size_of
from training.data.tasks import Task
from training.inputs.preprocessing import Preprocessor

CPU = torch.device("cpu")


def batches(samples, order, size=4, workers=0, epoch=0):
    loader = Loader(samples, CPU, workers, confidence=True)
    return list(loader.batches(share_out(np.asarray(order), size), epoch))


def test_rows_are_viewed_in_their_own_types():
    dataset = make_dataset(4)
    rows = Rows(dataset, ["insar_difference", "insar_coherence", "dem"])
    read = rows.read(2)
    expected = dataset.with_format("numpy")[2]
    assert {name: array.dtype.name for name, array in read.items()} == {
        "insar_difference": "float32",
        "insar_coherence": "uint8",
        "dem": "float32",
    }
    for name, array in read.items():
        assert not array.flags.owndata
        np.testing.assert_array_equal(array, expected[name])


def test_batches_are_the_same_whatever_reads_them(dataset):
    samples = samples_of(dataset)
    order = np.random.default_rng(0).permutation(len(samples))
    plain, threaded = batches(samples, order), batches(samples, order, workers=3)
    assert len(plain) == len(threaded) > 2
    for one, other in zip(plain, threaded, strict=True):
        assert one.rasters.keys() == other.rasters.keys()
        assert all(torch.equal(one.rasters[k], other.rasters[k]) for k in one.rasters)
        assert torch.equal(one.target, other.target)
        assert one.rasters["insar_coherence"].dtype == torch.uint8
    assert plain[0].weight.tolist() == pytest.approx([0.8] * len(plain[0].weight))


@pytest.mark.parametrize("workers", [0, 3])
def test_written_over_or_not_batches_are_the_same(dataset, workers):
    samples = samples_of(dataset)
    order = np.random.default_rng(0).permutation(len(samples))
    loader = Loader(samples, CPU, workers, confidence=True, overwrite=True)
    places = set()
    for _ in range(2):
        stream = loader.batches(share_out(order, 3))
        for one, other in zip(batches(samples, order, 3), stream, strict=True):
            time.sleep(0.01 * (workers > 0))  # the readers may run ahead, but not over this batch
            places.add(other.rasters["dem"].data_ptr())
            assert all(torch.equal(one.rasters[k], other.rasters[k]) for k in one.rasters)
            assert torch.equal(one.target, other.target) and torch.equal(one.weight, other.weight)
    assert len(places) == (3 if workers else 1)


def test_a_reader_that_is_left_early_stops(dataset):
    samples = samples_of(dataset)
    stream = Loader(samples, CPU, 2).batches(share_out(np.arange(len(samples)), 2))
    next(stream)
    stream.close()


def test_an_error_while_reading_reaches_the_caller(dataset, monkeypatch):
    samples = samples_of(dataset)
    monkeypatch.setattr(samples.rows, "read", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        batches(samples, range(4), workers=2)


def test_preprocessor_orders_repeats_and_normalises():
    names = ["dem", "insar_difference", "secondary_date_surface_pressure", "insar_coherence"]
    rows = Rows(make_dataset(3), names)
    rasters = {n: torch.from_numpy(np.stack([rows.read(i)[n] for i in range(3)])) for n in names}
    rasters["dem"][0, 0, 0] = float("nan")
    images = Preprocessor(names, 3)(rasters)
    assert images.shape == (3, 3, 4, 32, 32) and images.dtype == torch.float32
    for place, channel in enumerate(select(names)):
        raw = rasters[channel.name].float()
        raw = raw if raw.ndim == 4 else raw[:, None].expand(-1, 3, -1, -1)
        expected = torch.nan_to_num((raw - channel.mean) / channel.std)
        torch.testing.assert_close(images[:, :, place], expected)


def test_preprocessor_names_what_is_missing():
    with pytest.raises(DataError, match="lacks dem"):
        Preprocessor(["dem", "insar_coherence"], 1)({"insar_coherence": torch.ones(1, 1, 8, 8)})
    with pytest.raises(DataError, match="2 steps where the model takes 3"):
        Preprocessor(["insar_coherence"], 3)({"insar_coherence": torch.ones(1, 2, 8, 8)})


def test_a_dataset_on_nodes_fills_the_image(tmp_path):
    folder = make_dataset_folder(tmp_path, size=32, nodes=9, counts=(4, 2, 2))
    samples = samples_of(folder, **{"data.channels": list(CHANNEL_NAMES)})
    (batch,) = batches(samples, [0, 1])
    assert batch.rasters["primary_date_surface_pressure"].shape == (2, 9, 9)
    images = Preprocessor(CHANNEL_NAMES, 3, 32).assemble(batch.rasters)
    corner = batch.rasters["primary_date_surface_pressure"][0, -1, -1]
    assert images.shape == (2, 3, 9, 32, 32)
    assert images[0, 0, CHANNEL_NAMES.index("primary_date_surface_pressure"), -1, -1] == corner


def test_opening_says_what_is_wrong(dataset, tmp_path):
    with pytest.raises(DataError, match=r"ts7"):
        open_data(small(dataset, "x", **{"data.config": "ts7"}))
    with pytest.raises(DataError, match="does not exist"):
        open_data(small(tmp_path / "absent", "x"))
    with pytest.raises(DataError, match=r"no column .*surface_pressure"):
        open_data(small(dataset, "x", **{"data.channels": ["surface_pressure"]}))
    with pytest.raises(DataError, match="series of 3 steps"):
        open_data(small(dataset, "x", **{"data.timeseries_length": 2}))


def test_a_damaged_file_is_named(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(4, 2, 2), channels=["dem"])
    file = next(folder.rglob("train*.parquet"))
    content = bytearray(file.read_bytes())
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read .*ts3: .*a file of it is damaged"):
        open_data(small(folder, "x", **{"data.channels": ["dem"]}))


def test_a_card_that_counts_other_rows_than_the_shards_have(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(4, 2, 2), channels=["dem"])
    card = folder / "README.md"
    counts = [
        {"name": split, "num_bytes": 1, "num_examples": 5}
        for split in ("train", "validation", "test")
    ]
    info = json.dumps([{"config_name": "ts3", "splits": counts}])
    card.write_text(card.read_text().replace("configs:", f"dataset_info: {info}\nconfigs:", 1))
    with pytest.raises(DataError, match="ts3: its README counts other rows than its shards have"):
        open_data(small(folder, "x", **{"data.channels": ["dem"]}))


def test_damaged_metadata_is_named(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(4, 2, 2), channels=["dem"])
    (folder / "metadata.json").write_text("")
    with pytest.raises(DataError, match=r"metadata\.json: malformed JSON"):
        open_data(small(folder, "x", **{"data.channels": ["dem"]}))


def test_a_file_is_no_dataset(tmp_path):
    (tmp_path / "rows.py").write_text("")
    with pytest.raises(DataError, match=r"cannot load .*rows\.py"):
        open_data(small(tmp_path / "rows.py", "x"))


def test_facts_of_the_dataset(dataset):
    data = open_data(small(dataset, "x"))
    assert (data.name, data.scheme, data.image_size) == ("made-up rows", "paper", 32)
    assert data.pixel_size == 0.001
    assert [len(data.splits[s]) for s in ("train", "validation", "test")] == [22, 10, 10]
    assert data.splits["train"].positive.tolist() == [bool(i % 2) for i in range(22)]


# Groups

GROUP = Task("binary", "classification", "union", 3)


def group_samples(lengths, fresh):
    parts = [make_dataset(1, steps, seed=i, channels=["dem"]) for i, steps in enumerate(lengths)]
    rows = Rows(parts[0], ["dem"])
    rows.metadata = [Rows(part, ["dem"]).metadata[0] for part in parts]
    return Samples(rows, GROUP, seed=0, fresh=fresh)


def test_training_draws_steps_afresh_each_epoch():
    samples = group_samples([7, 2, 3], fresh=True)
    assert len(samples) == 3
    draws = {tuple(samples.steps(0, epoch)) for epoch in range(30)}
    assert len(draws) > 10
    assert tuple(samples.steps(0, 4)) == tuple(samples.steps(0, 4))
    assert {tuple(samples.steps(1, epoch)) for epoch in range(30)} == {(0, 0, 1), (0, 1, 1)}
    assert tuple(samples.steps(2, 5)) == (0, 1, 2)


def test_validation_cuts_groups_into_disjoint_runs():
    samples = group_samples([7, 2, 3], fresh=False)
    cuts = [tuple(samples.steps(i)) for i in range(len(samples))]
    assert cuts[:2] == [(0, 1, 2), (3, 4, 5)]
    assert len(cuts) == 4
    assert [tuple(samples.steps(i, 9)) for i in range(4)] == cuts


# Targets


def test_channel_statistics_come_from_the_table():
    preprocess = Preprocessor(["dem"], 1)
    assert preprocess.mean.item() == pytest.approx(BY_NAME["dem"].mean)
    assert not list(preprocess.state_dict())  # nothing of it belongs among a model's weights


def test_pixel_size_is_that_of_most_rows():
    rows = [make_row(np.random.default_rng(0), number, 1, 8) for number in range(5)]
    rows[0]["pixel_size"] = [0.0003, 0.0003]
    dataset = Dataset.from_list(rows, features=row_features(1, 8, CHANNEL_NAMES, None))
    assert pixel_size_of(dataset) == 0.001
    assert pixel_size_of(dataset.select([0])) == pytest.approx(0.0003)
    assert pixel_size_of(dataset.select([])) == 0.001


def test_one_pair_of_a_series_may_be_shown_for_all_with_its_own_labels():
    rows = Rows(make_dataset(40), ["insar_difference", "dem", "deformation_mask"])
    task = Task("binary", "segmentation", "union", 3)
    plain = Samples(rows, task, 0, fresh=True)
    samples = Samples(rows, task, 0, fresh=True, repeat=0.5)
    steps = [samples.steps(number, epoch) for number in range(40) for epoch in range(4)]
    repeated = [np.ptp(each) == 0 for each in steps]
    assert np.mean(repeated) == pytest.approx(0.5, abs=0.1)
    assert {int(each[0]) for each, one in zip(steps, repeated, strict=True) if one} == {0, 1, 2}
    number = next(i for i in range(40) if np.ptp(samples.steps(i)) == 0 and plain.positive[i])
    (batch,), (whole,) = batches(samples, [number]), batches(plain, [number])
    step = int(samples.steps(number)[0])
    for place in range(3):
        for name in ("insar_difference", "dem"):
            shown, stored = batch.rasters[name][0], whole.rasters[name][0]
            if stored.ndim == 3:
                shown, stored = shown[place], stored[step]
            assert torch.equal(shown, stored)
    mask = torch.as_tensor(rows.read(number)["deformation_mask"][step] > 0)
    assert torch.equal(batch.target[0] > 0, mask)
    assert samples.labels(number) == rows.metadata[number].steps.select([step] * 3)


def test_single_pairs_have_no_series_to_repeat(tmp_path):
    folder = make_dataset_folder(tmp_path, steps=1, counts=(4, 2, 2))
    asked = {"data.config": "ts1", "augmentation.repeated_date": 0.5}
    with pytest.raises(ConfigError, match="single pairs have no series"):
        open_data(small(folder, "x", **asked))
