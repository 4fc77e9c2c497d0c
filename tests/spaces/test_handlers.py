"""What a visitor reads when something goes wrong."""

import dataclasses

import pytest
from page.answers.loaded_models import LoadedModels


def test_a_defect_is_told_in_a_sentence_and_logged(settings, caplog):
    import gradio as gr
    from page.handlers import OUTPUTS, UNEXPECTED, Handlers

    def load(name, revision):
        raise ZeroDivisionError("secret detail")

    def silent(*_, **__):
        pass

    handlers = Handlers(settings, LoadedModels(settings, load))
    models = (settings.segmenter, settings.classifier)
    sample = next(iter(handlers.catalogue.entries))
    parts = dict(zip(OUTPUTS, handlers.from_sample(sample, *models, silent), strict=True))
    assert UNEXPECTED in parts["notice"] and 'role="alert"' in parts["notice"]
    assert parts["scene_token"] and not parts["answer_token"]
    with pytest.raises(gr.Error, match="Something went wrong") as caught:
        handlers.predict(None, sample, *models, -1, silent)
    assert "secret" not in str(caught.value) + parts["notice"]
    assert caplog.text.count("ZeroDivisionError: secret detail") == 2


def test_a_dataset_that_is_not_there_is_told_by_the_page(settings, tmp_path):
    from page.handlers import OUTPUTS, Handlers

    handlers = Handlers(dataclasses.replace(settings, dataset=str(tmp_path / "nowhere")))
    shown = handlers.from_sample("s1", "", "", lambda *_, **__: None)
    assert "cannot be opened" in dict(zip(OUTPUTS, shown, strict=True))["notice"]
