"""A model of measured phases is not measured on corrected ones under the same name."""

import json
import shutil

import pytest

from dataset_script.errors import ConfigError
from training.evaluation.evaluating import evaluate
from training.runs.results import results_folder


def test_results_on_corrected_phases_take_no_results_away(dataset, trained, tmp_path):
    corrected = shutil.copytree(dataset, tmp_path / dataset.name)
    facts = json.loads((corrected / "metadata.json").read_text())
    facts["configs"]["ts3"]["correct_stratified"] = True
    (corrected / "metadata.json").write_text(json.dumps(facts))
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "results", ignore_errors=True)
    with pytest.raises(ConfigError, match=r"learnt phases as they were measured.* give --name"):
        evaluate(run, data_path=str(corrected))
    assert not (run / "results").exists()
    found = evaluate(run, data_path=str(corrected), name="corrected", trivial_rules=False)
    assert found["dataset"] == "corrected"
    assert results_folder(run, "corrected", "test").is_dir()
