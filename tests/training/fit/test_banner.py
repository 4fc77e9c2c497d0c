"""What is said before the first step."""

import pytest

from tests.training.experiments import small
from tests.training.processes import run
from training.fit.experiment import train


def trained_out(config, **environment):
    """What a training prints, in a process with an environment as `accelerate launch` makes it."""
    return run(said, config, **environment)[0]


def said(config):
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        train(config)
    return out.getvalue()


def test_the_banner_says_what_runs_where(dataset, tmp_path):
    options = {"training.epochs": 3, "training.accumulation": 2, "name": "first/try"}
    text = trained_out(small(dataset, tmp_path / "run", **options))
    lines = dict(line.split(maxsplit=1) for line in text.splitlines() if "  " in line)
    assert lines["run"] == f"first/try, in {tmp_path / 'run'}"
    assert lines["train"] == "22 samples: 11 Deformation, 11 Non_Deformation"
    assert lines["validation"] == "10 samples: 5 Deformation, 5 Non_Deformation"
    assert "T=3, 3 channels, 32 x 32 pixels, split scheme paper" in lines["data"]
    assert lines["model"].startswith("classification, binary: timm test_resnet, 0.")
    assert lines["device"] == "cpu (1 thread), 1 process, float32"
    assert lines["updates"] == "3 an epoch, of up to 8 samples each, for 3 epochs"
    assert "WARNING" not in text


def test_what_the_launcher_quietly_leaves_out_is_said(dataset, tmp_path):
    launched = {"ACCELERATE_USE_CPU": "true", "ACCELERATE_MIXED_PRECISION": "fp16"}
    launched |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    config = small(dataset, tmp_path / "run", **{"training.epochs": 1})
    text = trained_out(config, **launched)
    assert "1 process, float32" in text
    assert "WARNING: mixed precision fp16 was asked for, which needs a GPU" in text
    assert "WARNING: several processes were asked for, but `accelerate launch` started one" in text


@pytest.mark.parametrize("task", ["activity_type", "intensity", "phase"])
def test_samples_are_counted_by_the_classes_of_the_task(dataset, tmp_path, task):
    from training.data.sources import open_data
    from training.fit.banner import _counted

    config = small(dataset, tmp_path / "run", task=task)
    text = _counted(open_data(config, ("train",)).splits["train"])
    assert text.startswith("22 samples: ")
    names = {"activity_type": "Dyke", "intensity": "High", "phase": "11 Unrest"}
    assert names[task] in text
