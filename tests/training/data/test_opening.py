"""What is told of data when it is opened: which samples deform, and what is no dataset."""

import pytest

from dataset_script.errors import DataError
from tests.rows import make_dataset_folder
from training.config.options import load_config
from training.data.sources import open_data


def test_a_sample_that_is_asked_about_its_last_step_counts_by_it(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(12, 8, 8), steps=3)
    counted = {}
    for target in ("union", "last"):
        values = {"data.path": str(folder), "data.mask_target": target, "data.workers": 0}
        opened = open_data(load_config(None, values), ("validation",))
        samples = opened.splits["validation"]
        counted[target] = samples.positive
        asked = [int(opened.task.image_target(samples.labels(i))[0]) for i in range(len(samples))]
        assert samples.positive.tolist() == [bool(code) for code in asked]
    assert (counted["last"] <= counted["union"]).all()


def test_minicubes_are_told_from_a_dataset_at_once(tmp_path):
    (tmp_path / "frame.zarr").mkdir()
    with pytest.raises(DataError, match="holds minicubes, which are no dataset yet: export them"):
        open_data(load_config(None, {"data.path": str(tmp_path)}))
