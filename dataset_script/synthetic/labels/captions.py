"""Captions in the annotators' manner: noise, atmosphere, deformation with kind, strength, place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Place = tuple[float, float]

LISTED = 4
"""More patterns are counted, not listed: the cube keeps 572 characters."""
_NUMBERS = ("No", "One", "Two", "Three", "Four")
_ATMOSPHERE = {
    1: "The delay of the stratified atmosphere follows the relief of the high-altitude areas.",
    2: "Turbulent mixing of the atmosphere is visible across the region.",
    3: "Vertical stratification along the relief and turbulent mixing of the air are visible.",
}
_DEFECTS = {
    "corrupted": "The interferogram is corrupted.",
    "no_info": "The interferogram is noise throughout and tells nothing.",
    "debursting": "A processing error in debursting left phase jumps between bursts.",
    "swath merging": "A processing error in swath merging left a part of the image empty.",
}


@dataclass(frozen=True)
class Finding:
    """A deformation pattern to be mentioned.

    Attributes:
        kind: One of `labels.ACTIVITY_TYPES`.
        intensity: One of `labels.INTENSITY_LEVELS`.
        place: Its centre as fractions of the image's height and width.
    """

    kind: str
    intensity: str
    place: Place


def side(place: Place) -> str:
    """Name a ninth of the image: "top-left", "top", ..., "central", ..., "bottom-right"."""
    row = ("top", "", "bottom")[min(int(place[0] * 3), 2)]
    column = ("left", "", "right")[min(int(place[1] * 3), 2)]
    if not row:
        return f"central-{column}" if column else "central"
    return f"{row}-{column}" if column else row


def write_caption(
    flags: Mapping[str, int], findings: Sequence[Finding], defect: str | None, noisy: Place
) -> str:
    """Describe an interferogram.

    Args:
        flags: The annotation's flags.
        findings: Its deformation patterns.
        defect: One of `defects.DEFECTS`, or None.
        noisy: Where noise prevails, if the low-coherence flag is set.
    """
    if defect in ("corrupted", "no_info"):
        return _DEFECTS[defect]
    said = []
    if flags["low_coherence"]:
        said.append(f"Noise due to low coherence covers parts of the {side(noisy)} area.")
    if flags["atmospheric_fringes"]:
        said.append(_ATMOSPHERE[flags["atmospheric_fringes"]])
    said += _deformation(findings)
    if flags["orbital_fringes"]:
        said.append("Orbital fringes run across the image.")
    if flags["glacier_fringes"]:
        said.append("Glacier fringes are visible.")
    if defect:
        said.append(_DEFECTS[defect])
    if findings and not flags["atmospheric_fringes"]:
        said.append("The atmosphere has little effect.")
    return " ".join(said)


def _deformation(findings: Sequence[Finding]) -> list[str]:
    volcanic = [finding for finding in findings if finding.kind != "Earthquake"]
    said = []
    if not findings:
        return ["No deformation is visible."]
    if len(volcanic) == 1:
        said.append(f"{_pattern(volcanic[0], whole=True)}.")
    elif volcanic:
        listed = [_pattern(finding) for finding in volcanic[:LISTED]]
        count = "Many"
        if len(volcanic) <= LISTED:
            count = _NUMBERS[len(listed)]
            listed[-2:] = [f"{listed[-2]} and {listed[-1]}"]
        said.append(f"{count} deformation patterns are visible: {', '.join(listed)}.")
    for finding in findings:
        if finding.kind == "Earthquake":
            said.append(f"An earthquake has deformed the ground on the {side(finding.place)} side.")
    return said


def _pattern(finding: Finding, whole: bool = False) -> str:
    known = finding.kind != "Unidentified"
    kind = f"a {finding.kind.lower()}-type" if known else "an unidentified"
    strength = f"of {finding.intensity.lower()} intensity"
    if not whole:
        return f"{kind} {strength} on the {side(finding.place)} side"
    pattern = f"{kind} deformation pattern {strength} is visible"
    return f"{pattern[0].upper()}{pattern[1:]} on the {side(finding.place)} side"
