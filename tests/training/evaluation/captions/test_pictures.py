"""Pictures of captions: which are shown, and that each fact has its colour and its words."""

import numpy as np
from matplotlib.offsetbox import TextArea

from training.evaluation.captions.pictures import (
    MISSED,
    RIGHT,
    WRONG,
    Example,
    choose,
    compare,
    draw_captions,
)

TRUE = (
    "Turbulent mixing of the atmosphere is visible across the region. A sill-type deformation "
    "pattern of low intensity is visible on the top side."
)
SAID = TRUE.replace("low", "high").replace("Turbulent mixing of", "Noise and")
QUIET = "No deformation is visible."


def test_each_fact_is_right_wrong_or_missed():
    assert compare(SAID, TRUE) == [
        ("deformation", RIGHT),
        ("sill", RIGHT),
        ("top", RIGHT),
        ("high intensity", WRONG),
        ("noise", WRONG),
        ("low intensity", MISSED),
        ("air: turbulent", MISSED),
    ]


def test_best_and_worst_of_those_that_deform():
    others = [TRUE.replace("top", place) for place in ("left", "right", "bottom")]
    references = [TRUE, QUIET, *others, TRUE]
    predictions = [SAID, QUIET, others[0], QUIET, others[2], TRUE]
    shown = choose(predictions, references, 4)
    assert shown == [2, 4, 5, 3] or shown == [4, 2, 5, 3]
    assert choose(predictions, references, 1) in ([2], [4], [5])
    assert len(choose(predictions, references, 99)) == 4  # no truth twice, and none that is quiet
    assert choose([QUIET], [QUIET], 3) == []


def test_words_and_colours_are_in_the_figure():
    phase = np.linspace(-3, 3, 600).reshape(20, 30)
    figure = draw_captions([Example("frame", phase, TRUE, SAID), Example("b", phase, TRUE, TRUE)])
    figure.canvas.draw()
    words = [area.get_text() for area in figure.findobj(TextArea)]
    colours = {area.get_text(): area._text.get_color() for area in figure.findobj(TextArea)}
    assert colours["✓ sill"] == RIGHT
    assert colours["✗ high intensity"] == WRONG
    assert colours["not said: low intensity"] == MISSED
    assert " ".join(words).count("Turbulent mixing of the atmosphere") == 3
