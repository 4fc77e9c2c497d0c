"""What a scene and its answer say at single pixels, and between two of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pyproj import Transformer
from scipy import ndimage

from dataset_script.channels import FRINGE_CM
from hub.inference.prediction import Prediction
from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.errors import PageError

NEAR = 1
"""Pixels on each side of a point whose phases are averaged, as unit vectors: less noise."""


def at_pixel(
    scene: Scene, answer: Answer | None, pixel: tuple[int, int], reference: tuple[int, int]
) -> dict[str, Any]:
    """Everything that is known of a pixel, as plain JSON types; what is unknown is None.

    Args:
        scene: The scene.
        answer: Its answer, if there is one.
        pixel: Row and column.
        reference: Row and column of the pixel that motion is relative to.

    Returns:
        Place, elevation, probability and in words what it is of. For each date the wrapped phase
        in radians, its motion in centimetres along the line of sight (within half a fringe: what is
        wrapped does not tell whole ones), the same relative to the reference point, coherence 0..1,
        and the probability of that date where the model judged each alone.

    Raises:
        PageError: If either lies outside of the scene.
    """
    for row, column in (pixel, reference):
        if not (0 <= row < scene.height and 0 <= column < scene.width):
            raise PageError(f"Row {row}, column {column} lies outside of the scene.")
    row, column = pixel
    drawn = None if answer is None else answer.segmentation
    probability, by_date = (None, None) if drawn is None else (drawn.probability, drawn.by_date)
    steps = []
    for step in range(scene.steps):
        phase, ground = _phase(scene, step, pixel), _phase(scene, step, reference)
        apart = None if phase is None or ground is None else _wrapped(phase - ground)
        date = scene.secondary_dates[step] if scene.secondary_dates else None
        coherence = scene.insar_coherence
        steps.append(
            {
                "date": date and f"{date:%Y-%m-%d}",
                "phase_rad": phase,
                "motion_cm": _centimetres(phase),
                "relative_cm": _centimetres(apart),
                "coherence": None
                if coherence is None or phase is None
                else round(float(coherence[step, row, column]) / 255, 3),
                "probability": None
                if by_date is None or phase is None
                else _finite(by_date[step, row, column]),
            }
        )
    longitude, latitude = _place(scene, row, column) or (None, None)
    return {
        "row": row,
        "column": column,
        "longitude": longitude,
        "latitude": latitude,
        "elevation_m": _finite(None if scene.dem is None else scene.dem[row, column]),
        "probability": _finite(None if probability is None else probability[row, column]),
        "probability_of": "" if drawn is None or scene.steps == 1 else f" ({_meaning(drawn)})",
        "primary_date": scene.primary_date and f"{scene.primary_date:%Y-%m-%d}",
        "reference": {"row": reference[0], "column": reference[1]},
        "steps": steps,
    }


def _meaning(drawn: Prediction) -> str:
    """What the one probability of a pixel in a series is of."""
    if drawn.facts.timeseries_length > 1:
        return "one for the series, which the model judges together"
    return "the largest of the dates, of which the model judges each alone"


def default_reference(scene: Scene, answer: Answer | None) -> tuple[int, int]:
    """Where the ground is likely still: coherent, and improbable to deform.

    Returns:
        Row and column of the middle of the neighbourhood that is best so.
    """
    score = (~scene.nodata).astype(np.float32)
    if scene.insar_coherence is not None:
        score = score * scene.insar_coherence.mean(axis=0, dtype=np.float32)
    if answer is not None and answer.probability is not None:
        score = score * (1 - np.nan_to_num(answer.probability, nan=1.0))
    smooth = ndimage.uniform_filter(score, 9, mode="constant")
    smooth[scene.nodata] = -1
    row, column = np.unravel_index(int(smooth.argmax()), smooth.shape)
    return int(row), int(column)


def follows_elevation(scene: Scene) -> float:
    """How much better than a constant a multiple of the elevation explains the last phase.

    Returns:
        The largest coherence of exp(i (phase - k height)) over the rates k of up to four fringes a
        kilometre, less that of the phase itself; 0 without elevation.
    """
    if scene.dem is None:
        return 0.0
    good = ~scene.nodata & np.isfinite(scene.dem)
    if scene.insar_coherence is not None:
        good &= scene.insar_coherence[-1] > 76  # 0.3: less is mostly noise
    places = np.flatnonzero(good)
    if places.size < 500:
        return 0.0
    places = places[:: max(1, places.size // 20_000)]
    phase = np.exp(1j * scene.insar_difference[-1].ravel()[places])
    height = scene.dem.ravel()[places] / 1000
    if height.std() < 0.05:
        return 0.0
    rates = np.linspace(-4, 4, 81) * 2 * math.pi
    found = max(abs((phase * np.exp(-1j * rate * height)).mean()) for rate in rates)
    return float(found - abs(phase.mean()))


def _phase(scene: Scene, step: int, pixel: tuple[int, int]) -> float | None:
    """The mean direction of the phases around a pixel; None where it has no data itself."""
    row, column = pixel
    if scene.nodata[row, column] or scene.insar_difference[step, row, column] == 0:
        return None
    rows = slice(max(row - NEAR, 0), row + NEAR + 1)
    columns = slice(max(column - NEAR, 0), column + NEAR + 1)
    near = scene.insar_difference[step, rows, columns]
    return round(float(np.angle(np.exp(1j * near[near != 0]).mean())), 4)


def _wrapped(phase: float) -> float:
    return math.remainder(phase, 2 * math.pi)


def _centimetres(phase: float | None) -> float | None:
    return None if phase is None else round(phase / (2 * math.pi) * FRINGE_CM, 3)


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 4)


def _place(scene: Scene, row: int, column: int) -> tuple[float, float] | None:
    if not scene.georeferenced:
        return None
    to_degrees = Transformer.from_crs(scene.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(*scene.place(column + 0.5, row + 0.5))
    return round((longitude + 180) % 360 - 180, 5), round(latitude, 5)
