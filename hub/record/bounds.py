"""West, south, east and north of scenes, in degrees, across the antimeridian as anywhere."""

from __future__ import annotations

from collections.abc import Sequence


def overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two scenes have a place in common."""
    (west, south, east, north), (left, below, right, above) = one, other
    across = (left - west) % 360 <= east - west or (west - left) % 360 <= right - left
    return across and south <= above and below <= north


def holds(bounds: Sequence[float], longitude: float, latitude: float) -> bool:
    """Whether a place lies in a scene."""
    west, south, east, north = bounds
    return (longitude - west) % 360 <= east - west and south <= latitude <= north
