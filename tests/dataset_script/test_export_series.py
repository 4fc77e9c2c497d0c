"""Exports of series of several lengths."""

import json

import pytest
from datasets import load_dataset

from dataset_script.export import export
from tests.cubes import FRAME, make_cube, make_records, write_cube
from tests.dataset_script.exporting import SECOND, SIZE


@pytest.fixture(scope="module")
def long_series(tmp_path_factory):
    """An export of groups of four and of six secondary dates."""
    root = tmp_path_factory.mktemp("long")
    records = {}
    for (number, frame), secondaries in zip(enumerate((FRAME, SECOND)), (4, 6), strict=True):
        mine = make_records(frame, 1 + 100 * number, secondaries=secondaries)
        write_cube(make_cube(mine, frame, number), root / "cubes")
        records |= mine
    (root / "cubes" / "annotations.json").write_text(json.dumps(records))
    export(
        root / "cubes",
        root,
        ("ts1", "ts3", "ts5", "groups"),
        image_size=SIZE,
        channels=["insar_difference"],
        preview=False,
        progress=False,
    )
    return root


@pytest.mark.parametrize("config", ["ts1", "ts3", "ts5", "groups"])
def test_two_loader_workers_cover_every_row_once(long_series, config, tmp_path):
    from torch.utils.data import DataLoader

    folder = str(long_series / "hephaestus-minicubes")
    for split in ("train", "validation", "test"):
        whole = load_dataset(folder, config, split=split, cache_dir=str(tmp_path))
        steps = {"ts1": 1, "ts3": 3, "ts5": 5}.get(config)
        shape = whole.with_format("numpy")[0]["insar_difference"].shape
        assert shape[1:] == (SIZE, SIZE) and steps in (None, shape[0])
        stream = load_dataset(folder, config, split=split, streaming=True)
        stream = stream.select_columns(["sample_id"])
        assert stream.num_shards > 1
        loader = DataLoader(stream, batch_size=None, num_workers=2)
        assert sorted(row["sample_id"] for row in loader) == sorted(whole["sample_id"])
        assert len(set(whole["sample_id"])) == len(whole)
