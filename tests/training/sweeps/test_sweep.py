import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.rows import make_dataset_folder
from tests.training.processes import run_script
from training.evaluation.evaluating import evaluate
from training.fit.objectives.trainer import Trainer
from training.sweeps import sweeping
from training.sweeps.grid import cells, read_sweep
from training.sweeps.table import read_reference

pytestmark = pytest.mark.usefixtures("undrawn")

CHANNELS = ["insar_difference", "insar_coherence", "dem", "surface_pressure"]
TEST = "results/made-up-rows-test/results.json"
SHIPPED = sorted((ROOT / "configs/sweeps").glob("*.yaml"))


def sweep(path, overrides=()):
    plan = read_sweep(path)
    return sweeping.sweep(plan, list(cells(plan, overrides)))


@pytest.fixture
def plan(tmp_path):
    channels = CHANNELS
    data = make_dataset_folder(tmp_path, counts=(8, 6, 6), channels=channels)
    (tmp_path / "insar.yaml").write_text("data:\n  channels: [insar_difference, dem]\n")
    (tmp_path / "all.yaml").write_text(f"data:\n  channels: {channels}\n")
    (tmp_path / "tiny.yaml").write_text("model:\n  name: test_resnet\n")
    reference = tmp_path / "published.csv"
    reference.write_text(
        "model,atmosphere,timeseries_length,precision,recall,f1,f1_sd,auroc\n"
        "Tiny,no,3,0.5,0.25,0.3333,0.01,0.75\n"
    )
    sweep = {
        "output": str(tmp_path / "sweep"),
        "reference": str(reference),
        "seeds": [3, 4],
        "models": {
            "Tiny": [str(tmp_path / "tiny.yaml")],
            "Other": [{"model.name": "test_efficientnet"}],
        },
        "inputs": {"bare": [str(tmp_path / "insar.yaml")], "full": [str(tmp_path / "all.yaml")]},
        "skip": ["Other / full"],
        "overrides": {
            "data.path": str(data),
            "data.workers": 0,
            "training.epochs": 1,
            "training.batch_size": 4,
            "tracking.trackers": [],
        },
    }
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(sweep, sort_keys=False))
    return path


def test_grid(plan):
    found = [(c.model, c.inputs, c.config.seed) for c in cells(read_sweep(plan))]
    assert {c.config.model.name for c in cells(read_sweep(plan)) if c.model == "Other"} == {
        "test_efficientnet"
    }
    assert found == [
        ("Tiny", "bare", 3),
        ("Tiny", "full", 3),
        ("Other", "bare", 3),
        ("Tiny", "bare", 4),
        ("Tiny", "full", 4),
        ("Other", "bare", 4),
    ]


def test_a_sweep_runs_collects_and_skips_what_is_done(plan, monkeypatch):
    content = yaml.safe_load(plan.read_text())
    content |= {"models": {"Tiny": content["models"]["Tiny"]}, "skip": []}
    plan.write_text(yaml.safe_dump(content, sort_keys=False))
    assert sweep(plan, ["--training.select=auroc"]) == []
    folder = plan.parent / "sweep"
    rows = list(csv.DictReader((folder / "table.csv").open()))
    assert [(r["model"], r["atmosphere"], r["timeseries_length"], r["seeds"]) for r in rows] == [
        ("Tiny", "no", "3", "3 4"),
        ("Tiny", "yes", "3", "3 4"),
    ]
    each = [
        json.loads((folder / f"tiny-bare/seed-{seed}" / TEST).read_text())["metrics"]["auroc"]
        for seed in (3, 4)
    ]
    assert float(rows[0]["auroc"]) == pytest.approx(sum(each) / 2, abs=1e-4)
    assert (rows[0]["published_auroc"], rows[1]["published_auroc"]) == ("0.75", "")
    text = (folder / "table.md").read_text()
    assert "*50.00 / 25.00 / 33.33±1.00 / 75.00*" in text
    assert "time series (T=3)" in text

    def never(*arguments, **options):
        raise AssertionError("a finished run was trained again")

    with monkeypatch.context() as patched:
        patched.setattr(sweeping, "train", never)
        assert sweep(plan, ["--training.select=auroc"]) == []
        failures = sweep(plan, ["--training.select=auroc", "--training.epochs=2"])
        assert len(failures) == 4
        assert all("another training.epochs" in failure for failure in failures)
    shutil.rmtree(folder / "tiny-bare/seed-3/results")
    evaluate(folder / "tiny-bare/seed-3", "validation")  # no row of the table, which is of the test
    assert sweep(plan, ["--training.select=auroc"]) == []
    assert (folder / "tiny-bare/seed-3" / TEST).exists()
    assert list(csv.DictReader((folder / "table.csv").open())) == rows


