"""Captions are trained by the same loop: learning, resuming, evaluating."""

import json
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset

from dataset_script.errors import ConfigError, DataError
from tests.rows import make_dataset
from tests.training import processes
from tests.training.captioning.conftest import captioning
from tests.training.experiments import history
from tests.training.runs.test_resuming import assert_equal, train_until
from training.config.options import load_config
from training.data.loader import Loader
from training.data.rows import Rows
from training.data.sampling import share_out
from training.data.sources import open_data
from training.evaluate import main
from training.evaluation.stored import read_predictions
from training.fit.experiment import train
from training.inputs.preprocessing import Preprocessor
from training.runs.checkpoints import read_latest
from training.runs.loaded_run import load_run
from training.runs.results import results_folder

TWO = ["A deformation pattern.", "No deformation."]


@pytest.fixture(scope="module")
def results(captioned):
    main([str(captioned)])
    folder = results_folder(captioned, "made-up rows")
    return folder, json.loads((folder / "results.json").read_text())


def test_it_learns_what_images_show(captioned, results):
    folder, found = results
    assert history(captioned)[-1]["validation"]["f1"] > 0.9
    assert found["metrics"]["f1"] > 0.9 and found["metrics"]["bleu"] > 0.8
    low, high = found["confidence_intervals"]["f1"]
    assert low <= found["metrics"]["f1"] <= high
    assert found["per_fact"]["deformation"]["f1"] == pytest.approx(found["metrics"]["f1"])
    gap = found["differences"]["commonest caption"]
    rule = found["baselines"]["commonest caption"]
    assert gap["f1"] == pytest.approx(found["metrics"]["f1"] - rule["f1"])
    assert gap["f1_low"] <= gap["f1"] <= gap["f1_high"]
    assert (folder / "examples.png").stat().st_size > 10_000
    with pytest.raises(ConfigError, match="holds sentences, which have no curves"):
        read_predictions(folder / "predictions.parquet")
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    assert len(rows) == found["samples"] == 10
    assert {row["caption"] for row in rows} == set(TWO)
    right = sum(row["facts_right"] for row in rows)
    wrong = sum(row["facts_wrong"] for row in rows)
    assert right / (right + wrong) == pytest.approx(found["metrics"]["precision"])


def test_a_loaded_run_writes_what_was_evaluated(captioned, results, dataset):
    folder, found = results
    loaded = load_run(captioned)
    assert loaded.facts.objective == loaded.facts.task == "caption"
    assert loaded.results == found
    samples = open_data(captioning(dataset, "unused"), ("test",)).splits["test"]
    (batch,) = Loader(samples, torch.device("cpu"), 0).batches(share_out(np.arange(10), 10))
    images = Preprocessor(loaded.facts.channels, 3)(batch.rasters)
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    assert loaded.model.write(images) == [row["caption"] for row in rows]


def test_killed_and_resumed_ends_bitwise_equal(dataset, tmp_path):
    options = {
        "training.epochs": 2,
        "training.checkpoint_every": 2,
        "training.ema_decay": 0.9,
        "augmentation.phase_offset": 1.0,
    }
    whole, run = tmp_path / "whole", tmp_path / "run"
    train(captioning(dataset, whole, **options))
    config = captioning(dataset, run, **options)
    with pytest.raises(BrokenProcessPool):
        processes.run(train_until, config, 5)
    processes.run(train_until, config, None)
    assert history(run) == history(whole)
    for name in ("best/model.safetensors", "model.json", "captioner/tokenizer.json"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    (ours, ours_rng), (theirs, theirs_rng) = read_latest(run, 0), read_latest(whole, 0)
    assert_equal(ours.model, theirs.model)
    assert_equal(ours.optimizer, theirs.optimizer)
    assert_equal(ours_rng, theirs_rng)


def test_a_series_is_captioned_as_its_last_step(dataset):
    config = captioning(dataset, "unused")
    samples = open_data(config, ("train",)).splits["train"]
    known = samples.metadata(3)
    assert len(known.captions) == 3
    samples.rows.metadata[samples.row(3)] = replace(known, captions=["One.", "Two.", "Three."])
    assert samples.caption(3) == "Three."
    with pytest.raises(ConfigError, match=r"each of the 3 steps .* set data.mask_target to last"):
        open_data(captioning(dataset, "unused", **{"data.mask_target": "union"}), ("train",))


def test_rows_without_captions_are_told():
    rows = make_dataset(2, steps=1, channels=["insar_difference"])
    silent = Dataset.from_list([row | {"captions": ["  "]} for row in rows], features=rows.features)
    with pytest.raises(DataError, match="frame0/20170101/00000 has a step without a caption"):
        Rows(silent, ["insar_difference"], captions=True)
    with pytest.raises(DataError, match="no column captions"):
        Rows(rows.remove_columns("captions"), ["insar_difference"], captions=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"task": "binary"}, "objective caption and task binary do not go together"),
        ({"objective": "classification"}, "objective classification and task caption do not"),
        ({"model.library": "smp"}, "smp segments; for captions take timm"),
        ({"model.temporal": "mean"}, "temporal mean needs a module of ours"),
        ({"caption.heads": 3}, "caption.width is 128, which 3 heads do not divide"),
        ({"caption.decoder": "a/b", "caption.width": 64}, "caption.width would do nothing"),
        ({"training.select": "auroc"}, "select auroc is not known of captions"),
        ({"loss.terms": {"focal": 1.0}}, "loss.terms of captions is the cross-entropy"),
        ({"loss.gamma": 1.0}, "loss.gamma would do nothing"),
        ({"augmentation.flip": 0.5}, "augmentation.flip would move what the caption places"),
        ({"augmentation.turbulence": 0.5}, "turbulence would add air"),
        ({"tracking.images": 2}, "tracking.images would do nothing"),
        ({"caption.length": 2}, "caption.length is 2; it must be at least 3"),
    ],
)
def test_mistakes_are_named(given, expected):
    with pytest.raises(ConfigError, match=expected):
        load_config(None, {"objective": "caption", "task": "caption"} | given)


def test_other_objectives_write_no_sentences():
    with pytest.raises(ConfigError, match=r"caption\.width would do nothing: objective class"):
        load_config(None, {"caption.width": 64})
