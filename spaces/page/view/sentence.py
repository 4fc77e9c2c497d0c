"""The verdict for a duty officer: what, where, since when, how sure, and what would look alike."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from pyproj import Geod

from hub.inference.verdict import DEFORMATION, QUIET
from page.answers.analysis import Answer
from page.answers.pixels import follows_elevation
from page.view.picture import scene_coherence

_GEOD = Geod(ellps="WGS84")
_COMPASS = ["north", "north-east", "east", "south-east"]
_COMPASS += ["south", "south-west", "west", "north-west"]

ELEVATION_NOTE = 0.2
"""Gain of `follows_elevation` from which air is named."""


def sentence(answer: Answer) -> str:
    """What, where and since when."""
    verdict, scene = answer.prediction.verdict, answer.scene
    when = between(
        () if scene.primary_date is None else (scene.primary_date, *scene.secondary_dates)
    )
    if verdict.decision == QUIET:
        return conclusion(QUIET, _of_volcano(answer), when)
    return conclusion(verdict.decision, _where(answer), when)


def conclusion(decision: str, where: str, when: str) -> str:
    """A verdict as a sentence.

    Args:
        decision: Deformation, Non_Deformation or Unsure.
        where: At which volcano and place; of a quiet scene the volcano alone, or nothing.
        when: See `between`.
    """
    if decision == QUIET:
        return " ".join(filter(None, ("No ground deformation was found", where, when))) + "."
    if decision == DEFORMATION:
        return f"Ground deformation is likely {where} {when}."
    return f"Whether the ground moved {when} cannot be told; look {where}."


def sureness(answer: Answer) -> str:
    """How sure the model is, in words; the numbers follow."""
    verdict = answer.prediction.verdict
    if verdict.disagree:
        return "The two models disagree: let a person look."
    return {
        DEFORMATION: "The model is above the mark from which false alarms are few.",
        QUIET: "The model is below the mark under which misses are few; slow motion can be missed.",
    }.get(verdict.decision, "The model is between its two marks: let a person look.")


def lookalikes(answer: Answer) -> list[str]:
    """What would look alike in this scene, from its own rasters and dates."""
    scene, found = answer.scene, []
    if follows_elevation(scene) > ELEVATION_NOTE:
        found.append(
            "Air in layers: the phase follows the elevation here, and such air draws rings around "
            "a summit as rising or sinking ground does."
        )
    coherence = scene_coherence(scene)
    if coherence < 0.3:
        found.append(
            f"Noise: coherence is {coherence:.2f} on average, and chance makes fringes of noise."
        )
    if scene.insar_coherence is None:
        found.append("Noise: without coherence it cannot be told where the phase means anything.")
    if scene.steps == 1:
        found.append(
            "Air of one day: a single pair cannot tell it from motion. Look whether a pair with "
            "another primary date shows the same."
        )
    elif scene.secondary_dates:
        found.append(
            "Air of the primary date: all these pairs share it, and so its pattern. Look at a pair "
            "without that date."
        )
    return found


def between(dates: Sequence[datetime.date]) -> str:
    """Since when: the first and the last of an interferogram's dates, fewer than two if unknown."""
    if len(dates) < 2:
        return "between the two dates of this interferogram, which the file does not tell"
    first, last = min(dates), max(dates)
    days = (last - first).days
    return f"between {first:%-d %B %Y} and {last:%-d %B %Y} ({days} days)"


def from_summit(name: str, kilometres: float, bearing: float, where: str) -> str:
    """A place as seen from a volcano's summit.

    Args:
        name: The volcano's.
        kilometres: From the summit to the place.
        bearing: The same, degrees clockwise from north.
        where: The place in words.
    """
    if kilometres < 1:
        return f"at {name}, within 1 km of the summit ({where})"
    way = _COMPASS[round(bearing / 45) % 8]
    return f"at {name}, {kilometres:.0f} km {way} of the summit ({where})"


def _of_volcano(answer: Answer) -> str:
    names = answer.known.volcanoes
    return f"at {' or '.join(names)}" if names else ""


def _where(answer: Answer) -> str:
    """Where the probability is highest, from a summit if one is near."""
    verdict = answer.prediction.verdict
    seen = _from_summit(answer)
    if seen is None:
        return f"{_of_volcano(answer)} around {verdict.where}".strip()
    return from_summit(*seen, verdict.where)


def _from_summit(answer: Answer) -> tuple[str, float, float] | None:
    """The volcano, and kilometres and bearing from its summit to the place; None for none near.

    What the operator or the dataset knows comes before the world's list.
    """
    verdict, known = answer.prediction.verdict, answer.known
    if "row" in verdict.place:
        return None
    if known.volcanoes and known.summit is not None:
        place = verdict.place["longitude"], verdict.place["latitude"]
        bearing, _, metres = _GEOD.inv(*known.summit, *place)
        return known.volcanoes[0], metres / 1000, bearing
    if known.volcanoes or known.simulated or verdict.near is None:
        return None
    return verdict.near.volcano.name, verdict.near.distance_km, verdict.near.bearing
