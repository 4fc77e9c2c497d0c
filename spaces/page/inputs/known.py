"""What is known of a scene beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """What the dataset or the operator says of a scene.

    Attributes:
        note: What is known of it, in a line: the annotation, or what happened.
        volcanoes: Names of the volcanoes that it shows.
        summit: Longitude and latitude of the first of them, if known.
        simulated: Whether its pixels are simulated.
    """

    note: str = ""
    volcanoes: tuple[str, ...] = ()
    summit: tuple[float, float] | None = None
    simulated: bool = False


NOTHING = Known()
"""Of a visitor's own files."""
