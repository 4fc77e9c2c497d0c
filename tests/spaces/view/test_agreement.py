"""The page, its files and its endpoint tell one verdict, over many scenes."""

import csv
import json
import re
from html import unescape

from hypothesis import given, settings
from hypothesis import strategies as st
from page.answers.analysis import Answer
from page.answers.downloads import render
from page.view import picture, text

from hub.inference.outputs import save_prediction
from tests.hub.answers import both, predicted

SAID = {
    "Deformation": "Ground deformation is likely",
    "Non_Deformation": "No ground deformation was found",
    "Unsure": "Whether the ground moved",
}
CHANCES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.6, 1.0]))


@settings(max_examples=30, deadline=None)
@given(CHANCES, st.none() | CHANCES, st.tuples(CHANCES, CHANCES), st.booleans(), CHANCES)
def test_page_and_files(tmp_path_factory, first, second, limits, placed, slider):
    limits = tuple(sorted(limits))
    prediction = predicted(first, limits, placed=placed)
    if second is not None:
        prediction = both(prediction, predicted(second, limits, kind="timm", placed=placed))
    verdict, answer = prediction.verdict, Answer(prediction)
    folder = tmp_path_factory.mktemp("files")
    paths = save_prediction(prediction, folder, kinds=("csv", "json"))
    for shown in (answer, answer.at(slider), answer.without_atmosphere()):
        words = unescape(re.sub(r"<[^>]+>", " ", text.numbers(shown)))
        doubt = "; the models disagree" * verdict.disagree
        assert f" {verdict.headline}{doubt} " in words and f"{verdict.reason}. " in words
        said = SAID[verdict.decision]
        assert [said in words for said in SAID.values()].count(True) == 1 and said in words
        assert f". {verdict.text}" in unescape(picture.picture(shown.scene, shown, "t"))
        summary = shown.summary()
        _, table = render(shown, "csv")
        _, record = render(shown, "json")
        (row,) = csv.DictReader(table.decode().splitlines())
        for key, value in verdict.to_dict().items():
            assert summary[key] == json.loads(record)[key] == value
            assert row[key] == next(csv.DictReader(paths["csv"].open()))[key]
    assert render(answer, "csv")[1] == paths["csv"].read_bytes()
    known = json.loads(paths["json"].read_text())
    assert {key: answer.summary()[key] for key in known if key not in ("files", "made_from")} == {
        key: value for key, value in known.items() if key not in ("files", "made_from")
    }


def test_a_classifier_alone_decides():
    prediction = predicted(0.9, (0.3, 0.3), kind="timm")
    answer = Answer(prediction)
    assert answer.segmentation is None and answer.classification is prediction
    assert "Deformation" in text.numbers(answer)
    assert answer.summary()["decision"] == answer.summary()["classification"]["decision"]


def test_links_carry_a_threshold_that_was_moved_to_the_last_digit():
    assert "?threshold=0.37123456789" in text.downloads("t", 0.37123456789, {"csv": "CSV"})
    assert "threshold" not in text.downloads("t", None, {"csv": "CSV"})
