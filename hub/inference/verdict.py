"""What is said of a scene, once: decision, probability and place, for the page and every file.

A segmentation model decides where there is one, by the probability that holds over a square
kilometre; a classifier is then a second opinion. Each model says "deformation" from the upper of
its two limits on, "no deformation" below the lower one, and "unsure" between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.record.volcanoes import Nearby, nearest_volcano

DEFORMATION, QUIET, UNSURE = "Deformation", "Non_Deformation", "Unsure"
HEADLINES = {DEFORMATION: "Deformation", QUIET: "No deformation", UNSURE: "Unsure"}
DISAGREE = "The models disagree: look"


@dataclass(frozen=True)
class Opinion:
    """What one model says of a scene.

    Attributes:
        objective: segmentation or classification.
        model: The model's name.
        probability: Probability that the scene shows deformation.
        limits: Below the first the scene is quiet, from the second on it deforms. Where they are
            one, as in models of old, the model is never unsure.
    """

    objective: str
    model: str
    probability: float
    limits: tuple[float, float]

    @property
    def decision(self) -> str:
        """Deformation, Non_Deformation or Unsure."""
        low, high = self.limits
        if self.probability >= high:
            return DEFORMATION
        return QUIET if self.probability < low else UNSURE


@dataclass(frozen=True)
class Verdict:
    """The answer for a scene.

    Attributes:
        first: The opinion that decides.
        second: The classifier's beside a segmentation model's; None where one model was asked.
        place: Where the probability is found: longitude and latitude, or row and column of the
            scene's pixels where it has no georeference.
    """

    first: Opinion
    second: Opinion | None
    place: Mapping[str, float]

    @property
    def decision(self) -> str:
        """Deformation, Non_Deformation or Unsure."""
        return self.first.decision

    @property
    def probability(self) -> float:
        """Probability that the scene shows deformation."""
        return self.first.probability

    @property
    def disagree(self) -> bool:
        """Whether one model says deformation and the other none."""
        said = {opinion.decision for opinion in (self.first, self.second) if opinion}
        return {DEFORMATION, QUIET} <= said

    @property
    def headline(self) -> str:
        """The decision in a word or two."""
        return HEADLINES[self.decision]

    @property
    def reason(self) -> str:
        """What follows the headline, in plain words, both numbers where the models disagree."""
        low, high = self.first.limits
        text = f"probability {in_words(self.probability)} at {self.where}"
        if self.near is not None:
            text += f", {self.near.text}"
        if self.decision == UNSURE:
            text += f", between {in_words(low)} (none below) and {in_words(high)} (deformation)"
        if self.second is None:
            return text
        other = in_words(self.second.probability)
        if self.disagree:
            own = in_words(self.probability)
            return f"{text}. {DISAGREE}. The mask's model says {own}, the classifier {other}"
        return f"{text}; the classifier says {other}, {HEADLINES[self.second.decision].lower()}"

    @property
    def text(self) -> str:
        """The whole answer in a sentence or two."""
        return f"{self.headline}: {self.reason}."

    @property
    def where(self) -> str:
        """The place in words."""
        if "row" in self.place:
            return f"row {self.place['row']:.0f}, column {self.place['column']:.0f}"
        latitude, longitude = self.place["latitude"], self.place["longitude"]
        north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
        return f"{abs(latitude):.3f}° {north} {abs(longitude):.3f}° {east}"

    @property
    def near(self) -> Nearby | None:
        """The volcano within reach of the place, if there is one and the place is known."""
        if "longitude" not in self.place:
            return None
        return nearest_volcano(self.place["longitude"], self.place["latitude"])

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON types, with every digit; what is unknown is None."""
        second = self.second
        return {
            "decision": self.decision,
            "probability": self.probability,
            "place": dict(self.place),
            "verdict": self.text,
            "no_deformation_below": self.first.limits[0],
            "deformation_from": self.first.limits[1],
            "models_disagree": self.disagree,
            "second_model": second and second.model,
            "second_decision": second and second.decision,
            "second_probability": second and second.probability,
        }


def in_words(probability: float) -> str:
    """A probability with three decimals, which never claims a certainty."""
    if probability < 0.0005:
        return "under 0.001"
    return "over 0.999" if probability >= 0.9995 else f"{probability:.3f}"
