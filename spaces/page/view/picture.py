"""The picture to explore as HTML, its legends, and the strip of a series' dates.

`explorer.js` fills the picture: `layers` serves what it shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape

from dataset_script.channels import FRINGE_CM
from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.view import images

LAYERS = {
    "phase": "Wrapped phase",
    "probability": "Probability of deformation",
    "coherence": "Coherence",
    "phase_over_relief": "Phase on relief",
    "relief": "Relief",
}
"""What the picture can show, best first; the first two there are lie one over the other."""


def layers_of(scene: Scene, answer: Answer | None) -> list[str]:
    """Names of those of `LAYERS` that a scene and its answer have."""
    drawn = answer is not None and answer.segmentation is not None
    there = {"phase": True, "probability": drawn, "coherence": scene.insar_coherence is not None}
    return [name for name in LAYERS if there.get(name, scene.dem is not None)]


def empty_picture() -> str:
    """The picture's place before there is one, as tall as it will be."""
    frame = '<div class="frame"><div class="empty">Choose a scene: its picture appears here.</div>'
    return f'<div class="hp explorer">{frame}</div><div class="legends">{legends(())}</div></div>'


def picture(scene: Scene, answer: Answer | None, token: str) -> str:
    """The picture of a scene, or of an answer.

    Args:
        scene: The scene.
        answer: Its answer; None for a preview while the models run.
        token: Of the answer, or of the scene.
    """
    names = layers_of(scene, answer)
    said = "Preview" if answer is None else answer.prediction.verdict.text
    words = f"Picture of the scene: {', '.join(LAYERS[name].lower() for name in names)}. {said}"
    drawn = answer is not None and answer.segmentation is not None
    facts = {
        "token": token,
        "scene": scene.name,
        "height": scene.height,
        "width": scene.width,
        "steps": scene.steps,
        "mask": drawn,
    }
    over = names[1] if len(names) > 1 else names[0]
    chosen = (
        _select("under", "Picture", [(n, LAYERS[n]) for n in names], names[0]),
        _select("over", "Over it", [(n, LAYERS[n]) for n in names], over),
        '<label>Opacity <input name="opacity" type="range" min="0" max="100" value="0"'
        ' aria-valuetext="0 %"></label>',
        _select("step", "Date", [(str(i), dates(scene, i)) for i in range(scene.steps)], "")
        if scene.steps > 1
        else "",
        '<button type="button" name="near">Closer</button>',
        '<button type="button" name="far">Farther</button>',
        '<button type="button" name="whole">Whole scene</button>',
        '<button type="button" name="box" aria-pressed="false">Draw a box</button>',
    )
    return (
        f'<div class="hp explorer" data-facts="{escape(json.dumps(facts))}">'
        f'<div class="frame"><div class="plot" role="application" tabindex="0" '
        f'aria-label="{escape(words)} Arrow keys move the point; Enter shows its values."></div>'
        '<div class="readout" aria-hidden="true"></div></div>'
        f'<div class="controls" role="group" aria-label="Layers">{"".join(chosen)}</div>'
        f'<div class="legends">{legends(names)}</div>'
        '<div class="pixel" aria-live="polite"><p class="quiet">Click on the picture: all dates of '
        "that pixel appear here, relative to a point that you can move.</p></div></div>"
    )


def _select(name: str, label: str, choices: Sequence[tuple[str, str]], chosen: str) -> str:
    chosen = chosen or choices[-1][0]
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{escape(title)}</option>'
        for value, title in choices
    )
    return f'<label>{label} <select name="{name}">{options}</select></label>'


def legends(names: Sequence[str]) -> str:
    """Legends of some layers; those of all that have one for none."""
    half = FRINGE_CM / 2
    ramps = {
        "phase": _ramp(
            "romaO",
            (f"−π<br>−{half:.2f} cm", "0<br>0 cm", f"π rad<br>+{half:.2f} cm"),
            f"Wrapped phase. One fringe, once round the colours, is {FRINGE_CM:.2f} cm along the "
            "line of sight.",
        ),
        "probability": _ramp(
            "lajolla",
            ("0", "0.5", "1"),
            "Probability of deformation. White line: the mask at the threshold; dashed yellow: a "
            "known one.",
        ),
        "coherence": _ramp(
            "grayC", ("0", "0.5", "1"), "Coherence. Dark is decorrelated: phase there is noise."
        ),
    }
    return "".join(ramp for name, ramp in ramps.items() if name in names or not names)


def _ramp(colours: str, ticks: Sequence[str], text: str) -> str:
    labels = "".join(f"<span>{tick}</span>" for tick in ticks)
    return (
        f'<div class="legend"><div class="ramp" style="background:{images.gradient(colours)}">'
        f'</div><div class="ticks">{labels}</div><div>{text}</div></div>'
    )


def strip(scene: Scene | None) -> str:
    """The dates of a time series, oldest first; nothing for a single one."""
    if scene is None or scene.steps == 1:
        said = "" if scene is None else "One interferogram: there is no series."
        return f'<div class="hp strip quiet">{said or "The dates of a series appear here."}</div>'
    panels = []
    for step in range(scene.steps):
        hidden = scene.nodata | (scene.insar_difference[step] == 0)
        when = dates(scene, step)
        uri = images.data_uri(images.phase(scene.insar_difference[step], hidden))
        panels.append(
            f'<figure class="panel"><figcaption>{escape(when)}</figcaption><div class="still">'
            f'<img src="{uri}" alt="Wrapped phase, {escape(when)}"></div></figure>'
        )
    return f'<div class="hp strip">{"".join(panels)}</div>'


def dates(scene: Scene, step: int) -> str:
    """The dates of an interferogram in words."""
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
