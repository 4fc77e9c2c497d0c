"""Whether a raster that should be a phase is one, in radians: as its file says, and its values.

A wrapped phase betrays its unit by its fringes: neighbours jump by a whole turn, which is 2 pi in
radians, 360 in degrees, 1 in cycles, half a wavelength in line-of-sight displacement. Where there
is no such jump, the range and the roughness tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hub.scenes.checks import SceneError
from hub.scenes.rasters.no_data import without_sentinels
from hub.scenes.rasters.raster import Raster

TURN = 2 * math.pi
WAVELENGTH = 0.05546576
"""Sentinel-1's, in metres (5.405 GHz)."""

FACTORS = {
    "radians": 1.0,
    "degrees": math.pi / 180,
    "cycles": TURN,
    "metres": -4 * math.pi / WAVELENGTH,
}
"""From a unit to radians. Displacement towards the satellite is positive in metres and is a
decrease of range, which in every supported product is a negative phase."""

_SPELLED = {
    "radians": r"rad(ian)?s?",
    "degrees": r"deg(ree)?s?|°",
    "cycles": r"cycles?|turns?|fringes?",
    "metres": r"m|met(re|er)s?",
}
"""What files call the units of `FACTORS`."""

_PERIODS = (
    (1.0, "cycles"),
    (2.0, "half cycles, or a normalised real part"),
    (180.0, "degrees of half a turn"),
    (360.0, "degrees"),
    (400.0, "gradians"),
    (WAVELENGTH / 2, "metres of line-of-sight displacement"),
    (50 * WAVELENGTH, "centimetres of line-of-sight displacement"),
    (500 * WAVELENGTH, "millimetres of line-of-sight displacement"),
    (1000 * TURN, "milliradians"),
    (255.0, "grey levels of a picture"),
)
_LENGTH = r"([kcmuµ]?m|(kilo|centi|milli|micro)?met(re|er)s?|ft|foot|feet|inch(es)?)"
_TIME = r"( ?/ ?| per | )(y(ea)?r?s?|a|d(ays?)?)([-^]*1)?"
_TOLD = re.compile(
    rf"{_LENGTH}({_TIME})?|deg(ree)?s?|°|cycles?|turns?|fringes?|gon|grad(ian)?s?"
    r"|mrad|milliradians?|pixels?|px|db|%|percent",
    re.IGNORECASE,
)
"""Units by which a file says itself that it holds no radians."""
_NAMES = ("units", "unit", "data_units")
"""What attributes and tags call a unit: CF's, MintPy's, and ENVI's as GDAL hands it on."""
_METRES = {
    "km": 1000.0,
    "cm": 0.01,
    "us-ft": 1200 / 3937,
    "us survey foot": 1200 / 3937,
    "us survey feet": 1200 / 3937,
    "foot_us": 1200 / 3937,
    **dict.fromkeys(("ft", "foot", "feet"), 0.3048),
}

_INSIST = "give the wrapped phase in radians, or say what it is with --units"
_SAMPLES = 1000
"""Rows and as many columns' worth of pixels that are looked at."""


