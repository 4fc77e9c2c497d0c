"""One pair of a record: what is said of it, in the page's words, with its pictures and files."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from hub.inference.verdict import DEFORMATION, QUIET, Opinion, Verdict, in_words
from hub.record.columns import Row, dates_of
from hub.record.evidence import AIR
from hub.record.views.history import History
from hub.record.views.standing import standing_of
from page.answers.loaded_models import label
from page.inputs.private import without_folders
from page.records.files import NAMES, downloads_of, kinds_of
from page.records.kept_record import KeptRecord
from page.records.timeline import MARKS, pair_words
from page.view.picture import legends
from page.view.sentence import between, conclusion, from_summit
from page.view.text import box, listing

_KINDS = {
    "deformation": "deformation",
    "no deformation": "non_deformation",
    "unsure": "unsure",
    "air is likely": "unsure",
}
"""Which of the page's frames a standing has."""


def pair(number: int, record: KeptRecord, history: History, scene: str) -> str:
    """A pair as HTML.

    Args:
        number: The record's, for addresses.
        record: The record.
        history: Of the volcano or frame from which the pair was opened.
        scene: The scene's name.

    Raises:
        PageError: If the record has no such pair.
    """
    row = record.standing(scene)
    standing = standing_of(row)
    seen = next((each for each in history.rows if each["scene"] == scene), row)
    kinds = kinds_of(record.folder, row)
    head = standing if standing != "air is likely" else "deformation? Air is likely"
    return (
        f'<article class="answer {_KINDS[standing]}" aria-labelledby="pair-title">'
        f'<h2 class="headline" id="pair-title"><span aria-hidden="true">{MARKS[standing]}</span> '
        f"{escape(head[:1].upper() + head[1:])}, {escape(pair_words(row))}</h2>"
        f"{_elsewhere(history, row, seen)}<p>{escape(sentence(row))}</p>"
        f'<p class="sure">{escape(_why(row))}</p>{_numbers(row)}'
        f"{_pictures(number, row, kinds)}"
        f'<div class="doubts"><section><h3>To be wary of</h3>'
        f"{listing([without_folders(each) for each in row['warnings'] or []], _NOTHING)}</section>"
        f"<section><h3>Who answered</h3>{_who(row)}</section></div>"
        f"{_downloads(number, row, kinds)}</article>"
    )


_NOTHING = "Nothing odd about the input."


def sentence(row: Row) -> str:
    """What, where and since when, by what the record says of a pair: its standing."""
    verdict, dates = verdict_of(row), dates_of(row)
    when, standing = between(dates), standing_of(row)
    if standing == "no deformation":
        names = row["volcanoes"] or []
        return conclusion(QUIET, f"at {' or '.join(names)}" if names else "", when)
    where = f"around {verdict.where}"
    if row["volcano"]:
        near = row["volcano"], row["volcano_distance_km"], row["volcano_bearing"]
        where = from_summit(*near, verdict.where)
    if standing == "air is likely":
        return f"What looks like ground deformation {where} {when} is likely air."
    return conclusion(DEFORMATION if standing == "deformation" else standing, where, when)


def verdict_of(row: Row) -> Verdict:
    """The verdict of a pair's own answer, as it was when it was judged."""
    limits = row["no_deformation_below"] or 0.0, row["deformation_from"] or 1.0
    first = Opinion(row["objective"] or "", _model(row), row["probability"] or 0.0, limits)
    second = None
    if row["second_probability"] is not None:
        named = without_folders(row["second_model"] or "")
        second = Opinion("classification", named, row["second_probability"], limits)
    names = ("longitude", "latitude") if row["longitude"] is not None else ("row", "column")
    return Verdict(first, second, {name: row[name] or 0.0 for name in names})


