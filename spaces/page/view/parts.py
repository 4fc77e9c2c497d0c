"""The parts of the page that an analysis fills: empty, at work, previewed, answered, refused."""

from __future__ import annotations

import re
from typing import Any

import gradio as gr

from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.answers.downloads import NAMES, available
from page.view import maps, picture, text

OUTPUTS = (
    "scene_token",
    "answer_token",
    "notice",
    "numbers",
    "threshold",
    "picture",
    "strip",
    "map",
    "downloads",
    "models",
)
"""The parts, in the order that the events return them."""

UNEXPECTED = (
    "Something went wrong in the page itself, and its operator’s log says what. Try again, or "
    "choose another scene."
)
"""What a visitor reads when the page itself has failed."""

REFUSED = (
    "The page could not take this request: too many are waiting, or it was broken on its way. Try "
    "again in a minute."
)
"""What a visitor reads when Gradio has refused."""

CANCELLED = "Cancelled: nothing was judged. Choose a scene, or analyse this one again."


def empty() -> dict[str, Any]:
    """The parts below the notice without a result."""
    return {
        "answer_token": "",
        "numbers": text.empty_numbers(),
        "threshold": gr.update(interactive=False),
        "picture": picture.empty_picture(),
        "strip": picture.strip(None),
        "map": maps.empty_map(),
        "downloads": text.downloads(None, None, NAMES),
        "models": text.models(None),
    }


def blank(message: str, kind: str, turn: int) -> dict[str, Any]:
    """No result, and why."""
    return {**empty(), "notice": text.notice(for_visitors(message), kind, turn)}


def for_visitors(message: str) -> str:
    """A message of a command in words for those who gave none."""
    message = re.sub(r",? or say [^;.]*--\w+[^;.]*", "", message)
    return re.sub(
        r"run the same command again(,? (?:in a few minutes|in \d+ s))?"
        r"(, it sends only what is missing)?",
        lambda found: f"try again{found[1] or ' in a few minutes'}",
        message,
    )


def working(what: str, turn: int, share: float = 0.0, seconds: float | None = None) -> str:
    """The notice while an analysis runs.

    Args:
        what: What is being done.
        turn: Number of the visitor's choice.
        share: The share that is done, 0..1.
        seconds: How long it still takes, if that can be told.
    """
    return text.progress(f"{what}{text.remaining(seconds)}", share, turn)


def preview(scene: Scene, token: str) -> dict[str, Any]:
    """The scene's picture while the models run; the former result is taken away."""
    return {
        **empty(),
        "numbers": text.empty_numbers(text.scene_line(scene)),
        "picture": picture.picture(scene, None, token),
    }


def preliminary(answer: Answer, token: str) -> dict[str, Any]:
    """A coarse answer of a large scene while most of its windows are still to be asked.

    Nothing of it can be taken away: no link, no file, no map.
    """
    return {
        "answer_token": "",
        "numbers": text.first_look(answer),
        "picture": picture.picture(answer.scene, answer, token),
    }


def drawn(answer: Answer, token: str, turn: int) -> dict[str, Any]:
    """Every part but the scene's token, of an answer."""
    shown = answer.segmentation
    return {
        "answer_token": token,
        "notice": text.scene_notice(answer.scene, answer.known, turn, token),
        "numbers": text.numbers(answer),
        "threshold": gr.update(
            value=0.5 if shown is None else round(shown.threshold, 2), interactive=shown is not None
        ),
        "picture": picture.picture(answer.scene, answer, token),
        "strip": picture.strip(answer.scene),
        "map": maps.mask_map(answer),
        "downloads": text.downloads(token, None, available(answer)),
        "models": text.models(answer),
    }
