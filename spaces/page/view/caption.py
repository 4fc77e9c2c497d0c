"""What a model wrote of the scene, told apart from the verdict."""

from __future__ import annotations

from html import escape

from hub.inference.prediction import Prediction


def written(prediction: Prediction) -> str:
    """The sentence with who wrote it, as HTML; empty where nobody was asked."""
    caption = prediction.caption
    if caption is None:
        return ""
    return (
        f'<p class="caption">In words: “{escape(caption.text)}” <span class="quiet">Written by a '
        f"model ({escape(caption.model)}) about the surroundings of that place; no part of the "
        "verdict, and it may be wrong.</span></p>"
    )
