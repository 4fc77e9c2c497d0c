"""Interferograms of one primary date, read and put together to a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dataset_script.wrapping import wrap
from hub.scenes.checks import SceneError
from hub.scenes.products.product import Pair, ReadOptions
from hub.scenes.rasters.coherence import doubts_of, to_bytes
from hub.scenes.rasters.no_data import repeated_value
from hub.scenes.rasters.raster import Raster, on_grid
from hub.scenes.rasters.units import in_radians
from hub.scenes.scene import Scene, make_scene

_ZEROS = 0.01
"""Share of pixels whose phase is exactly 0 from which on they have no data."""

_COVERED = 0.5
"""Share of the phase that an elevation should cover, or the answer says so."""


def scene_of(
    pairs: Sequence[Pair], options: ReadOptions, name: str | None, max_pixels: int
) -> Scene:
    """Read pairs of one primary date, with coherence and elevation where there are any.

    A phase that cannot be read is left out with a warning while others can; so is an unreadable
    companion, unless an option named it. A companion on another grid is brought to the phase's.

    Args:
        pairs: Of one primary date, by secondary date.
        options: What the user insists on.
        name: Of the scene; made of frame and dates if None.
        max_pixels: Largest height x width that is read.

    Raises:
        SceneError: If no phase can be read, is none, or lies on another grid than the first.
    """
    notes: list[str] = []
    phases: list[Raster] = []
    kept: list[Pair] = []
    for pair in pairs:
        try:
            phase = _without_zeros(pair.phase.read(max_pixels))
        except SceneError as error:
            if len(pairs) == 1:
                raise
            notes.append(f"left out, for it has nothing to read: {_once(error)}")
            continue
        phase = in_radians(phase, pair.phase.kind, options.units)
        if phases and not phase.same_grid(phases[0]):
            raise SceneError(
                f"{phase.shown} lies on another grid than {phases[0].shown}: they must agree"
            )
        phases.append(phase)
        kept.append(pair)
    if not phases:
        raise SceneError(f"none of the phases can be read: {notes[0].partition(': ')[2]}")
    first = phases[0]
    steps = np.stack([_steps_of(phase, pair) for phase, pair in zip(phases, kept, strict=True)])
    for pair, phase in zip(kept, phases, strict=True):
        notes += (*phase.notes, *pair.notes)
        if pair.dates and pair.dates[0] > pair.dates[1]:
            notes.append(
                f"the primary date is the later one ({pair.label}): the sign is of time reversed"
            )
    coherence = _coherence(kept, phases, steps, options, max_pixels, notes)
    dem = _elevation(kept, first, steps, max_pixels, notes)
    dates = [pair.dates for pair in kept if pair.dates is not None]
    place: dict[str, Any] = {}
    if len(dates) == len(kept):
        place = {"primary_date": dates[0][0], "secondary_dates": tuple(d[1] for d in dates)}
    return make_scene(
        name or name_of(kept),
        steps,
        coherence,
        dem,
        warnings=tuple(dict.fromkeys(notes)),
        transform=first.transform,
        crs=first.crs,
        product=kept[0].product.name,
        range_increase=None if kept[0].product.sign == "unknown" else kept[0].product.sign,
        **place,
    )


def name_of(pairs: Sequence[Pair]) -> str:
    """Frame and dates, or the first file's own name where there are no dates."""
    if any(pair.dates is None for pair in pairs):
        return pairs[0].name
    dates = [pair.dates for pair in pairs if pair.dates is not None]
    joined = "-".join(f"{second:%Y%m%d}" for _, second in dates)
    return "_".join(filter(None, (pairs[0].frame, f"{dates[0][0]:%Y%m%d}", joined)))


def _without_zeros(phase: Raster) -> Raster:
    """A phase of exactly 0 at more than a few pixels is no data, whatever the coherence says there.

    So is another number that repeats as no phase does, which is said.

    Raises:
        SceneError: If no pixel is left.
    """
    values = phase.values
    zero = values == 0
    # Whole numbers with a scale hit 0 by chance, a thousandth of the time or less.
    if values.dtype.kind == "f" and zero.mean() > _ZEROS:
        values = np.where(zero, np.float32(np.nan), values)
    notes = phase.notes
    if values.dtype.kind == "f" and (fill := repeated_value(values)) is not None:
        filled = values == np.float32(fill)
        values = np.where(filled, np.float32(np.nan), values)
        notes = (
            *notes,
            f"{filled.mean():.1%} of the phase is exactly {fill:g}: taken as no data "
            f"({phase.shown})",
        )
    if not np.isfinite(values).any() or not values.any():
        raise SceneError(f"{phase.shown}: no pixel holds data")
    return replace(phase, values=values, notes=notes)


def _steps_of(phase: Raster, pair: Pair) -> np.ndarray:
    values = phase.values.astype(np.float32)
    return -values if pair.reversed else values


def _coherence(
    pairs: Sequence[Pair],
    phases: Sequence[Raster],
    steps: np.ndarray,
    options: ReadOptions,
    max_pixels: int,
    notes: list[str],
) -> np.ndarray | None:
    """Coherence of all steps, uint8 [T, H, W], or None with a note where one has none."""
    found, doubtful = [], False
    for pair, phase, step in zip(pairs, phases, steps, strict=True):
        if pair.coherence is None:
            continue
        try:
            raster = pair.coherence.read(max_pixels)
        except SceneError as error:
            if pair.coherence.insisted:
                raise
            notes.append(f"the coherence was left out, for it cannot be read: {_once(error)}")
            doubtful = True
            continue
        # The scale is told by the file's own pixels, before any are interpolated.
        scaled = to_bytes(raster, options.coherence_scale)
        notes += scaled.notes
        if raster.same_grid(phase):
            values = scaled.values
        else:
            fractional = np.where(np.isnan(raster.values), np.nan, scaled.values).astype(np.float32)
            brought = on_grid(replace(raster, values=fractional), phase)
            if not np.isfinite(brought[np.isfinite(step)]).any():
                notes.append(f"the coherence covers none of the phase: {raster.shown} was left out")
                doubtful = True
                continue
            values = np.rint(np.nan_to_num(brought)).astype(np.uint8)
        if problem := doubts_of(values, wrap(np.nan_to_num(step))):
            notes.append(f"the coherence was left out, for {problem}: {raster.shown}")
            doubtful = True
            continue
        found.append(values)
    if len(found) == len(steps):
        return np.stack(found)
    if found or (doubtful and len(steps) > 1):
        notes.append("coherence is missing for some of the dates and was left out for all")
    return None


def _elevation(
    pairs: Sequence[Pair], first: Raster, steps: np.ndarray, max_pixels: int, notes: list[str]
) -> np.ndarray | None:
    layer = next((pair.elevation for pair in pairs if pair.elevation is not None), None)
    if layer is None:
        return None
    try:
        raster = layer.read(max_pixels)
        dem = on_grid(raster, first)
    except SceneError as error:
        if layer.insisted:
            raise
        notes.append(f"the elevation was left out, for it cannot be read: {_once(error)}")
        return None
    data = np.isfinite(steps).any(axis=0)
    known = np.isfinite(dem) if dem.dtype.kind == "f" else np.ones(dem.shape, bool)
    share = float(known[data].mean()) if data.any() else float(known.mean())
    if share == 0:
        notes.append(
            f"the elevation covers none of the phase, so it counts as missing: {layer.shown}"
        )
        return None
    if share < _COVERED:
        notes.append(f"the elevation covers only {share:.0%} of the phase: {layer.shown}")
    return dem


def _once(error: SceneError) -> str:
    return str(error).splitlines()[0]
