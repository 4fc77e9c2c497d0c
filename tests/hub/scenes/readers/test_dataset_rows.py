"""Rows of the dataset, in memory and by their place."""

import datetime

import numpy as np
import pytest

from dataset_script.channels import ATMOSPHERIC_CHANNELS
from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from tests.rows import make_dataset_folder, make_row


def test_a_row_in_any_format_and_from_its_dataset(tmp_path):
    row = make_row(np.random.default_rng(1), 1, 3, 32)
    scene = load_scene(row)
    assert set(scene.atmosphere) == set(ATMOSPHERIC_CHANNELS)
    assert scene.name == row["sample_id"].replace("/", "_")
    assert (scene.reference == row["deformation_mask"].any(axis=0)).all()
    lists = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in row.items()
    }
    assert load_scene(lists).fingerprint() == scene.fingerprint()
    assert scene.crs == "EPSG:4326" and scene.transform.a == pytest.approx(0.001)
    with pytest.raises(SceneError, match="no insar_difference"):
        load_scene({"dem": row["dem"]})
    with pytest.raises(SceneError, match=r"must be \[H, W\]"):
        load_scene({"insar_difference": np.ones(5, "float32")})


def test_a_row_by_its_place(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(2, 2, 5), nodes=5)
    from datasets import load_dataset

    row = load_dataset(str(folder), "ts3", split="test").with_format("numpy")[4]
    scene = load_scene(f"{folder}::ts3/test/4")
    assert np.array_equal(scene.insar_difference, row["insar_difference"])
    assert np.array_equal(scene.insar_coherence, row["insar_coherence"])
    assert scene.primary_date == datetime.date(2020, 5, 5)
    for bad, said in [
        ("ts3/test/5", "no row 5"),
        ("ts3/nowhere/0", "no split"),
        ("ts9/test/0", "ts9"),
        ("ts3", "CONFIG/SPLIT/INDEX"),
    ]:
        with pytest.raises(SceneError, match=said):
            load_scene(f"{folder}::{bad}")


def test_rows_are_read_from_parquet_alone(tmp_path):
    folder = make_dataset_folder(tmp_path, steps=1, size=8, counts=(2, 2, 2))
    card = folder / "README.md"
    card.write_text(card.read_text().replace(".parquet", ".arrow"))
    for path in folder.rglob("*.parquet"):
        path.rename(path.with_suffix(".arrow"))
    with pytest.raises(SceneError, match=r"not stored as Parquet.*--format parquet"):
        load_scene(f"{folder}::ts1/test/0")
