import datasets
import numpy as np
import pytest
from datasets import load_dataset
from torch.utils.data import DataLoader

from dataset_script.errors import ConfigError, DataError
from dataset_script.export import export
from dataset_script.hephaestus_minicubes import HephaestusMinicubes
from tests.cubes import FRAME, make_cube, write_cube
from tests.dataset_script.exporting import SIZE, make_cubes


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"))


def builder(cubes, tmp_path, name="ts3", **options):
    options = {"image_size": SIZE, **options}
    return HephaestusMinicubes(
        config_name=name, data_dir=str(cubes), cache_dir=str(tmp_path / "cache"), **options
    )


def test_prepared_streamed_and_exported_rows_are_the_same(cubes, tmp_path):
    made = builder(cubes, tmp_path)
    assert isinstance(made, datasets.GeneratorBasedBuilder)
    made.download_and_prepare()
    prepared = made.as_dataset()
    streamed = made.as_streaming_dataset()
    folder = export(cubes, tmp_path, ["ts3"], image_size=SIZE, preview=False, progress=False)
    exported = load_dataset(str(folder), "ts3", cache_dir=str(tmp_path / "plain"))
    assert set(prepared) == set(streamed) == set(exported) == {"train", "validation", "test"}
    for split, rows in exported.items():
        assert prepared[split].features == rows.features
        assert prepared[split].to_dict() == rows.to_dict()
        assert list(streamed[split]) == list(rows)


@pytest.mark.parametrize(("name", "length"), [("ts1", 1), ("ts4", 4), ("groups", 4)])
def test_any_length(cubes, tmp_path, name, length):
    rows = builder(cubes, tmp_path, name).as_streaming_dataset(split="test")
    row = next(iter(rows.with_format("numpy")))
    assert row["insar_difference"].shape == (length, SIZE, SIZE)
    assert len(row["captions"]) == length


def test_parameters(cubes, tmp_path):
    made = builder(
        cubes,
        tmp_path,
        "ts1",
        channels=["insar_difference", "surface_pressure"],
        atmosphere=6,
        crop="center",
        split="strict",
        seed=4,
    )
    rows = made.as_streaming_dataset(split="train").with_format("numpy")
    row = next(iter(rows))
    assert row["secondary_date_surface_pressure"].shape == (1, 6, 6)
    assert row["window"].tolist() == [(40 - SIZE) // 2, (56 - SIZE) // 2, SIZE, SIZE]
    assert "dem" not in row


def test_length_alone_names_the_config(cubes, tmp_path):
    made = HephaestusMinicubes(
        data_dir=str(cubes), cache_dir=str(tmp_path), timeseries_length=2, image_size=SIZE
    )
    assert made.config.name == "ts2"


def test_two_workers_of_a_loader_cover_every_sample_once(cubes, tmp_path):
    made = builder(cubes, tmp_path, "ts1")
    stream = made.as_streaming_dataset(split="train").select_columns(["sample_id"])
    assert stream.num_shards == 2  # one a group
    loader = DataLoader(stream, batch_size=None, num_workers=2)
    names = [row["sample_id"] for row in loader]
    assert len(names) == len(set(names)) == 8


def test_a_changed_cube_is_read_anew(tmp_path):
    cubes = make_cubes(tmp_path / "mine", frames=(FRAME,), form="zip")
    before = builder(cubes, tmp_path, "ts1", channels=["dem"])
    before.download_and_prepare()
    again = builder(cubes, tmp_path, "ts1", channels=["dem"])
    assert again.cache_dir == before.cache_dir
    changed = make_cube()
    changed["dem"].values[:] = 5
    (cubes / f"{FRAME}.zarr.zip").unlink()
    write_cube(changed, cubes, "zip")
    after = builder(cubes, tmp_path, "ts1", channels=["dem"])
    assert after.cache_dir != before.cache_dir
    after.download_and_prepare()
    assert np.unique(after.as_dataset("test").with_format("numpy")["dem"]) == [5]
    other_seed = builder(cubes, tmp_path, "ts1", channels=["dem"], seed=1)
    assert other_seed.cache_dir != after.cache_dir


def test_refusals(cubes, tmp_path):
    with pytest.raises(ConfigError, match="data_dir is missing"):
        HephaestusMinicubes(config_name="ts3")
    with pytest.raises(ConfigError, match="'ts3' contradicts the length 5"):
        builder(cubes, tmp_path, timeseries_length=5)
    with pytest.raises(ConfigError, match="unknown config"):
        builder(cubes, tmp_path, "ts0")
    with pytest.raises(ConfigError, match="unknown channel"):
        builder(cubes, tmp_path, channels=["slope"])
    with pytest.raises(ConfigError, match="longest group"):
        builder(cubes, tmp_path, "ts7").download_and_prepare()
    with pytest.raises(DataError, match="no such folder"):
        builder(tmp_path / "nowhere", tmp_path)