def _why(row: Row) -> str:
    """Probability and limits, what the other pairs say, and the second opinion."""
    probability = row["probability"] or 0.0
    said = [f"Probability {in_words(probability)}"]
    limit, own = row["deformation_from"], row["frame_deformation_from"]
    if limit is not None:
        said[0] += f"; deformation from {in_words(limit)} on"
    if own is not None:
        said[0] += f", in this frame from {in_words(own)} on"
        if row["decision"] == DEFORMATION and probability < own:
            said.append("The model alone would say deformation")
    if row["evidence_note"]:
        said.append(f"Other pairs: {row['evidence_note']}")
    elif row["evidence"] != AIR and row["decision"] == DEFORMATION:
        said.append("No other pair speaks for or against it")
    if row["models_disagree"]:
        said.append(
            f"The two models disagree, the classifier says {in_words(row['second_probability'])}: "
            "let a person look"
        )
    return ". ".join(said) + "."


def _elsewhere(history: History, row: Row, seen: Row) -> str:
    """What holds near the volcano where the verdict is of another place in the scene."""
    if seen["probability"] == row["probability"]:
        return ""
    return (
        f'<p class="quiet">Near {escape(history.name)} the probability is at most '
        f"{in_words(seen['probability'])} ({escape(standing_of(seen))}); what follows is of the "
        "whole scene.</p>"
    )


def _numbers(row: Row) -> str:
    area = "–" if row["area_km2"] is None else f"{row['area_km2']:,.1f} km²"
    marked = "no mask" if row["threshold"] is None else f"above {row['threshold']:.2f}"
    coherence = row["mean_coherence"]
    days = row["temporal_baseline_days"]
    boxes = (
        box("Deforming area", area, marked),
        box("Interval", "–" if days is None else f"{days} days", "first to last date"),
        box(
            "Mean coherence",
            "–" if coherence is None else f"{coherence:.2f}",
            "not given" if coherence is None else "0 is noise, 1 is perfect",
        ),
    )
    return f'<dl class="numbers">{"".join(boxes)}</dl>'


def _pictures(number: int, row: Row, kinds: set[str]) -> str:
    """Phase around the place, and the probability of the whole scene with the mask's outline."""
    found = []
    if "quicklook" in kinds:
        found.append(
            _picture(
                [(_address(number, row, "picture", "quicklook"), "Wrapped phase")],
                "Wrapped phase around the most probable place",
            )
        )
    if "probability" in kinds:
        layers = [(_address(number, row, "picture", "probability"), "Probability")]
        if "mask" in kinds:
            layers.append((_address(number, row, "picture", "mask"), ""))
        found.append(_picture(layers, "Probability of the whole scene, the mask outlined"))
    if not found:
        return '<p class="quiet">The record holds no picture of this pair.</p>'
    return (
        f'<div class="looks">{"".join(found)}</div>'
        f'<div class="legends">{legends(("phase", "probability"))}</div>'
    )


def _picture(layers: list[tuple[str, str]], title: str) -> str:
    images = "".join(f'<img src="{where}" alt="{escape(alt)}">' for where, alt in layers)
    return (
        f'<figure class="panel"><figcaption>{escape(title)}</figcaption>'
        f'<div class="still">{images}</div></figure>'
    )


def _downloads(number: int, row: Row, kinds: set[str]) -> str:
    told = downloads_of(row, kinds)
    links = "".join(
        f'<a href="{_address(number, row, "file", kind)}" download>{escape(title)}</a>'
        for kind, title in NAMES.items()
        if kind in told
    )
    if not links:
        return (
            '<p class="quiet">Its files are not here: they are being written anew, or were removed '
            "from the record.</p>"
        )
    return f'<nav class="downloads" aria-label="Downloads of the pair">{links}</nav>'


def _address(number: int, row: Row, what: str, kind: str) -> str:
    """An address that changes with the answer, so that no browser shows an old picture."""
    return escape(
        f"record/{what}?record={number}&scene={quote(row['scene'])}&kind={kind}"
        f"&answer={quote(row['answer'] or '')}"
    )


def _who(row: Row) -> str:
    judged = (row["judged_at"] or "").replace("T", " ")[:16]
    revision = "local folder" if row["revision"] == "local" else row["revision"]
    lines = [
        f"{_model(row)} ({revision})",
        f"judged {judged} UTC" if judged else "judged at an unknown time",
        f"scene {row['scene']}" + (f", {row['product']}" if row["product"] else ""),
    ]
    return "".join(f'<p class="quiet">{escape(line)}</p>' for line in lines)


def _model(row: Row) -> str:
    return label(row["model"] or "an unknown model")
