"""How each raster is drawn: its colour map, its range and what the colour bar says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset_script.channels import BY_NAME, COHERENCE, DEM, MASKS, PHASE
from dataset_script.rows.features import MEANINGS


@dataclass(frozen=True)
class Style:
    """How to draw one raster.

    Attributes:
        title: What it is.
        unit: Unit for the colour bar; "" where the values are classes.
        colour_map: A name of `cmcrameri.cm`.
        low: Value of the first colour; None takes the least there is.
        high: Value of the last colour; None takes the greatest.
        classes: Names of the classes 0, 1, ... where the values are classes.
    """

    title: str
    unit: str
    colour_map: str
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()

    def limits(self, values: np.ndarray) -> tuple[float, float]:
        """Range of the colours for some values, NaN aside."""
        finite = values[np.isfinite(values)]
        least, most = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        low = float(least if self.low is None else self.low)
        high = float(most if self.high is None else self.high)
        return low, high if high > low else low + 1


_MAPS = {
    # Wrapped phase has no beginning and no end, so neither may its colours.
    PHASE: ("romaO", -np.pi, np.pi),
    COHERENCE: ("grayC", 0, 255),
    DEM: ("batlow", None, None),
    "total_column_water_vapour": ("devon", None, None),
    "surface_pressure": ("tokyo", None, None),
    "vertical_integral_of_temperature": ("lajolla", None, None),
}


def style_of(name: str) -> Style:
    """How to draw a column.

    Args:
        name: A channel or a mask.
    """
    if name == "deformation_mask":
        return Style("deformation", "", "lapaz", 0, 2, ("none", "deformation", "earthquake"))
    if name in MASKS:
        return Style(MEANINGS[name].split(",")[0], "code", "lapaz", 0, None)
    channel = BY_NAME[name]
    kind = {"phase": PHASE, "coherence": COHERENCE, "elevation": DEM}.get(channel.physics, "")
    variable = name.removeprefix(f"{channel.kind}_date_")
    colour_map, low, high = _MAPS.get(kind or variable, ("lipari", None, None))
    return Style(channel.title, channel.unit, colour_map, low, high)


def colour_map(name: str) -> Any:
    """A matplotlib colour map of `cmcrameri`, nodata in grey."""
    from cmcrameri import cm

    return getattr(cm, name).with_extremes(bad="0.6")
