import contextlib
import errno
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from dataset_script.errors import ConfigError, DataError
from tests.rows import make_dataset_folder
from tests.training import processes
from tests.training.conftest import OTHERS
from tests.training.experiments import history, small
from training.config.schema import ScheduleConfig
from training.data.sources import open_data
from training.fit import tracking
from training.fit.experiment import train
from training.fit.objectives.trainer import Trainer
from training.fit.optimisation import learning_rate
from training.runs.history import append_history
from training.runs.loaded_run import load_run


def trainer(dataset, run, **overrides):
    config = small(dataset, run, **overrides)
    return Trainer(config, open_data(config, ("train", "validation")), Accelerator())


def test_a_tiny_model_learns_the_blobs(dataset, trained):
    lines = history(trained)
    assert lines[-1]["train"]["loss"] < 0.7 * lines[0]["train"]["loss"]
    best = max(max(v["validation"]["auroc"], v["validation_ema"]["auroc"]) for v in lines)
    assert best > 0.9
    loaded = load_run(trained)
    assert not loaded.model.training
    assert loaded.facts.classes == ("Non_Deformation", "Deformation")
    assert loaded.facts.channels == tuple(small(dataset, trained).data.channels)
    assert 0 < loaded.facts.threshold < 1


@pytest.mark.parametrize(
    ("objective", "terms"),
    [
        ("classification", ("cross_entropy", "focal", "dice")),
        ("segmentation", ("cross_entropy", "focal", "dice", "lovasz")),
    ],
)
def test_nothing_is_read_back_within_a_step(dataset, tmp_path, monkeypatch, objective, terms):
    """Between two logs no value may travel to the host: each would stall the device."""
    augmentations = (
        *("flip", "quarter_turn", "phase_offset", "time_reversal"),
        *("resample", "stratification", "noise", "missing"),
    )
    subject = trainer(
        dataset,
        tmp_path / "run",
        objective=objective,
        **{f"augmentation.{key}": 0.7 for key in augmentations},
        **{"tracking.log_every": 1000, "training.ema_decay": 0.9, "training.accumulation": 2},
        **{"training.batch_size": 2, "loss.terms": dict.fromkeys(terms, 1.0)},
    )
    calls = []

    def counted(name, plain):
        def call(*arguments, **options):
            calls.append(name)
            return plain(*arguments, **options)

        return call

    for name in ("item", "cpu", "tolist", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, counted(name, getattr(torch.Tensor, name)))
    subject._train_epoch()
    assert subject.progress.update > 4
    assert calls == []
    assert float(subject.running.sum) > 0 and calls == ["__float__"]  # the counting works


def test_loss_does_not_depend_on_how_an_epoch_is_cut(dataset, tmp_path, monkeypatch):
    """With nothing learnt, the epoch's mean loss is the same whatever the batch size."""
    losses = []
    for batch, accumulation in ((4, 1), (7, 1), (3, 4)):
        subject = trainer(
            dataset,
            tmp_path / f"{batch}",
            **{"training.batch_size": batch, "training.accumulation": accumulation},
            **{"optimizer.learning_rate": 0.0, "training.sampling": "all"},
        )
        subject.model.eval()
        monkeypatch.setattr(subject.model, "train", lambda: None)  # batch statistics would differ
        subject._train_epoch()
        losses.append(subject.running.mean(subject.progress.samples))
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


def test_accumulated_steps_make_the_update_of_one_large_step(dataset, tmp_path, monkeypatch):
    weights = []
    for batch, accumulation in ((22, 1), (4, 6)):
        subject = trainer(
            dataset,
            tmp_path / f"{batch}",
            **{"training.batch_size": batch, "training.accumulation": accumulation},
            **{"training.sampling": "all", "optimizer.name": "sgd", "training.epochs": 1},
            **{"optimizer.learning_rate": 0.1, "schedule.name": "constant"},
        )
        subject.model.eval()
        monkeypatch.setattr(subject.model, "train", lambda: None)
        subject._train_epoch()
        assert subject.progress.update == 1
        weights.append(torch.cat([p.flatten() for p in subject.model.parameters()]).detach())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-6)


