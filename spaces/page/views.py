"""The page's HTML fragments. Everything that comes from outside is escaped here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from dataset_script.channels import (
    ATMOSPHERIC_CHANNELS,
    INSAR_CHANNELS,
    WAVELENGTH_M,
    select,
)
from hub.prediction import Prediction
from hub.scene import Scene
from page import pictures
from page.analysis import Answer

FRINGE_CM = WAVELENGTH_M / 2 * 100
"""Line-of-sight motion of one full cycle of phase: half a wavelength, in centimetres."""

_PANELS = (
    "Wrapped phase",
    "Probability of deformation",
    "Coherence",
    "Phase over terrain",
)
_WAITING = "Choose a scene: the picture appears here."


def masthead() -> str:
    """Title, purpose, and what the page is not."""
    return """<header class="hm masthead"><div><h1>Is the volcano moving?</h1>
<p class="quiet">Deformation in Sentinel-1 interferograms: give one to three of one primary date,
get a georeferenced mask back.</p></div>
<p class="research" role="note"><strong>Research, not an alert.</strong> The models err in both
directions. Do not base decisions about safety on this page: ask the volcano’s observatory.</p>
</header>"""


def notice(text: str, kind: str = "") -> str:
    """A sentence in place of a result; `kind` "error" is announced to screen readers at once."""
    role = "alert" if kind == "error" else "status"
    head = "<strong>Not possible.</strong>" if kind == "error" else ""
    return f'<div class="hm notice {kind}" role="{role}">{head}{escape(text)}</div>'


def scene_notice(scene: Scene, said: str = "") -> str:
    """What is being looked at, and what the annotators say of it."""
    parts = [scene.name, f"{scene.height} × {scene.width} pixels"]
    parts.append(f"{scene.steps} interferogram{'s' if scene.steps > 1 else ''}")
    if scene.primary_date:
        parts.append(f"primary date {scene.primary_date:%-d %B %Y}")
    more = f'<p class="quiet">{escape(said)}</p>' if said else ""
    head = f"<p>{escape(' · '.join(parts))}</p>"
    return f'<div class="hm notice ready" role="status">{head}{more}</div>'


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
        f'<div class="legend"><div class="ramp" style="background:{pictures.gradient(colours)}">'
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
    return _ramp("gray", ("0", "0.5", "1"), "Dark is decorrelated: phase there is noise.")


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
    line = '<div class="outline"></div>'
    said = verdict_text(answer.verdict)
    bodies = [
        _image(pictures.phase(phase, hidden), f"Wrapped phase, {when}. {said}") + line,
        _probability_body(answer) + line,
        _empty("No coherence was given.")
        if scene.insar_coherence is None
        else _image(
            pictures.coherence(scene.insar_coherence[-1], hidden),
            f"Coherence, {when}; mean {mean_coherence(scene):.2f}",
        ),
        _image(
            pictures.phase_over_terrain(phase, scene.dem, hidden, pixel_metres(scene)),
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
        pictures.probability(probability, answer.scene.nodata),
        f"Probability of deformation of each pixel, {highest:.2f} at most",
    )


def outline(answer: Answer | None) -> str:
    """The mask's outline, laid over the pictures that have a place for it.

    It is a style of its own, so that moving the threshold sends a few hundred bytes and redraws
    no picture.
    """
    if answer is None or answer.segmentation is None or answer.segmentation.mask is None:
        return "<style>.frame .outline { background-image: none !important }</style>"
    uri = pictures.outline(answer.segmentation.mask, answer.scene.reference)
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
            pictures.phase(scene.insar_difference[step], hidden), f"Wrapped phase, {when}"
        )
        panels.append(_panel(when, picture, ""))
    return _grid("strip", panels)


def _dates(scene: Scene, step: int) -> str:
    if scene.primary_date is None or not scene.secondary_dates:
        return f"step {step % scene.steps + 1} of {scene.steps}"
    return f"{scene.primary_date:%Y-%m-%d} to {scene.secondary_dates[step]:%Y-%m-%d}"


def mean_coherence(scene: Scene) -> float:
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


def verdict_text(prediction: Prediction) -> str:
    """The whole image's answer in two words."""
    return prediction.decision.replace("Non_", "No ").capitalize()


def empty_facts() -> str:
    """The four boxes before there is a result."""
    names = ("Classification", "Deforming area", "Centroid", "Mean coherence")
    boxes = "".join(f'<div><dt>{n}</dt><dd class="big">–</dd></div>' for n in names)
    return _verdict(f'<dl class="facts">{boxes}</dl>', "")


