"""The page's pictures as HTML: panels with legends, the mask's outline, the strip of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from dataset_script.channels import FRINGE_CM
from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.view import images

_PANELS = ("Wrapped phase", "Probability of deformation", "Coherence", "Phase over terrain")
_WAITING = "Choose a scene: the picture appears here."


def _panel(title: str, body: str, legend: str, detail: str = "") -> str:
    more = f" <span>{escape(detail)}</span>" if detail else ""
    return (
        f'<figure class="panel"><figcaption>{escape(title)}{more}</figcaption>'
        f'<div class="frame">{body}</div>{legend}</figure>'
    )


def _image(uri: str, alternative: str) -> str:
    return f'<img src="{uri}" alt="{escape(alternative)}">'


def _empty(text: str) -> str:
    return f'<div class="empty">{escape(text)}</div>'


def _ramp(colours: str, ticks: Sequence[str], text: str) -> str:
    labels = "".join(f"<span>{tick}</span>" for tick in ticks)
    return (
        f'<div class="legend"><div class="ramp" style="background:{images.gradient(colours)}">'
        f'</div><div class="ticks">{labels}</div><div>{text}</div></div>'
    )


def _phase_legend() -> str:
    half = FRINGE_CM / 2
    ticks = (f"−π<br>−{half:.2f} cm", "0<br>0 cm", f"π rad<br>+{half:.2f} cm")
    text = f"Cyclic: one fringe is {FRINGE_CM:.2f} cm of motion along the line of sight."
    return _ramp("romaO", ticks, text)


def _probability_legend() -> str:
    return _ramp(
        "lajolla",
        ("0", "0.5", "1"),
        "White: the mask at the threshold. Dashed yellow: the annotators’ mask, if known.",
    )


def _coherence_legend() -> str:
    return _ramp("grayC", ("0", "0.5", "1"), "Dark is decorrelated: phase there is noise.")


def empty_panels() -> str:
    """The four frames before there is a result, as tall as they will be."""
    legends = (_phase_legend(), _probability_legend(), _coherence_legend(), _phase_legend())
    return _grid(
        "panels", [_panel(t, _empty(_WAITING), x) for t, x in zip(_PANELS, legends, strict=True)]
    )


def _grid(kind: str, panels: Sequence[str]) -> str:
    return f'<div class="hm {kind}">{"".join(panels)}</div>'


def panels(answer: Answer) -> str:
    """The four pictures of the last interferogram."""
    scene = answer.scene
    phase, hidden = scene.insar_difference[-1], scene.nodata
    when = _dates(scene, -1)
    line, said = '<div class="outline"></div>', answer.prediction.verdict.text
    bodies = [
        _image(images.phase(phase, hidden), f"Wrapped phase, {when}. {said}") + line,
        _probability_body(answer) + line,
        _empty("No coherence was given.")
        if scene.insar_coherence is None
        else _image(
            images.coherence(scene.insar_coherence[-1], hidden),
            f"Coherence, {when}; mean {scene_coherence(scene):.2f}",
        ),
        _image(
            images.phase_over_terrain(phase, scene.dem, hidden, pixel_metres(scene)),
            "Wrapped phase over shaded relief" if scene.dem is not None else "Phase, no relief",
        ),
    ]
    legends = (_phase_legend(), _probability_legend(), _coherence_legend(), _phase_legend())
    details = (when, "", when, "" if scene.dem is not None else "no elevation was given")
    parts = zip(_PANELS, bodies, legends, details, strict=True)
    return _grid("panels", [_panel(*part) for part in parts])


def _probability_body(answer: Answer) -> str:
    if answer.segmentation is None or answer.segmentation.probability is None:
        return _empty("No segmentation model was asked.")
    probability = answer.segmentation.probability
    highest = float(np.nanmax(probability))
    return _image(
        images.probability(probability, answer.scene.nodata),
        f"Probability of deformation of each pixel, {highest:.2f} at most",
    )


def outline(answer: Answer | None) -> str:
    """The mask's outline, laid over the pictures that have a place for it.

    It is a style of its own, so that moving the threshold sends a few hundred bytes and redraws
    no picture.
    """
    if answer is None or answer.segmentation is None or answer.segmentation.mask is None:
        return "<style>.frame .outline { background-image: none !important }</style>"
    uri = images.outline(answer.segmentation.mask, answer.scene.reference)
    return f"<style>.frame .outline {{ background-image: url({uri}) !important }}</style>"


def strip(answer: Answer | None) -> str:
    """The steps of the time series, oldest first."""
    if answer is None:
        return _grid("strip", [_panel(f"Step {i}", _empty(""), "") for i in (1, 2, 3)])
    scene = answer.scene
    panels = []
    for step in range(scene.steps):
        hidden = scene.nodata | (scene.insar_difference[step] == 0)
        when = _dates(scene, step)
        picture = _image(
            images.phase(scene.insar_difference[step], hidden), f"Wrapped phase, {when}"
        )
        panels.append(_panel(when, picture, ""))
    return _grid("strip", panels)


def _dates(scene: Scene, step: int) -> str:
    if scene.primary_date is None or not scene.secondary_dates:
        return f"step {step % scene.steps + 1} of {scene.steps}"
    return f"{scene.primary_date:%Y-%m-%d} to {scene.secondary_dates[step]:%Y-%m-%d}"


def scene_coherence(scene: Scene) -> float:
    """Mean coherence, 0..1, over the pixels with data; NaN without coherence."""
    if scene.insar_coherence is None:
        return math.nan
    return float(scene.insar_coherence[:, ~scene.nodata].mean() / 255)


def pixel_metres(scene: Scene) -> float:
    """Side of a pixel on the ground, for shading alone; 100 m where it is not known."""
    if scene.transform is None:
        return 100.0
    side = math.sqrt(abs(scene.transform.determinant))
    return side * 111_320 if side < 0.1 else side