def test_channels_last_changes_no_result(dataset, tmp_path):
    losses = []
    for options in ({}, {"training.channels_last": True}):
        subject = trainer(dataset, tmp_path / "x", **options)
        subject._train_epoch()
        losses.append(subject.running.mean(subject.progress.samples))
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    convolution = next(m for m in subject.model.modules() if isinstance(m, torch.nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_channels_last_weights_are_kept_and_resumed(dataset, tmp_path):
    run = tmp_path / "run"
    options = {"training.channels_last": True, "training.epochs": 2, "training.ema_decay": 0.9}
    whole = trainer(dataset, tmp_path / "whole", **options)
    whole.fit()
    first = trainer(dataset, run, **options, **{"training.checkpoint_every": 3})
    first._train_epoch()  # leaves a checkpoint in the middle of the epoch
    second = trainer(dataset, run, **options, **{"training.checkpoint_every": 3})
    second.fit(resume=True)
    weights = whole.model.state_dict()
    for name, value in second.model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert load_run(run).facts.timeseries_length == 3


def test_trackers_get_numbers_and_pictures(dataset, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    options = {"tracking.trackers": ["tensorboard"], "tracking.images": 3, "training.epochs": 1}
    train(small(dataset, run, "segmentation", **options, **{"tracking.log_every": 1}))
    (folder,) = {path.parent for path in run.rglob("events.*") if path.parent.parent == run}
    events = EventAccumulator(str(folder)).Reload()
    assert {"train/loss", "validation/f1", "train/learning_rate"} <= set(events.Tags()["scalars"])
    assert len(events.Scalars("train/loss")) > 1
    (picture,) = events.Images("predictions")
    assert picture.width > 300


def test_trackio_and_wandb_keep_numbers_and_pictures_in_the_run(dataset, tmp_path):
    """In a process of their own: both read their settings at import."""
    run = tmp_path / "run"
    options = {"tracking.images": 2, "training.epochs": 1, "tracking.log_every": 1}
    options |= {"tracking.project": "volcanoes", "tracking.entity": "observatory"}
    config = small(dataset, run, **options, **{"tracking.trackers": ["trackio", "wandb"]})
    processes.run(train, config, WANDB_MODE="offline", WANDB_SILENT="true")
    with contextlib.closing(sqlite3.connect(next(run.glob("trackio/*.db")))) as numbers:
        logged = str(numbers.execute("select metrics from metrics").fetchall())
    binary = next(run.glob("wandb/offline-run-*/run-*.wandb")).read_bytes()
    assert b"volcanoes" in binary and b"observatory" in binary
    assert next(run.glob("trackio/*.db")).stem == "volcanoes"
    for key in ("train/loss", "train/learning_rate", "validation/f1"):
        assert key in logged and key.encode() in binary, key
    for pictures in ("trackio/media/**/*.png", "wandb/offline-run-*/files/media/images/*.png"):
        (picture,) = run.glob(pictures)
        assert picture.read_bytes().startswith(b"\x89PNG")
    kept = (run / "wandb_id.txt").read_text().strip()
    processes.run(train, config, True, WANDB_MODE="offline", WANDB_SILENT="true")
    logged = [folder.name for folder in run.glob("wandb/offline-run-*")]
    assert logged and all(name.endswith(f"-{kept}") for name in logged)  # resumed: one run to wandb
    with contextlib.closing(sqlite3.connect(next(run.glob("trackio/*.db")))) as numbers:
        assert len(numbers.execute("select distinct run_name from metrics").fetchall()) == 1


def test_a_run_that_begins_anew_has_another_id_in_wandb(tmp_path):
    first = tracking._wandb_id(tmp_path, resume=False)
    assert tracking._wandb_id(tmp_path, resume=True) == first
    assert tracking._wandb_id(tmp_path, resume=False) != first


def test_an_absent_tracker_is_named(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="wandb, which is not installed"):
        train(small(dataset, tmp_path, **{"tracking.trackers": ["wandb"]}))


def test_other_tasks_train(other):
    for line in history(other):
        assert 0 <= line["validation"]["f1"] <= 1 and "detection_auroc" in line["validation"]
    facts = load_run(other).facts
    assert facts.multilabel == ((facts.objective, facts.task) == OTHERS[0])


def test_pixels_of_each_step_are_segmented(dataset, tmp_path):
    run = tmp_path / "run"
    options = {"training.epochs": 1, "data.mask_target": "all"}
    train(small(dataset, run, "segmentation", task="activity_type", **options))
    assert 0 <= history(run)[0]["validation"]["iou"] <= 1


@pytest.mark.parametrize("objective", ["classification", "segmentation"])
def test_a_training_that_diverges_says_so(dataset, tmp_path, objective):
    wild = {"optimizer.name": "sgd", "optimizer.learning_rate": 1e30, "training.clip": None}
    options = wild | {"schedule.name": "constant", "training.epochs": 1}
    with pytest.raises(ConfigError, match=r"diverged.* epoch 1 is nan; set a lower optimizer"):
        train(small(dataset, tmp_path / "run", objective, **options))


def test_without_a_score_the_latest_weights_are_kept(tmp_path):
    """A validation split of one kind has no AUROC."""
    data = make_dataset_folder(
        tmp_path, counts=(6, 1, 4), channels=["insar_difference", "insar_coherence", "dem"]
    )
    run = tmp_path / "run"
    subject = trainer(data, run, **{"training.select": "auroc"})
    assert subject.fit().best is None
    weights = subject.model.state_dict()
    for name, value in load_run(run).model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_a_last_batch_of_one_does_not_stop_batch_normalisation(tmp_path):
    """DeepLab normalises one pixel an image, whose statistics need two images."""
    data = make_dataset_folder(
        tmp_path, counts=(5, 3, 2), channels=["insar_difference", "insar_coherence", "dem"]
    )
    options = {"model.name": "DeepLabV3Plus", "model.options": {}, "training.sampling": "all"}
    run = tmp_path / "run"
    options |= {"training.batch_size": 2, "training.epochs": 1}
    train(small(data, run, "segmentation", **options))
    assert history(run)[0]["train"]["samples"] == 5


def test_a_line_that_cannot_be_written_leaves_the_history_whole(tmp_path, monkeypatch):
    append_history(tmp_path, {"epoch": 0})
    plain = Path.write_text

    def torn(path, text):
        plain(path, text[:-5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(DataError, match=r"metrics\.jsonl: No space left.*free some space"):
        append_history(tmp_path, {"epoch": 1})
    assert history(tmp_path) == [{"epoch": 0}]


def test_an_output_that_is_a_file_is_named(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="a file is where a folder should be"):
        train(small(dataset, tmp_path / "file/run"))


def test_a_tracker_that_cannot_be_started_is_named(dataset, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise ValueError("nobody has logged in")

    monkeypatch.setattr(Accelerator, "init_trackers", refuse)
    with pytest.raises(ConfigError, match=r"tensorboard cannot be started: nobody has logged in"):
        train(small(dataset, tmp_path / "run", **{"tracking.trackers": ["tensorboard"]}))


def test_schedule():
    rates = [
        learning_rate(u, 10, 3, ScheduleConfig("cosine", 0.5, 1e-6, 1e-5), 1e-3) for u in range(30)
    ]
    assert rates[0] == 1e-6
    assert rates[5] == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-5)
    assert np.all(np.diff(rates[:6]) > 0) and np.all(np.diff(rates[5:]) < 0)
    middle = learning_rate(17, 10, 3, ScheduleConfig("cosine", 0.5, 0, 0), 1e-3)
    assert middle == pytest.approx(0.5e-3, rel=0.05)
    assert learning_rate(25, 10, 3, ScheduleConfig("constant"), 1e-3) == 1e-3
