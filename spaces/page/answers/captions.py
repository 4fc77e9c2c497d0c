"""A sentence beside the verdict, where the operator names a model that writes one."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.inference.prediction import Prediction
from page.answers.loaded_models import label

if TYPE_CHECKING:
    from hub.inference.captioning import SceneCaptioner

_LOCK = threading.Lock()
_LOADED: dict[str, SceneCaptioner] = {}


def described(prediction: Prediction, captioner: str) -> Prediction:
    """A prediction with what a captioner writes of it; the verdict stays as it is.

    Args:
        prediction: Of the model that decides.
        captioner: Folder or repository; "" for none.

    Raises:
        HephaestusError: If it is no captioner, or does not load.
    """
    if not captioner:
        return prediction
    with _LOCK:  # one load at a time: two visitors would otherwise load it twice
        if captioner not in _LOADED:
            from hub.inference.captioning import SceneCaptioner  # brings torch

            # Sentences of one window are short work, which no GPU is borrowed for.
            _LOADED[captioner] = SceneCaptioner.from_pretrained(captioner, device="cpu")
    caption = _LOADED[captioner].describe(prediction)
    return replace(prediction, caption=replace(caption, model=label(captioner)))
