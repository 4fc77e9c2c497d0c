"""What a visitor reads when something goes wrong."""

import dataclasses
import json
import types

import pytest
from page.answers.loaded_models import LoadedModels

VISITOR = types.SimpleNamespace(session_hash="s", query_params={})


def last(steps):
    """The parts of the page after the last update."""
    from page.view.parts import OUTPUTS

    return dict(zip(OUTPUTS, list(steps)[-1], strict=True))


def test_a_defect_is_told_in_a_sentence_and_logged(settings, caplog):
    import gradio as gr
    from page.handlers import Handlers
    from page.view.parts import UNEXPECTED

    def load(name, revision):
        raise ZeroDivisionError("secret detail")

    def silent(*_, **__):
        pass

    handlers = Handlers(settings, LoadedModels(settings, load))
    models = (settings.segmenter, settings.classifier)
    sample = next(iter(handlers.catalogue.entries))
    parts = last(handlers.from_sample(sample, *models, 1, VISITOR))
    assert UNEXPECTED in parts["notice"] and 'role="alert"' in parts["notice"]
    assert parts["scene_token"] and not parts["answer_token"]
    with pytest.raises(gr.Error, match="Something went wrong") as caught:
        handlers.endpoint.predict(None, sample, *models, -1, VISITOR, silent)
    assert "secret" not in str(caught.value) + parts["notice"]
    assert caplog.text.count("ZeroDivisionError: secret detail") == 2


def test_a_dataset_that_is_not_there_is_told_by_the_page(settings, tmp_path):
    from page.handlers import Handlers

    handlers = Handlers(dataclasses.replace(settings, dataset=str(tmp_path / "nowhere")))
    assert "cannot be opened" in last(handlers.from_sample("s1", "", "", 1, VISITOR))["notice"]


def test_an_overtaken_choice_changes_nothing(settings):
    from page.handlers import Handlers

    handlers = Handlers(settings)
    handlers.announce(7, VISITOR)
    assert list(handlers.from_sample("s1", "", "", 6, VISITOR)) == []
    assert list(handlers.from_sample("s1", "", "", 8, VISITOR)) != []


def test_cancel_has_the_last_word_of_what_it_stopped(settings):
    """What the stream sent before may reach the browser after Cancel's own answer."""
    from page.handlers import Handlers
    from page.view.parts import OUTPUTS

    handlers = Handlers(settings)
    for followed in (False, True):
        stream = handlers.from_sample("s1", "", "", 1, VISITOR)
        next(stream)
        handlers.cancel(2, VISITOR)
        if followed:
            handlers.announce(3, VISITOR)
        said = [shown[OUTPUTS.index("notice")] for shown in stream]
        assert [("Cancelled" in each, 'data-turn="2"' in each) for each in said] == (
            [] if followed else [(True, True)]
        )
        handlers.leave(VISITOR)


def test_a_first_look_at_a_large_scene_is_marked_and_nothing_of_it_stays(settings, monkeypatch):
    from page.answers import analysis
    from page.handlers import Handlers

    monkeypatch.setattr(analysis, "LARGE", 0)
    handlers = Handlers(settings)
    references = settings.segmenter, settings.classifier
    told = []
    sample = next(iter(handlers.catalogue.entries))
    job = handlers.jobs.begin("s", 1)
    handlers.runs._work(job, 1, lambda: handlers._read_sample(sample), references, told.append)
    told = [each for each in told if each and "numbers" in each]
    preview, first, whole = told
    assert "First look" in first["numbers"] and "First look" not in whole["numbers"]
    assert first["answer_token"] == "" and not {"downloads", "map", "notice"} & set(first)
    assert "probability" in first["picture"] and "probability" not in preview["picture"]
    assert list(handlers.kept.answers._items) == [whole["answer_token"]]


def test_the_operators_own_examples(settings, tmp_path):
    import numpy as np
    from page.errors import PageError
    from page.inputs.own_examples import OwnExamples

    phase = np.random.default_rng(1).uniform(-3, 3, (40, 40)).astype("float32")
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", insar_difference=phase)
    chosen = dataclasses.replace(settings, examples=str(tmp_path))
    told = {"b.npz": {"volcano": "Etna", "dates": "2018", "what": "a dyke opened"}}
    (tmp_path / "examples.json").write_text(json.dumps(told))
    own = OwnExamples(chosen)
    assert [each.title for each in own.found.values()] == ["Etna, 2018: a dyke opened", "a.npz"]
    scene, known = own.read(next(iter(own.found)))
    assert scene.height == 40 and known.volcanoes == ("Etna",) and not known.simulated
    for wrong, said in (
        ({"c.npz": {}}, "c.npz, which is no scene"),
        ({"a.npz": {"volcan": "x"}}, "'volcan'; what is read is volcano, dates"),
        ({"a.npz": {"longitude": "x"}}, "longitude of a.npz is 'x'"),
    ):
        (tmp_path / "examples.json").write_text(json.dumps(wrong))
        with pytest.raises(PageError, match=said):
            _ = OwnExamples(chosen).found
