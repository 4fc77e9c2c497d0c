"""Where the operator names a captioner, its sentence stands beside the verdict, marked as such."""

from dataclasses import replace

import pytest
from page.answers.analysis import Answer
from page.answers.captions import described
from page.settings import Settings
from page.view import text

from hub.__main__ import main
from hub.inference.prediction import Caption
from tests.hub.captioners import make_caption_run
from tests.hub.pointwise import frame_scene, pointwise


@pytest.fixture(scope="module")
def prediction():
    return pointwise(steps=1).predict(frame_scene(60, 60, steps=1))


def test_the_sentence_is_added_and_the_verdict_stays(prediction, tmp_path, capsys):
    make_caption_run(tmp_path / "run")
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(tmp_path / "models/words")])
    chosen = Settings.from_environment({"HEPHAESTUS_CAPTIONS": str(tmp_path / "models/words")})
    assert Settings.from_environment({}).captions == ""
    assert described(prediction, "") is prediction
    found = described(prediction, chosen.captions)
    assert found.caption.text and found.caption.model == "models/words"  # never where it lies
    assert found.verdict.to_dict() == prediction.verdict.to_dict()
    said, plain = (text.numbers(Answer(each)) for each in (found, prediction))
    start = said.index('<p class="caption">')
    end = said.index("</p>", start) + len("</p>")
    assert said[:start] + said[end:] == plain
    assert "no part of the verdict" in said[start:end]


def test_what_a_model_writes_is_escaped(prediction):
    evil = replace(prediction, caption=Caption("<img src=x onerror=alert(1)>", "<b>", None))
    assert "<img" not in text.numbers(Answer(evil)) and "<b>" not in text.numbers(Answer(evil))
