"""The page's words as HTML: notices, numbers, links. What comes from outside is escaped here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dataset_script.channels import select
from hub.inference.prediction import Prediction
from hub.inference.verdict import QUIET, in_words
from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.inputs.known import NOTHING, Known
from page.view.caption import written
from page.view.picture import scene_coherence
from page.view.sentence import lookalikes, sentence, sureness
from training.facts import ModelFacts

SIMULATED = '<span class="simulated">Simulated</span> '
"""Marks a scene whose pixels are made."""

_MARKS = {
    "deformation": '<span aria-hidden="true">▲</span>',
    "non_deformation": '<span aria-hidden="true">●</span>',
    "unsure": '<span aria-hidden="true">◆</span>',
    "disagree": '<span aria-hidden="true">≠</span>',
}


def masthead() -> str:
    """Title, purpose, and the warning that this is research."""
    return """<header class="hp masthead"><div><h1>Is the volcano moving?</h1>
<p class="quiet">Deformation in Sentinel-1 interferograms: give one to three of one primary date,
get a georeferenced mask back.</p></div>
<p class="research" role="note"><strong>Research, not an alert.</strong> The models err in both
directions. Do not base decisions about safety on this page: ask the volcano’s observatory.</p>
</header>"""


def notice(text: str, kind: str = "", turn: int = 0) -> str:
    """A sentence in place of a result; `kind` "error" is announced to screen readers at once.

    Args:
        text: The sentence.
        kind: "error", or "".
        turn: Number of the visitor's choice that it answers: the page shows what belongs to an
            earlier choice pale.
    """
    role = "alert" if kind == "error" else "status"
    head = "<strong>Not possible.</strong>" if kind == "error" else ""
    return _notice(f"<p>{head}{escape(text)}</p>", kind, turn, role)


def progress(text: str, share: float, turn: int) -> str:
    """How far an analysis is; not announced, since it changes all the time."""
    bar = f'<progress max="1" value="{share:.3f}" aria-label="Share of the analysis"></progress>'
    return _notice(f"<p>{escape(text)}</p>{bar}", "working", turn, "")


def remaining(seconds: float | None) -> str:
    """The time that is left as the end of a sentence; nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < 50:
        return f"; about {max(5, math.ceil(seconds / 5) * 5)} seconds left"
    minutes = math.ceil(seconds / 60)
    return f"; about {minutes} minute{'s' if minutes > 1 else ''} left"


def scene_line(scene: Scene) -> str:
    """Name, size and dates of a scene."""
    parts = [scene.name, f"{scene.height} × {scene.width} pixels"]
    parts.append(f"{scene.steps} interferogram{'s' if scene.steps > 1 else ''}")
    if scene.primary_date:
        parts.append(f"primary date {scene.primary_date:%-d %B %Y}")
    return " · ".join(parts)


def scene_notice(scene: Scene, known: Known = NOTHING, turn: int = 0, token: str = "") -> str:
    """Which scene is shown, of which volcano, and what is known of it."""
    mark = SIMULATED if known.simulated else ""
    named = f"<strong>{escape(', '.join(known.volcanoes))}</strong> " if known.volcanoes else ""
    more = f'<p class="quiet">{escape(known.note)}</p>' if known.note else ""
    body = f"<p>{mark}{named}{escape(scene_line(scene))}</p>{more}"
    return _notice(body, "ready", turn, "status", f' data-answer="{escape(token)}"')


def _notice(body: str, kind: str, turn: int, role: str, more: str = "") -> str:
    announced = f' role="{role}"' if role else ""
    return f'<div class="hp notice {kind}"{announced} data-turn="{turn}"{more}>{body}</div>'


def empty_numbers(line: str = "") -> str:
    """The verdict's place before there is one."""
    names = ("Deforming area", "Centroid", "Mean coherence")
    boxes = "".join(f'<div><dt>{n}</dt><dd class="big">–</dd></div>' for n in names)
    said = escape(line) or "What, where, since when and how sure: the answer appears here."
    return (
        f'<div class="hp answer"><p class="quiet">{said}</p><dl class="numbers">{boxes}</dl></div>'
    )


