"""A run that is killed and resumed must end as if nothing had happened."""

import json
import os
import random
import shutil
import signal
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch
from safetensors.torch import load_file

from dataset_script.errors import ConfigError
from tests.rows import make_dataset_folder, with_another
from tests.training import processes
from tests.training.experiments import history, small
from training.fit.experiment import train
from training.fit.objectives.trainer import Trainer
from training.runs.checkpoints import read_latest

OPTIONS = {
    "training.epochs": 4,
    "training.validate_every": 2,
    "training.checkpoint_every": 1,
    "training.ema_decay": 0.9,
    "training.accumulation": 2,
    "augmentation.flip": 0.5,
    "augmentation.noise": 0.5,
    "augmentation.phase_offset": 1.0,
    "model.options": {"drop_rate": 0.3},  # draws from the global random stream
}


def train_until(config, kill):
    """Train, and die before the update of this number."""
    update = Trainer._update

    def killed(self, updates_per_epoch):
        if self.progress.update == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        update(self, updates_per_epoch)

    Trainer._update = killed
    train(config, resume=True)


@pytest.fixture(scope="module")
def uninterrupted(dataset, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    train(small(dataset, run, **OPTIONS))
    return run


def test_killed_five_times_ends_bitwise_equal(dataset, uninterrupted, tmp_path):
    run = tmp_path / "run"
    config = small(dataset, run, **OPTIONS)
    updates = read_latest(uninterrupted, 0)[0].progress.update
    for kill in sorted(random.Random(updates).sample(range(updates), 5)):
        with pytest.raises(BrokenProcessPool):
            processes.run(train_until, config, kill)
    processes.run(train_until, config, None)
    assert history(run) == history(uninterrupted)
    for name in ("best/model.safetensors", "model.json"):
        assert (run / name).read_bytes() == (uninterrupted / name).read_bytes()
    (ours, ours_rng), (theirs, theirs_rng) = read_latest(run, 0), read_latest(uninterrupted, 0)
    assert ours.progress == theirs.progress
    assert_equal(ours.model, theirs.model)
    assert_equal(ours.ema, theirs.ema)
    assert_equal(ours.optimizer, theirs.optimizer)
    assert_equal(ours_rng, theirs_rng)


def assert_equal(ours, theirs):
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs)
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_equal(ours[key], theirs[key])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other)
    else:
        assert ours == theirs


def test_keeps_the_last_checkpoints_and_nothing_partial(uninterrupted):
    names = sorted(path.name for path in (uninterrupted / "checkpoints").iterdir())
    assert len(names) == 2
    assert all(name.startswith("step-") for name in names)


def test_a_damaged_checkpoint_is_passed_over(uninterrupted, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(uninterrupted, run)
    older, newest = sorted((run / "checkpoints").iterdir())
    (newest / "optimizer.pt").write_bytes(b"torn")
    expected = json.loads((older / "progress.json").read_text())["update"]
    assert read_latest(run, 0)[0].progress.update == expected
    (older / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(ConfigError, match=r"no checkpoint .* can be read"):
        read_latest(run, 0)


def test_a_finished_run_is_not_overwritten_unasked(dataset, uninterrupted):
    before = load_file(uninterrupted / "best/model.safetensors")
    with pytest.raises(ConfigError, match="--resume continues it"):
        train(small(dataset, uninterrupted, **OPTIONS))
    train(small(dataset, uninterrupted, **OPTIONS), resume=True)
    assert_equal(load_file(uninterrupted / "best/model.safetensors"), before)


def test_other_settings_cannot_continue_a_run(dataset, uninterrupted):
    changed = OPTIONS | {"optimizer.learning_rate": 1.0}
    with pytest.raises(ConfigError, match=r"another optimizer\.learning_rate"):
        train(small(dataset, uninterrupted, **changed), resume=True)


def test_a_run_does_not_go_on_with_other_data(dataset, tmp_path):
    run = tmp_path / "run"
    train(small(dataset, run))
    kept = (run / "config.yaml").read_text()
    moved = shutil.copytree(dataset, tmp_path / "moved" / dataset.name)
    train(small(moved, run), resume=True)
    other = make_dataset_folder(tmp_path / "other", counts=(9, 5, 5))
    with pytest.raises(ConfigError, match=r"began with other data \(other samples\)"):
        train(small(other, run), resume=True)
    assert str(other) not in (run / "config.yaml").read_text() and str(moved) not in kept
    for column in ("insar_difference", "confidence"):
        other = with_another(dataset, tmp_path / column, "train", column, 0.5)
        with pytest.raises(ConfigError, match=r"began with other data \(other pixels or labels\)"):
            train(small(other, run), resume=True)
    # What follows from other settings is told as theirs.
    with pytest.raises(ConfigError, match=r"another data\.channels"):
        train(small(dataset, run, **{"data.channels": ["dem"]}), resume=True)
    told = json.loads((run / "data.json").read_text())
    del told["contents"]  # as earlier releases wrote it
    (run / "data.json").write_text(json.dumps(told))
    train(small(dataset, run), resume=True)
    (run / "data.json").write_text("{")
    with pytest.raises(ConfigError, match=r"data\.json is damaged"):
        train(small(moved, run), resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_learnt_nothing_yet_begins_with_the_data_of_its_next_start(
    dataset, tmp_path, monkeypatch, resume
):
    run, told = tmp_path / "run", tmp_path / "run/data.json"
    other = make_dataset_folder(tmp_path / "other", counts=(9, 5, 5))

    def end(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_update", end)
        with pytest.raises(KeyboardInterrupt):
            train(small(dataset, run))
    first = told.read_text()
    train(small(other, run, **{"training.epochs": 1}), resume=resume)
    kept = told.read_text()
    assert kept != first
    with pytest.raises(ConfigError, match="--resume continues it"):
        train(small(dataset, run))
    assert told.read_text() == kept
    with pytest.raises(ConfigError, match="began with other data"):
        train(small(dataset, run, **{"training.epochs": 1}), resume=True)
