"""What kinds of places there are: their relief, their weather, and what grows on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Climate:
    """What kind of place a frame is.

    Attributes:
        name: Its name, for descriptions.
        latitude: Range of its latitudes, degrees.
        water: Range of the fraction of the frame under water.
        base_m: Elevation of the water, or of the lowest ground.
        relief_m: Standard deviation of the relief apart from volcanoes.
        volcano_m: Range of the volcanoes' heights above it.
        forest: Range of the fraction of the land under forest.
        bare: Range of the fraction of the land that is bare rock.
        farmed: Whether low and gentle ground is farmed and lived on.
        temperature_k: Mean air temperature at sea level.
        season_k: Amplitude of its yearly course.
        vapour: Mean column water vapour at sea level, kg m-2.
        ice: Whether the highest volcano bears a glacier.
    """

    name: str
    latitude: tuple[float, float]
    water: tuple[float, float]
    base_m: float
    relief_m: float
    volcano_m: tuple[float, float]
    forest: tuple[float, float]
    bare: tuple[float, float]
    farmed: bool
    temperature_k: float
    season_k: float
    vapour: float
    ice: bool


CLIMATES = (
    Climate(
        "tropical island", (-10, 18), (0.2, 0.5), 0, 90, (900, 1600),
        (0.3, 0.6), (0.1, 0.35), True, 299.5, 1.5, 34, False,
    ),
    Climate(
        "arid rift", (-4, 14), (0.0, 0.1), 250, 110, (500, 1100),
        (0.0, 0.12), (0.5, 0.9), False, 300, 2.5, 26, False,
    ),
    Climate(
        "cool highland", (38, 60), (0.02, 0.15), 300, 200, (1300, 2300),
        (0.2, 0.5), (0.1, 0.4), True, 284, 8, 15, True,
    ),
    Climate(
        "shield island", (-22, 22), (0.25, 0.6), 0, 40, (700, 1400),
        (0.2, 0.5), (0.35, 0.7), False, 297, 2, 30, False,
    ),
    Climate(
        "wooded arc", (-9, 45), (0.0, 0.25), 0, 160, (1100, 2200),
        (0.5, 0.85), (0.03, 0.15), True, 296, 4, 29, False,
    ),
)  # fmt: skip
