"""The page in Gradio blocks, and which event calls which handler."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dataset_script.errors import HephaestusError
from page.answers import downloads
from page.answers.loaded_models import NO_MODEL, local_models
from page.handlers import OUTPUTS, Handlers
from page.inputs.catalogue import Catalogue
from page.view import guide, maps, panels, text
from page.view.file_input import file_input

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
        gr.HTML(text.masthead())
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_id="form"):
                form = _input_tabs(handlers)
                pickers = _model_pickers(handlers)
                again = gr.Button("Analyse this scene again", size="sm")
            with gr.Column(scale=9, min_width=320):
                _results(parts)
        _manual()
        _wire(handlers, form, pickers, again, parts)
        _api(handlers)
    page.queue(max_size=settings.queue, default_concurrency_limit=8)
    return page


def _input_tabs(handlers: Handlers) -> dict[str, Any]:
    form: dict[str, Any] = {}
    try:
        shown, entries = handlers.examples(), {}
        entries = dict(handlers.catalogue.entries) if handlers.catalogue.configured else {}
        missing = "No dataset is configured: run “make demo”, or set HEPHAESTUS_DATASET."
    except HephaestusError as error:
        shown, entries, missing = [], {}, str(error)
    with gr.Tabs():
        with gr.Tab("Examples"):
            if not shown:
                gr.HTML(text.notice(missing))
            form["example"] = gr.Radio(
                [(example.title, example.entry.sample_id) for example in shown],
                label="From the dataset",
                info="Chosen by the annotations, not by what the models say of them.",
                visible=bool(shown),
                elem_id="example",
            )
        with gr.Tab("Upload"):
            form["upload"] = file_input(
                label="GeoTIFFs, .npz or .zarr.zip", height=150, elem_id="upload"
            )
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
        for label, own in (
            ("Segmentation model", settings.segmenter),
            ("Classifier", settings.classifier),
        ):
            choices = list(dict.fromkeys([*filter(None, [own]), *found, NO_MODEL]))
            pickers.append(
                gr.Dropdown(
                    choices,
                    value=own or NO_MODEL,
                    label=label,
                    info="A folder of the list, or any Hub repository: NAMESPACE/NAME[@REVISION].",
                    allow_custom_value=True,
                )
            )
    return pickers


def _results(parts: dict[str, Any]) -> None:
    hint = "Choose an example, send a file, or browse the dataset."
    parts["notice"] = gr.HTML(text.notice(hint), elem_id="notice")
    parts["numbers"] = gr.HTML(text.empty_numbers(), elem_id="numbers")
    parts["threshold"] = gr.Slider(
        0.01,
        0.99,
        value=0.5,
        step=0.01,
        label="Threshold of the mask",
        info="Starts at the model’s own, chosen on validation data. Moving it asks no model again.",
        interactive=False,
        elem_id="threshold",
    )
    parts["outline"] = gr.HTML(panels.outline(None), elem_id="outline")
    parts["panels"] = gr.HTML(panels.empty_panels(), elem_id="panels")
    with gr.Accordion("Steps of the time series", open=True):
        parts["strip"] = gr.HTML(panels.strip(None), elem_id="strip")
    with gr.Accordion("Map", open=True):
        parts["map"] = gr.HTML(maps.empty_map(), elem_id="map")
    parts["downloads"] = gr.HTML(text.downloads(None, None, downloads.NAMES), elem_id="downloads")
    with gr.Accordion("Who answered", open=True):
        parts["models"] = gr.HTML(text.models(None), elem_id="models")


def _manual() -> None:
    with gr.Accordion("How to read this page", open=False):
        gr.Markdown(guide.READING)
    with gr.Accordion("Ask from a program", open=False):
        gr.Markdown(guide.API)


def _wire(
    handlers: Handlers,
    form: dict[str, Any],
    pickers: list[gr.Dropdown],
    again: gr.Button,
    parts: dict[str, Any],
) -> None:
    outputs = [parts[name] for name in OUTPUTS]
    # Only the notice shows that work goes on, so that nothing else flickers or moves.
    heavy: dict[str, Any] = {
        "show_progress_on": parts["notice"],
        "concurrency_id": "analysis",
        "concurrency_limit": handlers.settings.jobs,
        "api_visibility": "private",
    }
    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    form["example"].input(handlers.from_sample, [form["example"], *pickers], outputs, **heavy)
    form["browse"].click(handlers.from_sample, [form["sample"], *pickers], outputs, **heavy)
    form["upload"].upload(
        handlers.from_upload, [form["upload"], *pickers], [*outputs, form["upload"]], **heavy
    )
    again.click(handlers.again, [parts["scene_token"], *pickers], outputs, **heavy)
    entries = handlers.catalogue
    form["frame"].input(
        lambda frame: _primaries(entries, frame),
        form["frame"],
        [form["primary"], form["sample"]],
        **light,
    )
    form["primary"].input(
        lambda frame, primary: _secondaries(entries, frame, primary),
        [form["frame"], form["primary"]],
        form["sample"],
        **light,
    )
    look = [parts["answer_token"], parts["threshold"]]
    parts["threshold"].input(
        handlers.redraw,
        look,
        [parts["outline"], parts["numbers"], parts["downloads"], parts["notice"]],
        trigger_mode="always_last",
        **light,
    )
    parts["threshold"].release(handlers.redraw_map, look, parts["map"], **light)


def _primaries(catalogue: Catalogue, frame: str) -> tuple[dict, dict]:
    dates = sorted({e.primary_date for e in catalogue.entries.values() if e.frame_id == frame})
    choices = [f"{date:%Y-%m-%d}" for date in dates]
    return gr.update(choices=choices, value=None), gr.update(choices=[], value=None)


def _secondaries(catalogue: Catalogue, frame: str, primary: str) -> dict:
    choices = sorted(
        (f"{entry.dates} ({entry.split})", entry.sample_id)
        for entry in catalogue.entries.values()
        if entry.frame_id == frame and f"{entry.primary_date:%Y-%m-%d}" == primary
    )
    return gr.update(choices=choices, value=choices[0][1] if choices else None)


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
        handlers.predict,
        inputs,
        gr.JSON(visible=False),
        api_name="predict",
        api_description="Probability, area and centroid of deformation in an interferogram.",
        concurrency_id="analysis",
        concurrency_limit=handlers.settings.jobs,
    )
