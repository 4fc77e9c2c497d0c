"""A model's facts are checked when they are read."""

import json

import pytest

from dataset_script.errors import ConfigError
from tests.hub.facts import make_facts
from training.facts import ModelFacts


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mean": [1.0]}, "mean has 1 numbers for 3 channels"),
        ({"std": [1.0, 1.0, 0.0]}, r"std is \[1.0, 1.0, 0.0\]; it must be a list of positive"),
        ({"mean": "0"}, "mean is '0'; it must be a list of numbers"),
        ({"classes": ["Deformation"]}, "classes is .*; it must be a list of 2 or more"),
        ({"classes": ["a", "b", "c"]}, "hold two names, as the task is binary"),
        ({"timeseries_length": "3"}, "timeseries_length is '3'; it must be a whole number"),
        ({"timeseries_length": 3.0}, "timeseries_length is 3.0"),
        ({"image_size": 0}, "image_size is 0"),
        ({"image_size": True}, "image_size is True"),
        ({"temperature": 0}, "temperature is 0; it must be a positive number"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"threshold": 1.5}, "threshold is 1.5; it must be a probability"),
        ({"unsure": [0.5]}, r"unsure is \[0.5\]; it must be two probabilities"),
        ({"unsure": [0.9, 0.5]}, "unsure is 0.9 to 0.5"),
        ({"phase": "complex"}, "phase is 'complex'; it must be one of raw, circular"),
        ({"channels": []}, "channels is .*1 or more different texts"),
        ({"channels": ["dem", "dem", "dem"]}, "1 or more different texts"),
        ({"optional": ["slope"]}, "optional names slope, which is no channel"),
        ({"options": []}, "options is .*mapping"),
        ({"multilabel": "no"}, "multilabel is 'no'; it must be true or false"),
        ({"library": "keras"}, "library is 'keras'"),
        ({"encoder": None}, "encoder is None; it must be text"),
        ({"colour": 1}, "unknown model facts: colour"),
        ({"format_version": 2}, "format version 2; this release reads up to 1: update"),
        ({"format_version": "1"}, "format_version is '1'"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path, changes, why):
    path = tmp_path / "hephaestus.json"
    path.write_text(json.dumps(make_facts("timm").to_dict() | changes))
    with pytest.raises(ConfigError, match=why) as caught:
        ModelFacts.load(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"facts"', "{}"])
def test_what_is_no_record_is_told(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"model\.json: (model facts are|incomplete model facts)"):
        ModelFacts.load(path)


def test_facts_carry_their_version_and_older_ones_are_read():
    facts = make_facts("smp", unsure=(0.2, 0.7))
    record = facts.to_dict()
    assert record.pop("format_version") == 1
    assert ModelFacts.from_dict(record) == facts  # as they were before they had a version