def facts(answer: Answer) -> str:
    """Verdict, area, centroid, coherence, and what to be wary of."""
    verdict, area, place = answer.verdict, "–", "–"
    where = "no segmentation model was asked"
    if answer.segmentation is not None:
        drawn = answer.segmentation
        found = f"{len(drawn.regions)} patch{'es' if len(drawn.regions) != 1 else ''}"
        if drawn.mask is not None and not drawn.scene.georeferenced:
            found = f"{int(drawn.mask.sum()):,} pixels (no georeference)"
        where = f"above {drawn.threshold:.2f}, {found}"
        if drawn.reference_iou is not None:
            where += f"; IoU with the annotated mask {drawn.reference_iou:.2f}"
        if drawn.area_km2 is not None:
            area = f"{drawn.area_km2:,.1f} km²"
        if drawn.centroid is not None:
            place = _place(*drawn.centroid)
    coherence = mean_coherence(answer.scene)
    share = verdict.image_probability
    who = "calibrated" if answer.classification is not None else "of the likeliest square kilometre"
    boxes = (
        _box(
            "Classification",
            f"{verdict_text(verdict)}",
            f'<div class="bar" aria-hidden="true"><i style="width:{share:.1%}"></i>'
            f'<b style="left:{verdict.threshold:.1%}"></b></div>'
            f"probability {share:.1%}, {who}; decides at {verdict.threshold:.0%}",
        ),
        _box("Deforming area", area, where),
        _box(
            "Centroid",
            place,
            "of the largest patch" if place != "–" else "no mask or no place",
        ),
        _box(
            "Mean coherence",
            "–" if math.isnan(coherence) else f"{coherence:.2f}",
            "not given" if math.isnan(coherence) else "0 is noise, 1 is perfect",
        ),
    )
    return _verdict(
        f'<dl class="facts" aria-live="polite">{"".join(boxes)}</dl>', _warnings(answer)
    )


def _verdict(boxes: str, warnings: str) -> str:
    return (
        f'<div class="hm verdict">{boxes}<section class="warnings" role="status" tabindex="0">'
        f"<h2>To be wary of</h2>{warnings}</section></div>"
    )


def _box(name: str, value: str, detail: str) -> str:
    return f'<div><dt>{name}</dt><dd class="big">{value}</dd><dd class="small">{detail}</dd></div>'


def _warnings(answer: Answer) -> str:
    items = [f"<li>{escape(text)}</li>" for text in answer.warnings]
    items = items or ['<li class="good">Nothing odd about the input.</li>']
    return f"<ul>{''.join(items)}</ul>"


def _place(longitude: float, latitude: float) -> str:
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"{abs(latitude):.3f}° {north}<br>{abs(longitude):.3f}° {east}"


def downloads(token: str | None, threshold: float | None, names: Mapping[str, str]) -> str:
    """Links to the result's files, made when they are asked for.

    Args:
        token: The result's; None before there is one.
        threshold: The mask's, carried in the link so that the file shows what the page does.
        names: File name to what it is.
    """
    if token is None:
        links = [f"<span>{escape(title)}</span>" for title in names.values()]
    else:
        query = "" if threshold is None else f"?threshold={threshold:.4f}"
        links = [
            f'<a href="result/{token}/{name}{query}" download>{escape(title)}</a>'
            for name, title in names.items()
        ]
    return f'<nav class="hm downloads" aria-label="Downloads">{"".join(links)}</nav>'


def models(answer: Answer | None) -> str:
    """Who answered: name, revision, training data and what it looks at."""
    if answer is None:
        return (
            '<div class="hm quiet">The models’ names and training data appear with a result.</div>'
        )
    return f'<div class="hm models">{"".join(map(_model, answer.predictions))}</div>'


def _model(prediction: Prediction) -> str:
    facts = prediction.facts
    rows: dict[str, Any] = {
        "Model": prediction.model,
        "Revision": "local folder" if prediction.revision == "local" else prediction.revision,
        "Architecture": " ".join(filter(None, (facts.library, facts.architecture, facts.encoder))),
        "Training data": f"{facts.dataset or 'not stated'}; split “{facts.split}”",
        "Looks at": f"{facts.timeseries_length} × ({_channels(facts.channels)})",
        "Threshold": f"{facts.threshold:.2f}, chosen on validation data",
        "Calibration": f"temperature {facts.temperature:.2f}",
    }
    cells = "".join(
        f"<tr><th scope=row>{k}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items()
    )
    return f"<div><h2>{facts.objective.capitalize()}</h2><table>{cells}</table></div>"


def _channels(names: Sequence[str]) -> str:
    """The channels' titles; the many atmospheric ones are counted."""
    titles = [channel.title for channel in select(names) if channel.name in INSAR_CHANNELS]
    fields = sum(name in ATMOSPHERIC_CHANNELS for name in names)
    return ", ".join([*titles, *([f"{fields} ERA5 fields"] if fields else [])])