def in_radians(raster: Raster, kind: str, units: str | None) -> Raster:
    """The phase in radians, or a refusal that says what it looks like.

    Args:
        raster: A phase as it was read.
        kind: "wrapped", "unwrapped", "complex", or "unknown" where only
            the user's word says that it is a phase.
        units: A key of `FACTORS` to insist on; the values are then taken as they are.

    Returns:
        The raster, with notes on what was odd.

    Raises:
        SceneError: If the values are whole numbers without a scale, or of another unit.
    """
    if units is not None:
        return _converted(raster, units)
    if np.dtype(raster.stored).kind == "c":
        # An argument is in radians by its making, if there is one.
        if np.all(np.abs(np.sin(raster.values[np.isfinite(raster.values)])) < 1e-6):
            raise SceneError(
                f"{raster.shown} is complex and has no imaginary part anywhere, so no phase; "
                "give the interferogram, or its argument in radians"
            )
        return raster
    if _TOLD.fullmatch(raster.unit.strip()):
        raise SceneError(f"{raster.shown} says that its unit is {raster.unit}; {_INSIST}")
    if raster.whole:
        raise SceneError(
            f"{raster.shown} is {raster.stored} without a scale: whole numbers are a picture, a "
            f"mask or codes, not wrapped phase in radians in floating point; {_INSIST}"
        )
    rows = max(1, raster.values.shape[0] // _SAMPLES)
    sample = raster.values[::rows].astype(np.float64)
    data = sample[np.isfinite(sample) & (sample != 0)]
    if data.size < 2:
        return raster
    if problem := _other_unit(sample, data, kind):
        raise SceneError(f"{raster.shown} {problem}; {_INSIST}")
    return replace(raster, notes=(*raster.notes, *_doubts(data, kind, raster.shown)))


def unit_in(about: Mapping[str, Any]) -> str:
    """The unit that a layer's attributes or tags say; empty where they say none."""
    told = (value for name, value in about.items() if name.lower() in _NAMES)
    return str(next(told, "")).strip(" {}")


def measured(values: np.ndarray, role: str, unit: str) -> np.ndarray:
    """Values without what only marks no data, an elevation in metres.

    Args:
        values: As they were read, their scale applied, [H, W].
        role: See `no_data.without_sentinels`.
        unit: Of the values, as the file says it.
    """
    metres = _METRES.get(unit.strip().lower(), 1.0) if role == "elevation" else 1.0
    values = without_sentinels(values, role, metres)
    return values if metres == 1 else values.astype(np.float32) * np.float32(metres)


def jumps_of(sample: np.ndarray) -> np.ndarray:
    """Differences between neighbours in a row, where both have data, as a flat array."""
    steps = np.abs(np.diff(sample, axis=1))
    return steps[np.isfinite(steps)]


def _converted(raster: Raster, units: str) -> Raster:
    own = raster.unit.strip()
    if own not in ("", "1") and not re.fullmatch(_SPELLED[units], own, re.IGNORECASE):
        told = f"{raster.shown} says that its unit is {own}; it was read as {units}, as you say"
        raster = replace(raster, notes=(*raster.notes, told))
    if units == "radians":
        return raster
    values = raster.values.astype(np.float32) * np.float32(FACTORS[units])
    how = f"taken as {units} and turned into radians"
    if units == "metres":
        how += f", positive towards the satellite, at Sentinel-1's wavelength of {WAVELENGTH:.4f} m"
    return replace(raster, values=values, notes=(*raster.notes, f"the phase was {how}"))


def _other_unit(sample: np.ndarray, data: np.ndarray, kind: str) -> str | None:
    """What the values look like if not a phase in radians."""
    low, high = (float(edge) for edge in np.quantile(data, (0.002, 0.998)))
    least, most, span = float(data.min()), float(data.max()), high - low
    runs = f"runs from {least:.4g} to {most:.4g}"
    if least == most:
        return f"holds a single value, {least:g}, everywhere"
    if data.size > 16 and np.array_equal(data, np.rint(data)):
        return f"holds whole numbers only ({least:g} to {most:g}): codes or a mask, not radians"
    steps = jumps_of(np.where(sample == 0, np.nan, sample))
    wraps = span > 0 and steps.size and (steps > 0.8 * span).mean() > 0.003
    if wraps and (problem := _other_turn(steps, span, runs)):
        return problem
    if least >= 0 and most <= 1.001:
        return f"{runs}, within 0..1: a coherence, a mask or cycles, not radians"
    if max(-least, most) <= 0.501 and span > 0.9:
        return f"{runs}, from -1/2 to 1/2: cycles, not radians"
    if max(-least, most) <= 1.001 and low < -0.95 and high > 0.95:
        return f"{runs}, from -1 to 1: a real part, a cosine or a sine, not radians"
    if span < 0.5:
        return (
            f"{runs}, of which the middle spans {span:.2g}: far below the 2 pi of a wrapped phase "
            "in radians; displacement in metres looks so"
        )
    if (low >= 0 and high > 300 and most <= 360.5) or (
        low < -150 and high > 150 and max(-least, most) <= 180.5
    ):
        return f"{runs}: degrees, not radians"
    if max(-low, high) > TURN + 0.01 or (low < -math.pi - 0.01 and high > math.pi + 0.01):
        return _no_unwrapped(steps, low, high, runs, kind)
    return None


def _other_turn(steps: np.ndarray, span: float, runs: str) -> str | None:
    if 0.8 * TURN < span < 1.03 * TURN:
        return None
    # An unwrapped phase of little more than a turn jumps by one where unwrapping failed.
    if 1.03 * TURN <= span < 1.3 * TURN:
        return None
    likely = [name for period, name in _PERIODS if 0.93 * period < span < 1.03 * period]
    if not likely and span < TURN:
        # Few pixels and steep fringes jump as well, but by less too; wraps alone leave a gap.
        between = (steps > 0.4 * span) & (steps <= 0.8 * span)
        if steps.size < 2000 or (steps > 0.8 * span).sum() < 2 * between.sum():
            return None
    guess = f": {likely[0]}, not radians" if likely else ""
    return f"{runs} and wraps around every {span:.4g}, where radians do every 6.283{guess}"


def _no_unwrapped(steps: np.ndarray, low: float, high: float, runs: str, kind: str) -> str | None:
    """Why values beyond a turn are no unwrapped phase in radians."""
    rough = float(np.median(steps)) if steps.size else 0.0
    # Pure noise, unwrapped, steps by pi / 2 in the median: no radians are rougher.
    if rough > 1.9:
        return (
            f"{runs}, and neighbours differ by {rough:.3g} in the median, more than noise in "
            "radians does: degrees, an amplitude, a real part or millimetres"
        )
    if kind == "unknown" and (low > TURN or high < -TURN):
        return f"{runs}, all on one side of 0: an elevation or an angle, not radians"
    if max(-low, high) > 1e4:
        return f"{runs}, thousands of fringes: not radians"
    return None


def _doubts(data: np.ndarray, kind: str, shown: str) -> list[str]:
    low, high = (float(edge) for edge in np.quantile(data, (0.002, 0.998)))
    if kind != "unwrapped" and high - low < 0.7 * TURN:
        return [
            f"the phase spans {high - low:.2f}, where a wrapped phase in radians mostly spans "
            f"6.28: was it radians? ({shown})"
        ]
    return []
