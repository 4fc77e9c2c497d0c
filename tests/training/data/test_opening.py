"""What is told of data when it is opened: which samples deform, and what is no dataset."""

from types import SimpleNamespace

import pytest

from dataset_script.errors import DataError
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


def test_minicubes_are_told_from_a_dataset_at_once(tmp_path):
    (tmp_path / "frame.zarr").mkdir()
    with pytest.raises(DataError, match="holds minicubes, which are no dataset yet: export them"):
        open_data(load_config(None, {"data.path": str(tmp_path)}))
