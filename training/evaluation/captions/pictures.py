"""Examples of a captioner, good and bad: the interferogram, both sentences, the facts compared."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cmcrameri import cm
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker

from training.captions.fact_scores import (
    ATTRIBUTES,
    fact_counts,
    overall_counts,
    scores_from_counts,
)
from training.captions.facts import read_facts

# Okabe and Ito's blue, vermilion and grey: told apart by colour-blind readers, too.
RIGHT, WRONG, MISSED = "#0072b2", "#d55e00", "#777777"
_MARKS = {RIGHT: "✓", WRONG: "✗", MISSED: "not said:"}  # colour alone must not carry the meaning
_LINE = 106  # letters of a line of text


@dataclass(frozen=True)
class Example:
    """One caption to show.

    Attributes:
        title: Frame and dates.
        phase: Wrapped phase of the step that is captioned, in rad `[H, W]`, NaN without data.
        reference: The true caption.
        prediction: The model's.
    """

    title: str
    phase: np.ndarray
    reference: str
    prediction: str


def choose(predictions: Sequence[str], references: Sequence[str], count: int) -> list[int]:
    """Samples to show: of those that tell of deformation, the best half and the worst.

    Args:
        predictions: The model's captions.
        references: The true ones.
        count: Samples at most.

    Returns:
        Their numbers by descending F1 of facts; of equal ones those of the most facts first, and
        no sentence is shown twice as the truth.
    """
    scores = scores_from_counts(overall_counts(fact_counts(predictions, references)))["f1"]
    order: dict[str, int] = {}
    for sample in np.argsort(-np.nan_to_num(scores), kind="stable"):
        if read_facts(references[sample]).deformation:
            order.setdefault(references[sample], int(sample))
    ranked = sorted(order.values(), key=lambda i: (-scores[i], -len(references[i]), i))
    best = ranked[: (count + 1) // 2]
    return best + ranked[len(best) :][-(count // 2) :] if count > 1 else best


def compare(prediction: str, reference: str) -> list[tuple[str, str]]:
    """The facts of two captions.

    Args:
        prediction: The model's caption.
        reference: The true one.

    Returns:
        Each fact in words with `RIGHT` if both say it, `WRONG` if the model alone does, and
        `MISSED` if it does not; in this order.
    """
    said, true = read_facts(prediction), read_facts(reference)
    found: dict[str, list[str]] = {RIGHT: [], WRONG: [], MISSED: []}
    for attribute, values in ATTRIBUTES.items():
        here, there = values(said), values(true)
        for colour, facts in ((RIGHT, here & there), (WRONG, here - there), (MISSED, there - here)):
            found[colour] += [_in_words(attribute, value) for value in sorted(facts)]
    return [(fact, colour) for colour, facts in found.items() for fact in facts]


def _in_words(attribute: str, value: str) -> str:
    if attribute == "deformation":
        return "deformation" if value == "True" else "no deformation"
    lead = {"noise_place": "noise ", "air": "air: ", "strength": "", "fringes": ""}
    return f"{lead.get(attribute, '')}{value}{' intensity' if attribute == 'strength' else ''}"


def draw_captions(examples: Sequence[Example]) -> Figure:
    """A row an example: wrapped phase, the true sentence, the model's, and its facts in colours.

    Args:
        examples: At least one.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(9.2, 1.9 * len(examples) + 0.3), layout="constrained")
    grid = figure.subplots(len(examples), 2, squeeze=False, width_ratios=(1, 3.6))
    for (image, words), example in zip(grid, examples, strict=True):
        image.axis("off")
        words.axis("off")
        image.imshow(example.phase, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi)
        image.set_title(example.title, fontsize=7)
        _write(words, example)
    figure.supxlabel(
        "facts of the model's sentence: ✓ right, ✗ wrong; what it leaves out in grey", fontsize=7
    )
    return figure


def _write(axes: Axes, example: Example) -> None:
    lines: list[list[tuple[str, str, bool]]] = []
    for name, text in (("true", example.reference), ("model", example.prediction)):
        lines += [
            [(f"{name}:" if first else "", "black", True), (line, "black", False)]
            for first, line in _wrapped(text)
        ]
    row: list[tuple[str, str, bool]] = [("facts:", "black", True)]
    for fact, colour in compare(example.prediction, example.reference):
        if sum(len(word) + 2 for word, *_ in row) + len(fact) + len(_MARKS[colour]) > _LINE:
            lines.append(row)
            row = [("", "black", True)]
        row.append((f"{_MARKS[colour]} {fact}", colour, False))
    lines.append(row)
    packed: list[Artist] = [
        HPacker(children=[_word(*word) for word in line], sep=6, pad=0) for line in lines
    ]
    box = VPacker(children=packed, sep=3, pad=0, align="left")
    axes.add_artist(AnchoredOffsetbox("center left", child=box, frameon=False, pad=0))


def _wrapped(text: str) -> list[tuple[bool, str]]:
    return [(number == 0, line) for number, line in enumerate(textwrap.wrap(text, _LINE) or [""])]


def _word(text: str, colour: str, bold: bool) -> TextArea:
    style = {"color": colour, "fontsize": 7.5, "family": "DejaVu Sans"}
    if bold:
        style |= {"weight": "bold"}
    return TextArea(text, textprops=style)
