"""Results beside a model, and as rows of a table."""

import json

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from hub.__main__ import main
from hub.errors import HubError
from hub.repos.results import eval_results_files, results_file, results_row
from tests.hub.facts import make_facts
from tests.hub.models import RESULTS, make_run
from tests.hub_server.cards import validate_card
from training.runs.results import results_folder

DATASET = "NS/hephaestus-minicubes"
RESULTS_FILE = "results/made-up-rows-test/results.json"


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run")
    return tmp_path / "run"


def test_eval_results_are_what_the_hub_parses():
    files = eval_results_files(make_facts("timm"), RESULTS, DATASET)
    assert len(files) == 4  # what has no value (IoU) has no file
    entries = [
        entry
        for text in files.values()
        for entry in parse_eval_result_entries(yaml.safe_load(text))
    ]
    assert {entry.dataset_id for entry in entries} == {DATASET}
    found = {entry.task_id: entry.value for entry in entries}
    assert found["ts2_classification_f1"] == 0.666667
    assert entries[0].notes == "test split, paper scheme, binary"
    assert ".eval_results/hephaestus-minicubes_ts2_classification_f1.yaml" in files


def test_a_benchmark_is_needed():
    with pytest.raises(HubError, match="--dataset NS/NAME"):
        eval_results_files(make_facts("timm"), RESULTS, "")
    with pytest.raises(HubError, match="not of the form NS/NAME"):
        eval_results_files(make_facts("timm"), RESULTS, "minicubes")
    with pytest.raises(HubError, match="has no metrics"):
        eval_results_files(make_facts("timm"), {"metrics": {}}, DATASET)


def test_push_results_updates_the_card_and_leaves_its_text(hub, run):
    main(["push-model", str(run), "--repo-id", "NS/model"])
    repo = hub.repo("NS/model")
    before = ModelCard(repo.head()["README.md"].data.decode())
    better = RESULTS | {"metrics": RESULTS["metrics"] | {"f1": 0.8}}
    (run / RESULTS_FILE).write_text(json.dumps(better))
    push = ["push-results", str(run), "--repo-id", "NS/model", "--dataset", DATASET]
    main(push)
    files = repo.head()
    card = ModelCard(files["README.md"].data.decode())
    assert card.text == before.text
    assert card.data.model_name == "model"
    assert [r.metric_value for r in card.data.eval_results if r.metric_type == "f1"] == [0.8]
    assert validate_card(str(card), "model") == []
    assert sum(path.startswith(".eval_results/") for path in files) == 4
    commits = len(repo.commits)
    main(push)
    assert len(repo.commits) == commits


def test_cards_show_the_test_split_unless_told(run, tmp_path):
    """Another split's results, and another dataset's, leave those of the test as they are."""
    other = RESULTS | {"split": "validation", "metrics": {"f1": 0.11}}
    for dataset in ("made-up rows", "other rows"):
        path = results_folder(run, dataset, "validation") / "results.json"
        path.parent.mkdir()
        path.write_text(json.dumps(other if dataset == "made-up rows" else {"metrics": {}}))
    found = {}
    for options in ((), ("--split", "validation")):
        push = [str(run), "--dataset", DATASET, *options, "--to-folder"]
        out = tmp_path / "-".join(["out", *options])
        main(["push-model", *push, str(out)])
        card = ModelCard((out / "README.md").read_text())
        (f1,) = [r for r in card.data.eval_results if r.metric_type == "f1"]
        found[f1.dataset_split] = f1.metric_value
        assert f"On the {f1.dataset_split} split" in card.text
        main(["push-results", *push, str(tmp_path / f"results{len(found)}")])
        for folder in (out, tmp_path / f"results{len(found)}"):
            (file,) = (folder / ".eval_results").glob("*_f1.yaml")
            assert f"{f1.dataset_split} split" in file.read_text()
    assert found == {"test": 0.666667, "validation": 0.11}


def test_results_table_has_one_row_for_each_model_and_split(hub, run, plain):
    for name in ("NS/a", "NS/b", "NS/a"):
        main(["push-model", str(run), "--repo-id", name])
        push = ["push-results", str(run), "--repo-id", name, "--dataset", DATASET]
        main([*push, "--results-dataset", "NS/results"])
    code = """
from datasets import load_dataset
table = load_dataset("NS/results", split="train").to_pandas().sort_values("model")
print(table[["model", "f1", "f1_low", "iou", "samples", "config"]].to_json(orient="records"))
print(len(table.revision.iloc[0]), list(table.channels.iloc[0]))
"""
    rows, said = plain(code, server=hub).stdout.splitlines()
    row = {"f1": 2 / 3, "f1_low": 0.5, "iou": None, "samples": 40, "config": "ts2"}
    for found, name in zip(json.loads(rows), ("NS/a", "NS/b"), strict=True):
        assert found == pytest.approx({"model": name, **row})
    assert said == "40 ['insar_difference', 'insar_coherence', 'dem']"


def test_rows_are_replaced_by_subject():
    facts = make_facts("timm")
    first, second = (results_row(facts, RESULTS, "NS/a", commit, DATASET) for commit in ("1", "2"))
    assert results_file(first)[0] == results_file(second)[0]
    other = results_row(facts, RESULTS | {"split": "validation"}, "NS/a", "1", DATASET)
    assert results_file(other)[0] != results_file(first)[0]


def test_what_is_missing_is_told(hub, run, capsys):
    def fails(*arguments):
        with pytest.raises(SystemExit):
            main(["push-results", str(run), *arguments])
        return capsys.readouterr().err

    said = fails("--repo-id", "NS/none", "--dataset", DATASET)
    assert said.startswith("error: model NS/none does not exist, or the token may not see it")
    (run / RESULTS_FILE).write_text("{")
    assert "is damaged: remove it and run training/evaluate.py" in fails("--repo-id", "NS/none")
    (run / RESULTS_FILE).unlink()
    assert "rows-test is missing: run training/evaluate.py" in fails("--repo-id", "NS/none")


def test_to_folder_needs_no_network(run, tmp_path):
    push = ["push-results", str(run), "--dataset", DATASET, "--to-folder", str(tmp_path / "out")]
    main(push)
    assert len(list((tmp_path / "out/.eval_results").iterdir())) == 4
