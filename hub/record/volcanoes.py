"""The world's Holocene volcanoes: which one is near a place, and how far and in which direction.

`volcanoes.csv` beside this file has number, name and summit of 1432 volcanoes, as they stand in the
Volcano Location Database of NOAA's National Centers for Environmental Information (a work of the
United States government, in the public domain), which took them from the Smithsonian Institution's
Global Volcanism Program. Entries without a number of that program were left out, and names such as
"Fournaise, Piton de la" were put in their usual order.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pyproj import Geod

from hub.record.bounds import holds

REACH_KM = 25.0
"""How far from a summit its volcano is still named: so wide are calderas, rifts and flanks."""
_TABLE = Path(__file__).with_name("volcanoes.csv")
_WGS84 = Geod(ellps="WGS84")
_POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True)
class Volcano:
    """A volcano of the list.

    Attributes:
        number: Its number in the Global Volcanism Program.
        name: Its name there.
        latitude: Of the summit, degrees north.
        longitude: Degrees east, -180 to 180.
    """

    number: int
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Nearby:
    """A place as seen from a volcano.

    Attributes:
        volcano: The volcano.
        distance_km: Geodesic distance from the summit to the place.
        bearing: Direction from the summit to the place, degrees clockwise from north.
    """

    volcano: Volcano
    distance_km: float
    bearing: float

    @property
    def text(self) -> str:
        """In words, such as "3.4 km NE of Etna"."""
        if self.distance_km < 0.5:
            return f"at {self.volcano.name}"
        point = _POINTS[round(self.bearing / 45) % 8]
        return f"{self.distance_km:.1f} km {point} of {self.volcano.name}"


@lru_cache(maxsize=1)
def known_volcanoes() -> tuple[Volcano, ...]:
    """The list, by number."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Volcano(
                int(row["number"]), row["name"], float(row["latitude"]), float(row["longitude"])
            )
            for row in csv.DictReader(file)
        )


@lru_cache(maxsize=1)
def _coordinates() -> np.ndarray:
    return np.array([(volcano.longitude, volcano.latitude) for volcano in known_volcanoes()])


def nearest_volcano(longitude: float, latitude: float, reach_km: float = REACH_KM) -> Nearby | None:
    """The volcano whose summit is nearest to a place, if any is within reach.

    Args:
        longitude: Degrees east.
        latitude: Degrees north.
        reach_km: Greatest geodesic distance.
    """
    summits = _coordinates()
    # A degree of latitude is never shorter than 110.5 km: most of the list is ruled out cheaply.
    close = np.flatnonzero(np.abs(summits[:, 1] - latitude) <= reach_km / 110.0)
    best: Nearby | None = None
    for index in close.tolist():
        east, north = summits[index]
        forward, _, metres = _WGS84.inv(east, north, longitude, latitude)
        if metres <= 1000 * (best.distance_km if best else reach_km):
            best = Nearby(known_volcanoes()[index], metres / 1000, forward % 360)
    return best


def volcanoes_within(bounds: Sequence[float]) -> tuple[Volcano, ...]:
    """The volcanoes whose summit lies within bounds.

    Args:
        bounds: West, south, east, north in degrees; east goes beyond 180 across the antimeridian.
    """
    return tuple(
        volcano
        for volcano in known_volcanoes()
        if holds(bounds, volcano.longitude, volcano.latitude)
    )


def distance_km(one: Sequence[float], other: Sequence[float]) -> float:
    """Geodesic distance between two places, each longitude and latitude in degrees."""
    metres = _WGS84.inv(one[0], one[1], other[0], other[1])[2]
    return math.nan if not math.isfinite(metres) else metres / 1000