def test_jobs_at_once_give_the_same_table(plan):
    content = yaml.safe_load(plan.read_text())
    content |= {"models": {"Tiny": content["models"]["Tiny"]}, "skip": [], "seeds": [3]}
    plan.write_text(yaml.safe_dump(content | {"jobs": 2}, sort_keys=False))
    status, said, errors = run_script(ROOT / "training/sweep.py", plan)
    assert status == 0, errors
    folder = plan.parent / "sweep"
    table = (folder / "table.csv").read_text()
    assert "Tiny,full,yes,3,3" in table
    for name in ("tiny-bare", "tiny-full"):
        assert "epoch 1/1" in (folder / f"logs/{name}-seed3.txt").read_text()
    assert "epoch 1/1" not in said + errors
    plan.write_text(yaml.safe_dump(content | {"output": str(folder.parent / "one")}))
    assert sweep(plan) == []
    assert (folder.parent / "one/table.csv").read_text() == table


def test_one_failing_run_does_not_stop_the_others(plan):
    plan.write_text(plan.read_text().replace("test_efficientnet", "no_such_model"))
    content = yaml.safe_load(plan.read_text())
    content |= {"seeds": [0], "inputs": {"bare": content["inputs"]["bare"]}, "skip": []}
    plan.write_text(yaml.safe_dump(content))
    (failure,) = sweep(plan)
    assert "no_such_model" in failure
    assert (plan.parent / "sweep/tiny-bare/seed-0" / TEST).exists()


def test_a_librarys_error_in_one_run_does_not_stop_the_others(plan, capsys, monkeypatch):
    update = Trainer._update

    def fail(self, updates_per_epoch):
        if "other-" in str(self.run):
            raise RuntimeError("of a library,\nin two lines")
        update(self, updates_per_epoch)

    monkeypatch.setattr(Trainer, "_update", fail)
    content = yaml.safe_load(plan.read_text())
    content |= {"seeds": [0], "inputs": {"bare": content["inputs"]["bare"]}, "skip": []}
    content["models"] = dict(reversed(content["models"].items()))  # the one that fails comes first
    plan.write_text(yaml.safe_dump(content, sort_keys=False))
    (failure,) = sweep(plan)
    assert "RuntimeError: of a library, in two lines" in failure and "\n" not in failure
    assert "Traceback" in capsys.readouterr().out
    assert (plan.parent / "sweep/tiny-bare/seed-0" / TEST).exists()


def test_one_seed_for_all_runs_is_refused(plan):
    with pytest.raises(ConfigError, match="one seed is set for all runs"):
        list(cells(read_sweep(plan), ["--seed=7"]))
    content = yaml.safe_load(plan.read_text())
    content["overrides"]["seed"] = 3
    plan.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="one seed is set for all runs"):
        list(cells(read_sweep(plan)))


def test_layers_are_laid_in_the_order_in_which_they_stand(plan):
    content = yaml.safe_load(plan.read_text())
    content["models"] = {"Tiny": [{"data.channels": ["dem"], "training.batch_size": 2}]}
    content["skip"] = []
    plan.write_text(yaml.safe_dump(content, sort_keys=False))
    (bare, _, _, _) = cells(read_sweep(plan))
    assert bare.config.data.channels == ["insar_difference", "dem"]
    assert bare.config.training.batch_size == 4  # what is laid over all runs comes last


