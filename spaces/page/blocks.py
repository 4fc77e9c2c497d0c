"""The page in Gradio blocks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dataset_script.errors import HephaestusError
from page.answers import downloads
from page.answers.loaded_models import NO_MODEL, label, local_models
from page.events import wire
from page.handlers import Handlers
from page.records import timeline
from page.view import guide, maps, picture, text
from page.view.controls import file_input

TITLE = "Is the volcano moving?"


def build(handlers: Handlers) -> gr.Blocks:
    """The page.

    Args:
        handlers: What its events call.
    """
    settings = handlers.settings
    with gr.Blocks(title=TITLE, delete_cache=(300, 900)) as page:
        parts: dict[str, Any] = {
            "scene_token": gr.State("", time_to_live=settings.cache_seconds),
            "answer_token": gr.State("", time_to_live=settings.cache_seconds),
        }
        # The browser numbers the visitor's choices; see `page.js`.
        turn = gr.Textbox(visible=False)
        box = gr.Textbox(visible=False)
        gr.HTML(text.masthead())
        if handlers.records:
            with gr.Tabs(elem_id="rooms"):
                with gr.Tab("Scene"):
                    form, pickers, buttons = _scene(handlers, parts)
                with gr.Tab("Record"):
                    gr.HTML(timeline.shell(), elem_id="record")
        else:
            form, pickers, buttons = _scene(handlers, parts)
        _manual()
        wire(page, handlers, form, pickers, buttons, parts, turn, box)
        _api(handlers)
    page.queue(max_size=settings.queue, default_concurrency_limit=8)
    return page


def _scene(
    handlers: Handlers, parts: dict[str, Any]
) -> tuple[dict[str, Any], list[gr.Dropdown], dict[str, Any]]:
    """What is chosen on the left, the answer on the right.

    Returns:
        Controls by which a scene is chosen, model pickers, and buttons.
    """
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_id="form"):
            form = _input_tabs(handlers)
            pickers = _model_pickers(handlers)
            buttons = {"again": gr.Button("Analyse the whole scene again", size="sm")}
        with gr.Column(scale=9, min_width=320, elem_id="results"):
            _results(parts, buttons)
    return form, pickers, buttons


def _input_tabs(handlers: Handlers) -> dict[str, Any]:
    form: dict[str, Any] = {}
    own = [(example.title, name) for name, example in handlers.own.found.items()]
    simulated, entries = False, {}
    missing = "No dataset is configured: run “make demo”, or set HEPHAESTUS_DATASET."
    shown: list[tuple[str, str]] = []
    try:
        if handlers.catalogue.configured:
            entries = dict(handlers.catalogue.entries)
            simulated = handlers.catalogue.simulated
            mark = " (simulated)" if simulated else ""
            shown = [
                (f"{example.title}{mark}: {example.entry.title}", example.entry.sample_id)
                for example in handlers.examples()
            ]
    except HephaestusError as error:
        missing = str(error)
    with gr.Tabs():
        with gr.Tab("Examples"):
            if not shown and not own:
                gr.HTML(text.notice(missing))
            form["example"] = gr.Radio(
                [*own, *shown],
                label="Interferograms",
                info=guide.examples_help(bool(own), bool(shown), simulated),
                visible=bool(shown or own),
                elem_id="example",
            )
        with gr.Tab("Upload"):
            gr.HTML("", elem_id="too-large")
            form["upload"] = file_input(label="Files of one scene", height=150, elem_id="upload")
            gr.HTML(guide.upload_help(handlers.settings))
        with gr.Tab("Browse"):
            if not entries:
                gr.HTML(text.notice(missing))
            frames = sorted({entry.frame_id for entry in entries.values()})
            form["frame"] = gr.Dropdown(
                frames, value=None, label="Frame", visible=bool(entries), elem_id="frame"
            )
            form["primary"] = gr.Dropdown(
                [], label="Primary date", visible=bool(entries), elem_id="primary"
            )
            form["sample"] = gr.Dropdown(
                [], label="Secondary dates", visible=bool(entries), elem_id="secondary"
            )
            form["browse"] = gr.Button(
                "Analyse this series", variant="primary", visible=bool(entries)
            )
    return form


def _model_pickers(handlers: Handlers) -> list[gr.Dropdown]:
    settings = handlers.settings
    found = local_models(settings)
    with gr.Accordion("Models", open=False):
        pickers = []
        for title, own in (
            ("Segmentation model", settings.segmenter),
            ("Classifier", settings.classifier),
        ):
            value = label(own) if own else NO_MODEL
            pickers.append(
                gr.Dropdown(
                    list(dict.fromkeys([value, *found, NO_MODEL])),
                    value=value,
                    label=title,
                    info="One of the list, or any Hub repository: NAMESPACE/NAME[@REVISION].",
                    allow_custom_value=True,
                )
            )
    return pickers


def _results(parts: dict[str, Any], buttons: dict[str, Any]) -> None:
    hint = "Choose an example, send a file, or browse the dataset."
    with gr.Group(elem_id="state"):
        parts["notice"] = gr.HTML(text.notice(hint), elem_id="notice")
        buttons["cancel"] = gr.Button("Cancel", size="sm", elem_id="cancel")
    parts["numbers"] = gr.HTML(text.empty_numbers(), elem_id="numbers")
    parts["picture"] = gr.HTML(picture.empty_picture(), elem_id="picture")
    buttons["part"] = gr.Button("Judge the drawn box first", size="sm", elem_id="part")
    parts["threshold"] = gr.Slider(
        0.01,
        0.99,
        value=0.5,
        step=0.01,
        label="Threshold of the mask",
        info="Starts at the model’s own, chosen on validation data. Moving it asks no model.",
        interactive=False,
        elem_id="threshold",
    )
    with gr.Accordion("Dates of the series", open=True):
        parts["strip"] = gr.HTML(picture.strip(None), elem_id="strip")
    with gr.Accordion("Map", open=True):
        parts["map"] = gr.HTML(maps.empty_map(), elem_id="map")
    parts["downloads"] = gr.HTML(text.downloads(None, None, downloads.NAMES), elem_id="downloads")
    with gr.Accordion("Who answered", open=False):
        parts["models"] = gr.HTML(text.models(None), elem_id="models")


def _manual() -> None:
    with gr.Accordion("How to read this page", open=False):
        gr.Markdown(guide.READING)
    with gr.Accordion("Ask from a program", open=False):
        gr.Markdown(guide.API, elem_id="program")


def _api(handlers: Handlers) -> None:
    """The endpoint for programs; its inputs are invisible."""
    inputs = [
        file_input(label="files", visible=False),
        gr.Textbox("", label="sample", visible=False),
        gr.Textbox("", label="segmenter", visible=False),
        gr.Textbox("", label="classifier", visible=False),
        gr.Number(-1, label="threshold", visible=False),
    ]
    gr.Button(visible=False).click(
        handlers.endpoint.predict,
        inputs,
        gr.JSON(visible=False),
        api_name="predict",
        api_description="Probability, area and centroid of deformation in an interferogram.",
        concurrency_id="analysis",
        concurrency_limit=handlers.settings.jobs,
    )
