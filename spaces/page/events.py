"""Which event of the page calls which handler.

Each choice of a visitor has a number, counted up in the browser (`page.js`). It goes ahead of the
analysis, past the queue, so that whatever an earlier choice still does can end; and it comes back
with the answer, so that nothing of an earlier choice is mistaken for the new one's.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from page.handlers import Handlers
from page.inputs.catalogue import Catalogue
from page.view.parts import OUTPUTS

_NEXT = "(...inputs) => [...inputs.slice(0, -1), hephaestus.next()]"
"""Puts the next number in the place of the last input."""

_AHEAD = "(...inputs) => [hephaestus.announce()]"
"""The number of the choice that is being made, for the word that goes ahead of it."""

_AFTER = "(...inputs) => [hephaestus.after()]"
"""A number after every choice's."""

_SAME = "() => [hephaestus.turn]"
"""The number of the last choice."""

_LEVEL = "(token, value, ...rest) => hephaestus.level(token, value, rest)"
"""Moves a threshold that was typed into the slider's range, before Gradio refuses it."""

_BOX = "(...inputs) => [...inputs.slice(0, -2), hephaestus.box(), hephaestus.next()]"
"""The same, and the box that was drawn before it."""


def wire(
    page: gr.Blocks,
    handlers: Handlers,
    form: dict[str, Any],
    pickers: list[gr.Dropdown],
    buttons: dict[str, Any],
    parts: dict[str, Any],
    turn: gr.Textbox,
    box: gr.Textbox,
) -> None:
    """Connect the page's controls.

    Args:
        page: The page, open.
        handlers: What is called.
        form: Controls by which a scene is chosen.
        pickers: Segmentation model and classifier.
        buttons: again, part and cancel.
        parts: What an analysis fills.
        turn: Carries the number of a choice.
        box: Carries the box that was drawn.
    """
    outputs = [parts[name] for name in OUTPUTS]
    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    heavy: dict[str, Any] = {
        **light,
        "concurrency_id": "analysis",
        "concurrency_limit": handlers.settings.jobs,
        # Gradio's default would drop a choice that is made while another is at work.
        "trigger_mode": "multiple",
        "js": _NEXT,
    }
    at_once: dict[str, Any] = {**light, "queue": False, "trigger_mode": "multiple", "js": _AHEAD}
    scene = parts["scene_token"]
    for trigger in (
        form["example"].input,
        form["browse"].click,
        form["upload"].upload,
        buttons["again"].click,
        buttons["part"].click,
    ):
        trigger(handlers.announce, [turn], None, **at_once)
    example, sample, upload = form["example"], form["sample"], form["upload"]
    for analysis in (
        example.input(handlers.from_sample, [example, *pickers, turn], outputs, **heavy),
        form["browse"].click(handlers.from_sample, [sample, *pickers, turn], outputs, **heavy),
        upload.upload(handlers.from_upload, [upload, *pickers, turn], [*outputs, upload], **heavy),
        buttons["again"].click(handlers.again, [scene, *pickers, turn], outputs, **heavy),
        buttons["part"].click(
            handlers.part, [scene, *pickers, box, turn], outputs, **heavy | {"js": _BOX}
        ),
    ):
        analysis.failure(handlers.refused, [turn], outputs, **at_once | {"js": _SAME})
    buttons["cancel"].click(handlers.cancel, [turn], outputs, **at_once | {"js": _AFTER})
    page.load(handlers.restore, None, outputs, **light)
    page.unload(handlers.leave)
    _browse(handlers.catalogue, form, light)
    look = [parts["answer_token"], parts["threshold"]]
    level: dict[str, Any] = {**light, "js": _LEVEL}
    parts["threshold"].input(
        handlers.redraw,
        [*look, turn],
        [parts["numbers"], parts["downloads"], parts["threshold"], parts["notice"]],
        trigger_mode="always_last",
        **level,
    )
    parts["threshold"].release(handlers.redraw_map, look, parts["map"], **level)


def _browse(entries: Catalogue, form: dict[str, Any], light: dict[str, Any]) -> None:
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
