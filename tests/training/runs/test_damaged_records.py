"""Records of a run that are damaged: each is named in one line."""

import pytest

from dataset_script.errors import HephaestusError
from training.facts import ModelFacts
from training.models.weights import require_same_channels
from training.runs.history import append_history, read_history

DAMAGED = ["", "{", "5", 100_000 * "[", '{"a": %s}' % ("9" * 5000)]


@pytest.mark.parametrize("text", DAMAGED, ids=["empty", "bracket", "number", "brackets", "digits"])
def test_facts_and_weights_name_the_file(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(HephaestusError, match=r"model\.json"):
        ModelFacts.load(tmp_path / "model.json")
    with pytest.raises(HephaestusError, match=r"model\.json"):
        require_same_channels(tmp_path, ["dem"])


def test_history_names_the_line(tmp_path):
    append_history(tmp_path, {"epoch": 1})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": \n')
    with pytest.raises(HephaestusError, match=r"metrics\.jsonl, line 2: malformed JSON"):
        read_history(tmp_path)