def numbers(answer: Answer) -> str:
    """The verdict in a sentence, how sure it is, area, centroid, coherence, and warnings."""
    verdict, area, place = answer.prediction.verdict, "–", "–"
    where = "no segmentation model was asked"
    shown = ""
    if answer.segmentation is not None:
        drawn = answer.segmentation
        shown = f' data-threshold="{drawn.threshold!r}"'
        found = f"{len(drawn.regions)} patch{'es' if len(drawn.regions) != 1 else ''}"
        if drawn.mask is not None and not drawn.scene.georeferenced:
            found = f"{int(drawn.mask.sum()):,} pixels (no georeference)"
        if drawn.opinion.decision == QUIET:
            found += ", none being drawn in a scene without deformation"
        where = f"above {drawn.threshold:.2f}, {found}{_agreement(drawn)}"
        if drawn.area_km2 is not None:
            area = f"{drawn.area_km2:,.1f} km²"
        if drawn.centroid is not None:
            place = _place(*drawn.centroid)
    coherence = scene_coherence(answer.scene)
    boxes = (
        box("Deforming area", area, where),
        box("Centroid", place, "of the largest patch" if place != "–" else "no mask or no place"),
        box(
            "Mean coherence",
            "–" if math.isnan(coherence) else f"{coherence:.2f}",
            "not given" if math.isnan(coherence) else "0 is noise, 1 is perfect",
        ),
    )
    kind = "disagree" if verdict.disagree else verdict.decision.lower()
    headline = f"{verdict.headline}; the models disagree" if verdict.disagree else verdict.headline
    return (
        f'<div class="hp answer {kind}"{shown} aria-live="polite">'
        f'<h2 class="headline">{_MARKS[kind]} {escape(headline)}</h2>'
        f"<p>{escape(sentence(answer))}</p>"
        f'<p class="sure">{escape(sureness(answer))} {_scale(answer)}'
        f'<span class="quiet">{escape(verdict.reason)}.</span></p>{written(answer.prediction)}'
        f'<dl class="numbers">{"".join(boxes)}</dl>{_doubts(answer)}</div>'
    )


def first_look(answer: Answer) -> str:
    """The same of a coarse answer, which is pale and marked, and without warnings."""
    verdict = answer.prediction.verdict
    return (
        '<div class="hp answer preliminary"><p><strong class="mark">First look</strong> '
        "of about every fourth window: the whole answer may differ, and follows.</p>"
        f'<div class="faint"><h2 class="headline">{escape(verdict.headline)}?</h2>'
        f"<p>{escape(sentence(answer))}</p>{_scale(answer)}</div></div>"
    )


def _scale(answer: Answer) -> str:
    """The probability on a bar with the model's marks."""
    verdict = answer.prediction.verdict
    ticks = (f'<b style="left:{limit:.1%}"></b>' for limit in dict.fromkeys(verdict.first.limits))
    width = f"{verdict.probability:.1%}"
    return (
        f'<span class="bar" aria-hidden="true"><i style="width:{width}"></i>{"".join(ticks)}</span>'
    )


def _agreement(drawn: Prediction) -> str:
    """How the mask agrees with a known one."""
    if drawn.mask is None or drawn.scene.reference is None:
        return ""
    if not (drawn.mask.any() or drawn.scene.reference.any()):
        return "; the known mask is empty, too"
    return f"; IoU with the known mask {drawn.reference_iou:.2f}"


def box(name: str, value: str, detail: str) -> str:
    """One of the `numbers`; its parts are HTML."""
    return f'<div><dt>{name}</dt><dd class="big">{value}</dd><dd class="small">{detail}</dd></div>'


def _doubts(answer: Answer) -> str:
    """What was odd about the input, and what would look alike."""
    warnings = listing(answer.prediction.all_warnings, "Nothing odd about the input.")
    alike = listing(lookalikes(answer), "Nothing in particular; the models err all the same.")
    return (
        f'<div class="doubts"><section><h3>To be wary of</h3>{warnings}</section>'
        f"<section><h3>What would look alike here</h3>{alike}</section></div>"
    )


def listing(items: Sequence[str], otherwise: str) -> str:
    """Sentences as a list of HTML, or the one that is said where there are none."""
    lines = [f"<li>{escape(text[:1].upper() + text[1:])}</li>" for text in items]
    return f"<ul>{''.join(lines or [f'<li class=good>{otherwise}</li>'])}</ul>"


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
        moved = "" if threshold is None else f"&amp;threshold={threshold!r}"
        links.append(f'<a class="link" href="?result={token}{moved}">Link to this result</a>')
    return f'<nav class="hp downloads" aria-label="Downloads">{"".join(links)}</nav>'


def models(answer: Answer | None) -> str:
    """The models' names, revisions, training data and input channels."""
    if answer is None:
        return (
            '<div class="hp quiet">The models’ names and training data appear with a result.</div>'
        )
    return f'<div class="hp models">{"".join(map(_model, answer.predictions))}</div>'


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
    return f"<div><h3>{facts.objective.capitalize()}</h3><table>{cells}</table></div>"


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
