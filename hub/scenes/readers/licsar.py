"""Scenes from GeoTIFFs as COMET's LiCSAR serves them.

A frame's folder holds `<primary>_<secondary>/<primary>_<secondary>.geo.diff_pha.tif` (wrapped
phase, radians, 0 where there is no data) and `.geo.cc.tif` (coherence, 0..255) for each pair,
and one `<frame>.geo.hgt.tif` (metres), in `metadata/` or beside the pairs.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hub.scenes.checks import SceneError
from hub.scenes.readers.rasters import on_grid, read_raster
from hub.scenes.scene import Scene, make_scene

PHASE_SUFFIX, COHERENCE_SUFFIX, HEIGHT_SUFFIX = ".geo.diff_pha.tif", ".geo.cc.tif", ".geo.hgt.tif"
_DATES = re.compile(r"(?<!\d)(\d{8})_(\d{8})(?!\d)")
_FRAME = re.compile(r"\d{3}[AD]_\w{5}_\w{6}")


def pair_dates(path: Path) -> tuple[datetime.date, datetime.date] | None:
    """The primary and secondary date in a file's name, if it has them."""
    found = _DATES.search(path.name)
    if not found:
        return None
    try:
        first, second = (datetime.datetime.strptime(text, "%Y%m%d") for text in found.groups())
    except ValueError:
        return None
    return first.date(), second.date()


def frame_of(path: Path) -> str | None:
    """The LiCSAR frame that a path names in its file or in one of its folders."""
    for part in reversed(path.absolute().parts):
        if found := _FRAME.search(part):
            return found[0]
    return None


def is_phase(path: Path) -> bool:
    """Whether a file's name says that it holds LiCSAR wrapped phase."""
    return path.name.endswith(PHASE_SUFFIX)


def read_licsar(paths: Sequence[Path], name: str | None, max_pixels: int) -> Scene:
    """Read the phase of one primary date's pairs, with coherence and elevation where present.

    What is not among `paths` is looked for beside each phase file: the coherence by the phase's
    own name, the elevation as the only `*.geo.hgt.tif` in its folder, the folder above, or their
    `metadata/`. A companion on another grid is resampled to the phase's.

    Args:
        paths: Phase files and, if at hand, their companions; a single file of any name is phase.
        name: Name of the scene.
        max_pixels: Largest height x width that is read.

    Raises:
        SceneError: If there is no phase, the pairs do not belong together, or a file is not a
            one-band georeferenced raster of real numbers.
    """
    phases, coherences, heights = _sort_by_kind(paths)
    if missing := [path for path in paths if not path.exists()]:
        raise SceneError(f"{missing[0]} does not exist")
    if len(phases) > 1:
        phases = _in_order(phases)
    first = read_raster(phases[0], max_pixels)
    steps = np.empty((len(phases), *first.values.shape), np.float32)
    coherence_steps, notes = [], []
    for number, path in enumerate(phases):
        step = first if path == phases[0] else read_raster(path, max_pixels)
        if step.values.dtype.kind != "f":
            raise SceneError(
                f"{path} is {step.values.dtype}; wrapped phase must be radians in floating point"
            )
        if not step.same_grid(first):
            raise SceneError(f"{path} lies on another grid than {phases[0]}: they must agree")
        steps[number] = step.values
        coherence_path = coherences.get(stem_of(path)) or _beside(path)
        if coherence_path:
            coherence_steps.append(on_grid(read_raster(coherence_path, max_pixels), first))
    if coherence_steps and len(coherence_steps) < len(steps):
        notes.append("coherence is missing for some of the dates and was left out for all")
        coherence_steps = []
    height_path = heights[0] if heights else _find_height(phases[0])
    dem = on_grid(read_raster(height_path, max_pixels), first) if height_path else None
    known = [date for date in map(pair_dates, phases) if date is not None]
    return make_scene(
        name or _name(phases, known),
        steps,
        np.stack(coherence_steps) if coherence_steps else None,
        dem,
        warnings=notes,
        transform=first.transform,
        crs=first.crs,
        primary_date=known[0][0] if known else None,
        secondary_dates=tuple(second for _, second in known),
    )


def _sort_by_kind(paths: Sequence[Path]) -> tuple[list[Path], dict[str, Path], list[Path]]:
    phases = [path for path in paths if is_phase(path)]
    coherences = {stem_of(path): path for path in paths if path.name.endswith(COHERENCE_SUFFIX)}
    heights = [path for path in paths if path.name.endswith(HEIGHT_SUFFIX)]
    if len(paths) == 1 and not coherences and not heights:
        phases = list(paths)
    known = {*phases, *coherences.values(), *heights}
    if unknown := [path.name for path in paths if path not in known]:
        raise SceneError(
            f"cannot tell what {', '.join(unknown)} holds; files end in {PHASE_SUFFIX}, "
            f"{COHERENCE_SUFFIX} or {HEIGHT_SUFFIX}"
        )
    if not phases:
        raise SceneError(f"there is no phase: none of the files ends in {PHASE_SUFFIX}")
    if len(heights) > 1:
        raise SceneError(f"there are {len(heights)} elevation files; one is expected")
    if orphans := coherences.keys() - {stem_of(path) for path in phases}:
        raise SceneError(f"coherence without phase of the same dates: {', '.join(sorted(orphans))}")
    return phases, coherences, heights


def _in_order(phases: Sequence[Path]) -> list[Path]:
    """The pairs by secondary date, checked to share their primary."""
    by_dates: dict[tuple[datetime.date, datetime.date], Path] = {}
    for path in phases:
        dates = pair_dates(path)
        if dates is None:
            raise SceneError(f"{path.name} has no dates (YYYYMMDD_YYYYMMDD) to be put in order by")
        if dates in by_dates:
            raise SceneError(f"{by_dates[dates]} and {path} have the same dates")
        by_dates[dates] = path
    primaries = sorted({primary for primary, _ in by_dates})
    if len(primaries) > 1:
        listed = ", ".join(f"{date:%Y%m%d}" for date in primaries)
        raise SceneError(f"the files have several primary dates ({listed}); give one at a time")
    return [by_dates[dates] for dates in sorted(by_dates)]


def stem_of(path: Path) -> str:
    """A phase or coherence file's name without what says which of them it is."""
    for suffix in (PHASE_SUFFIX, COHERENCE_SUFFIX):
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def _beside(phase: Path) -> Path | None:
    path = phase.with_name(stem_of(phase) + COHERENCE_SUFFIX)
    return path if path.exists() else None


def _find_height(phase: Path) -> Path | None:
    folder = phase.absolute().parent
    for place in (folder, folder.parent, folder.parent.parent):
        for where in (place, place / "metadata"):
            found = sorted(where.glob(f"*{HEIGHT_SUFFIX}"))
            if len(found) == 1:
                return found[0]
    return None


def _name(phases: Sequence[Path], dates: Sequence[tuple[datetime.date, datetime.date]]) -> str:
    if not dates:
        return phases[0].stem
    joined = "-".join(f"{second:%Y%m%d}" for _, second in dates)
    frame = frame_of(phases[0])
    return "_".join(filter(None, (frame, f"{dates[0][0]:%Y%m%d}", joined)))