def test_results_of_other_data_are_not_taken_for_those_of_this(plan):
    content = yaml.safe_load(plan.read_text())
    content |= {"seeds": [0], "inputs": {"bare": content["inputs"]["bare"]}, "skip": []}
    del content["models"]["Other"]
    plan.write_text(yaml.safe_dump(content, sort_keys=False))
    assert sweep(plan) == []
    here = Path(content["overrides"]["data.path"])
    moved = shutil.copytree(here, plan.parent / "moved" / here.name)
    assert sweep(plan, [f"--data.path={moved}"]) == []  # the same data elsewhere
    other = make_dataset_folder(plan.parent / "other", counts=(7, 6, 6), channels=CHANNELS)
    (failure,) = sweep(plan, [f"--data.path={other}"])
    assert "began with other data (other samples)" in failure
    assert sweep(plan, [f"--data.path={moved}"]) == []
    shutil.rmtree(moved)
    shutil.copytree(other, moved)  # exported anew in the same place
    (failure,) = sweep(plan, [f"--data.path={moved}"])
    assert "began with other data (other samples)" in failure


def test_mistakes_are_named(plan):
    content = yaml.safe_load(plan.read_text())
    for key, value, said in (
        ("output", 5, "output is no text"),
        ("reference", 5, "reference is no text"),
        ("base", [5], "base holds 5, which is no str"),
        ("seeds", ["a"], "seeds holds 'a', which is no int"),
        ("seeds", [], "seeds is empty"),
    ):
        plan.write_text(yaml.safe_dump(content | {key: value}))
        with pytest.raises(ConfigError, match=said):
            read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"modles": {}}))
    with pytest.raises(ConfigError, match="did you mean models"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"skip": ["Tiny / nothing"]}))
    with pytest.raises(ConfigError, match="no cell of it"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"seeds": 3}))
    with pytest.raises(ConfigError, match="seeds is no list"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"models": {"Tiny": "tiny.yaml"}}))
    with pytest.raises(ConfigError, match="models must give each name a list"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"jobs": 0}))
    with pytest.raises(ConfigError, match="jobs is 0"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"models": {"Tiny": [None]}}))
    with pytest.raises(ConfigError, match="models must give each name a list"):
        read_sweep(plan)
    plan.write_text(yaml.safe_dump(content | {"overrides": ["training.epochs"]}))
    with pytest.raises(ConfigError, match="overrides is no mapping"):
        read_sweep(plan)


def test_two_runs_never_share_a_folder(plan):
    content = yaml.safe_load(plan.read_text())
    content |= {"models": {"Tiny": [], "Tiny+": []}, "skip": [], "seeds": [3]}
    plan.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r"Tiny\+ / bare with seed 3 would be a second run in"):
        sweep(plan)
    with pytest.raises(ConfigError, match="a second run in elsewhere"):
        sweep(plan, ["--output=elsewhere"])


def test_a_model_of_corrected_phases_says_so(plan):
    data = plan.parent / "hephaestus-minicubes/metadata.json"
    facts = json.loads(data.read_text())
    facts["configs"]["ts3"]["correct_stratified"] = True
    data.write_text(json.dumps(facts))
    content = yaml.safe_load(plan.read_text())
    content |= {"models": {"Tiny": content["models"]["Tiny"]}, "skip": [], "seeds": [3]}
    del content["inputs"]["full"]
    plan.write_text(yaml.safe_dump(content))
    assert sweep(plan) == []
    assert "| Tiny | corrected |" in (plan.parent / "sweep/table.md").read_text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_sweeps_are_valid(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    plan = read_sweep(path)
    plan.seeds = plan.seeds[:1]
    published = read_reference(plan.reference)
    models = {cell.model for cell in cells(plan)}
    assert {model for model, _, _ in published} <= models
