"""The page's words as HTML: notices, numbers, links. What comes from outside is escaped here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dataset_script.channels import select
from hub.inference.prediction import Prediction
from hub.inference.verdict import in_words
from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.view.panels import scene_coherence
from training.facts import ModelFacts


def masthead() -> str:
    """Title, purpose, and the warning that this is research."""
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


def scene_notice(scene: Scene, annotation: str = "") -> str:
    """Which scene is shown, and its annotation."""
    parts = [scene.name, f"{scene.height} × {scene.width} pixels"]
    parts.append(f"{scene.steps} interferogram{'s' if scene.steps > 1 else ''}")
    if scene.primary_date:
        parts.append(f"primary date {scene.primary_date:%-d %B %Y}")
    more = f'<p class="quiet">{escape(annotation)}</p>' if annotation else ""
    head = f"<p>{escape(' · '.join(parts))}</p>"
    return f'<div class="hm notice ready" role="status">{head}{more}</div>'


def empty_numbers() -> str:
    """The four boxes before there is a result."""
    names = ("Verdict", "Deforming area", "Centroid", "Mean coherence")
    boxes = "".join(f'<div><dt>{n}</dt><dd class="big">–</dd></div>' for n in names)
    return _verdict(f'<dl class="numbers">{boxes}</dl>', "")


def numbers(answer: Answer) -> str:
    """Verdict, area, centroid, coherence, and warnings."""
    verdict, area, place = answer.prediction.verdict, "–", "–"
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
    coherence = scene_coherence(answer.scene)
    ticks = (f'<b style="left:{limit:.1%}"></b>' for limit in dict.fromkeys(verdict.first.limits))
    boxes = (
        _box(
            "Verdict",
            verdict.headline,
            '<div class="bar" aria-hidden="true">'
            f'<i style="width:{verdict.probability:.1%}"></i>{"".join(ticks)}</div>'
            f"{escape(verdict.reason)}.",
        ),
        _box("Deforming area", area, where),
        _box("Centroid", place, "of the largest patch" if place != "–" else "no mask or no place"),
        _box(
            "Mean coherence",
            "–" if math.isnan(coherence) else f"{coherence:.2f}",
            "not given" if math.isnan(coherence) else "0 is noise, 1 is perfect",
        ),
    )
    return _verdict(
        f'<dl class="numbers" aria-live="polite">{"".join(boxes)}</dl>', _warnings(answer)
    )


def _verdict(boxes: str, warnings: str) -> str:
    return (
        f'<div class="hm verdict">{boxes}<section class="warnings" role="status" tabindex="0">'
        f"<h2>To be wary of</h2>{warnings}</section></div>"
    )


def _box(name: str, value: str, detail: str) -> str:
    return f'<div><dt>{name}</dt><dd class="big">{value}</dd><dd class="small">{detail}</dd></div>'


def _warnings(answer: Answer) -> str:
    items = [f"<li>{escape(text)}</li>" for text in answer.prediction.all_warnings]
    items = items or ['<li class="good">Nothing odd about the input.</li>']
    return f"<ul>{''.join(items)}</ul>"


def _place(longitude: float, latitude: float) -> str:
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"{abs(latitude):.3f}° {north}<br>{abs(longitude):.3f}° {east}"


def downloads(token: str | None, threshold: float | None, names: Mapping[str, str]) -> str:
    """Links to the result's files, made when they are asked for.

    Args:
        token: The result's; None before there is one.
        threshold: The mask's where it was moved, carried in the link so that the file shows what
            the page does.
        names: File name to what it is.
    """
    if token is None:
        links = [f"<span>{escape(title)}</span>" for title in names.values()]
    else:
        query = "" if threshold is None else f"?threshold={threshold!r}"
        links = [
            f'<a href="result/{token}/{name}{query}" download>{escape(title)}</a>'
            for name, title in names.items()
        ]
    return f'<nav class="hm downloads" aria-label="Downloads">{"".join(links)}</nav>'


def models(answer: Answer | None) -> str:
    """The models' names, revisions, training data and input channels."""
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
        "Verdict": _limits(facts),
        **_mask_threshold(facts),
        "Calibration": f"temperature {facts.temperature:.2f}",
    }
    cells = "".join(
        f"<tr><th scope=row>{k}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items()
    )
    return f"<div><h2>{facts.objective.capitalize()}</h2><table>{cells}</table></div>"


def _mask_threshold(facts: ModelFacts) -> dict[str, str]:
    if facts.objective != "segmentation":
        return {}
    return {"Mask": f"from {facts.threshold:.3f} on, chosen on validation data"}


def _limits(facts: ModelFacts) -> str:
    low, high = map(in_words, facts.limits)
    if low == high:
        return f"deformation from {high} on, chosen on validation data"
    return f"deformation from {high} on, none below {low}, unsure between; of validation data"


def _channels(names: Sequence[str]) -> str:
    """The channels' titles; the many atmospheric ones are counted."""
    titles = [channel.title for channel in select(names) if channel.physics != "weather"]
    fields = len(names) - len(titles)
    return ", ".join([*titles, *([f"{fields} ERA5 fields"] if fields else [])])
