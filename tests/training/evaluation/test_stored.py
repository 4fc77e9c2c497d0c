"""What evaluate.py keeps of each sample, and when it asks for what it needs."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from accelerate import Accelerator
from datasets import load_dataset

from dataset_script.errors import ConfigError, DataError
from tests.rows import make_dataset_folder
from training.data.sources import open_data
from training.evaluation import baselines, evaluating
from training.evaluation.calibration import to_margin
from training.evaluation.evaluating import evaluate, measure
from training.evaluation.stored import read_predictions
from training.runs.loaded_run import load_run
from training.runs.results import results_folder

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def mine(trained, tmp_path_factory):
    """A run's copy that these tests may write results into."""
    run = tmp_path_factory.mktemp("mine") / "run"
    shutil.copytree(trained, run, ignore=shutil.ignore_patterns("checkpoints", "results"))
    return run


@pytest.fixture(scope="module")
def measured(mine):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evaluating, "_draw", lambda *_: None)
        masks = load_run(mine).facts.objective == "segmentation"
        return evaluate(mine, masks=masks)


def test_everything_is_measured_again_from_the_file_alone(mine, measured):
    folder = results_folder(mine, "made-up rows")
    stored = read_predictions(folder / "predictions.parquet")
    loaded = load_run(mine)
    samples = open_data(loaded.config, ("test",)).splits["test"]
    assert stored.facts == loaded.facts
    assert stored.groups == [samples.metadata(i).group for i in range(10)]
    again = measure(stored.predictions, samples, stored.facts, loaded.config.seed)
    assert again == {key: measured[key] for key in again}


def test_a_row_says_what_is_true_and_what_the_model_says(mine, measured):
    table = pq.read_table(results_folder(mine, "made-up rows") / "predictions.parquet")
    loaded, rows = load_run(mine), table.to_pylist()
    samples = open_data(loaded.config, ("test",)).splits["test"]
    low, high = loaded.facts.limits
    counts = {}
    for i, row in enumerate(rows):
        known = samples.metadata(i)
        assert (row["sample_id"], row["frame_id"]) == (known.sample_id, known.frame_id)
        assert (row["primary_date"], len(row["secondary_dates"])) == (known.primary_date, 3)
        assert row["secondary_dates"] == sorted(row["secondary_dates"])
        assert row["label"] == ("Deformation" if samples.positive[i] else "Non_Deformation")
        chance, logit = row["probability"], row["logit"]
        assert chance == pytest.approx(1 / (1 + np.exp(-logit / loaded.facts.temperature)))
        said = "Deformation" if chance >= high else "Non_Deformation" if chance < low else "Unsure"
        assert row["verdict"] == said
        place = ("deforms" if samples.positive[i] else "quiet", said)
        counts[place] = counts.get(place, 0) + 1
    names = {"Deformation": "deformation", "Unsure": "unsure", "Non_Deformation": "no deformation"}
    for kind, said in measured["verdicts"].items():
        assert said == {name: counts.get((kind, key), 0) for key, name in names.items()}
    if loaded.facts.objective == "classification":  # the threshold is of whole images
        margin = to_margin(loaded.facts.threshold, loaded.facts.temperature)
        found = sum(row["logit"] >= margin for row in rows if row["label"] == "Deformation")
        assert measured["metrics"]["recall"] == found / samples.positive.sum()


def test_masks_on_demand(mine, measured):
    folder = results_folder(mine, "made-up rows")
    loaded = load_run(mine)
    if loaded.facts.objective == "classification":
        assert not (folder / "masks").exists()
        with pytest.raises(ConfigError, match="a classifier, which has no masks"):
            evaluate(mine, masks=True)
        return
    masks = load_dataset("parquet", data_dir=str(folder / "masks"), split="train")
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    assert list(masks["sample_id"]) == [row["sample_id"] for row in rows]
    pixels = masks.with_format("numpy")
    samples = open_data(loaded.config, ("test",)).splits["test"]
    hit = called = 0
    for i in range(10):
        mask = pixels[i]["probability"] >= loaded.facts.threshold
        truth = samples.rows.read(samples.row(i))["deformation_mask"].any(0)
        hit, called = hit + (mask & truth).sum(), called + mask.sum()
    assert measured["metrics"]["precision"] == pytest.approx(hit / called, abs=2e-3)
    assert not list(folder.glob(".*"))


def never(*arguments, **options):
    raise AssertionError("this was not to be done")


def test_trivial_rules_are_measured_once_for_all_models(mine, measured, monkeypatch):
    monkeypatch.setattr(baselines, "measure_baselines", never)
    again = evaluate(mine)
    assert again["baselines"] == measured["baselines"]
    rules = baselines.Baselines(load_run(mine).config, "test")
    rules.file.write_text("{")  # damaged: measured again
    with pytest.raises(AssertionError, match="not to be done"):
        rules.measure(Accelerator())
    rules.file.unlink()
    assert evaluate(mine, trivial_rules=False)["baselines"] == {}


def test_what_is_needed_is_asked_for_before_the_model_is_run(mine, tmp_path, monkeypatch):
    data = make_dataset_folder(tmp_path, counts=(2, 2, 4), channels=load_run(mine).facts.channels)
    for part in data.rglob("train-*"):
        part.unlink()
    lines = (data / "README.md").read_text().splitlines()
    (data / "README.md").write_text("\n".join(line for line in lines if "train" not in line))
    monkeypatch.setattr(evaluating, "predict", never)
    with pytest.raises(DataError, match=r"has no split train.*--trivial_rules false"):
        evaluate(mine, data_path=str(data), name="NS/test alone")
    (mine / "metrics.jsonl").rename(tmp_path / "metrics.jsonl")
    (mine / "metrics.jsonl").write_text("{")
    with pytest.raises(DataError, match=r"metrics\.jsonl"):
        evaluate(mine)
    (tmp_path / "metrics.jsonl").replace(mine / "metrics.jsonl")
    blocked = results_folder(mine, "NS/blocked")
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("")
    with pytest.raises(DataError, match="cannot write"):
        evaluate(mine, name="NS/blocked")
    blocked.unlink()


def test_other_tasks_name_their_classes(other):
    results = evaluate(other)
    stored = results_folder(other, "made-up rows") / "predictions.parquet"
    rows = pq.read_table(stored).to_pylist()
    assert all(set(row["true_classes"]) <= set(load_run(other).facts.classes) for row in rows)
    held = {name for row in rows for name in row["true_classes"]}
    assert {name for name, row in results["per_class"].items() if row["support"]} <= held
    assert any(row["predicted_classes"] for row in rows)
    samples = open_data(load_run(other).config, ("test",)).splits["test"]
    facts = load_run(other).facts
    again = measure(read_predictions(stored).predictions, samples, facts, 0)
    assert again == {key: results[key] for key in again}


def test_a_damaged_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"run training/evaluate\.py on the run first"):
        read_predictions(tmp_path / "predictions.parquet")
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_predictions(tmp_path / "predictions.parquet")
