"""How a caption puts what was found."""

import pytest

from dataset_script.synthetic.labels.captions import LISTED, Finding, side, write_caption


def test_caption_of_several_patterns():
    flags = dict.fromkeys(("low_coherence", "atmospheric_fringes"), 0)
    flags |= dict.fromkeys(("orbital_fringes", "glacier_fringes"), 0)
    findings = [Finding("Dyke", "High", (0.1, 0.9)), Finding("Sill", "Low", (0.5, 0.5))]
    assert write_caption(flags, findings, None, (0, 0)) == (
        "Two deformation patterns are visible: a dyke-type of high intensity on the top-right "
        "side and a sill-type of low intensity on the central side. "
        "The atmosphere has little effect."
    )


def test_longest_caption_fits_the_cube():
    flags = {"low_coherence": 1, "atmospheric_fringes": 3, "orbital_fringes": 1}
    flags["glacier_fringes"] = 1
    findings = [Finding("Unidentified", "Medium", (0.9, 0.9))] * 12
    findings.append(Finding("Earthquake", "None", (0.9, 0.9)))
    caption = write_caption(flags, findings, None, (0.9, 0.9))
    assert caption.count("of medium intensity") == LISTED
    assert len(caption) <= 572


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((0, 0), "top-left"),
        ((0.5, 0.99), "central-right"),
        ((1, 0.5), "bottom"),
        ((0.5, 0.5), "central"),
    ],
)
def test_sides(place, name):
    assert side(place) == name
