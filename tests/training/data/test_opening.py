"""What is told of data when it is opened: which samples deform, and what is no dataset."""

from types import SimpleNamespace

import pytest

from dataset_script.errors import DataError
from tests.rows import make_dataset_folder
from tests.training.experiments import small
from training.config.options import load_config
from training.data.samples import Samples
from training.data.sources import open_data
from training.data.tasks import StepLabels, Task


@pytest.mark.parametrize("target", ["union", "last"])
def test_a_sample_that_is_asked_about_its_last_step_counts_by_it(target):
    deforms, none = [1], [0]
    steps = [(deforms, deforms, none), (none, none, deforms), (none, none, none)]
    rows = SimpleNamespace(
        metadata=[
            SimpleNamespace(
                confidence=[1.0] * 3, steps=StepLabels(list(labels), [[0]] * 3, [0] * 3, [0] * 3)
            )
            for labels in steps
        ]
    )
    samples = Samples(rows, Task("binary", "classification", target, 3), seed=0, fresh=False)
    assert samples.positive.tolist() == [target == "union", True, False]
    asked = [int(samples.task.image_target(samples.labels(i))[0]) for i in range(3)]
    assert samples.positive.tolist() == [bool(code) for code in asked]


def test_an_export_without_the_phase_says_so_and_what_to_do(tmp_path):
    folder = make_dataset_folder(tmp_path, steps=1, counts=(2, 1, 1), channels=["dem"])
    with pytest.raises(DataError) as told:
        open_data(small(folder, "x", **{"data.config": "ts1", "data.channels": ["dem"]}))
    assert "exported without the phase insar_difference" in str(told.value)
    assert "export it again with insar_difference among --channels" in str(told.value)
    # One that has it serves a model that goes without.
    whole = make_dataset_folder(tmp_path / "whole", steps=1, counts=(2, 1, 1))
    data = open_data(small(whole, "x", **{"data.config": "ts1", "data.channels": ["dem"]}))
    assert data.channels == ("dem",)


def test_minicubes_are_told_from_a_dataset_at_once(tmp_path):
    (tmp_path / "frame.zarr").mkdir()
    with pytest.raises(DataError, match="holds minicubes, which are no dataset yet: export them"):
        open_data(load_config(None, {"data.path": str(tmp_path)}))
