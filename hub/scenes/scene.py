"""A scene: what a model is asked about, wherever it came from."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from affine import Affine

from dataset_script.channels import BY_NAME, FIELD_CHANNELS
from hub.scenes.checks import SceneError, as_steps, check_dates, check_place, require_shape
from hub.scenes.rasters.coherence import to_bytes
from hub.scenes.rasters.no_data import LIMITS
from hub.scenes.rasters.raster import WGS84, Raster


@dataclass(frozen=True, eq=False)
class Scene:
    """A time series of interferograms of one primary date, on one grid, with what goes with it.

    Attributes:
        name: What the output files are called.
        insar_difference: Wrapped phase in radians, float32 [T, H, W], in (-pi, pi]; 0 where a
            step has no data, as in the training cubes.
        insar_coherence: Coherence on the 0..255 scale, uint8 [T, H, W], or None.
        dem: Elevation in metres, float32 [H, W], NaN where unknown, or None.
        atmosphere: The other channels of the table by name, ERA5 fields first of all: float32
            [T, H, W] where they change from step to step, else [H, W].
        nodata: True where no step has data, bool [H, W].
        transform: From (column, row) of a pixel's upper left corner to `crs`, or None.
        crs: Coordinate reference system, such as "EPSG:4326", or None.
        primary_date: Date of the primary acquisition, if known.
        secondary_dates: Dates of the T secondary acquisitions; empty if unknown.
        reference: A known deformation mask to compare with, bool [H, W], or None.
        warnings: What was odd about the input and what was done about it.
        product: Name of the product that it was read from, of `products.table`, or None.
        range_increase: Sign of the phase where the range increases from the primary date to the
            secondary: "positive" (then subsidence is positive) or "negative"; None if unknown.
    """

    name: str
    insar_difference: np.ndarray
    insar_coherence: np.ndarray | None
    dem: np.ndarray | None
    nodata: np.ndarray
    atmosphere: Mapping[str, np.ndarray] = field(default_factory=dict)
    transform: Affine | None = None
    crs: str | None = None
    primary_date: datetime.date | None = None
    secondary_dates: tuple[datetime.date, ...] = ()
    reference: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    product: str | None = None
    range_increase: str | None = None

    @property
    def steps(self) -> int:
        """The number T of interferograms."""
        return self.insar_difference.shape[0]

    @property
    def height(self) -> int:
        """Rows."""
        return self.insar_difference.shape[1]

    @property
    def width(self) -> int:
        """Columns."""
        return self.insar_difference.shape[2]

    @property
    def georeferenced(self) -> bool:
        """Whether pixels have a place on Earth."""
        return self.crs is not None and self.transform is not None

    def channel(self, name: str) -> np.ndarray | None:
        """A channel's raster by its name in the channel table, or None where there is none."""
        if name in ("insar_difference", "insar_coherence", "dem"):
            return getattr(self, name)
        return self.atmosphere.get(name)

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Where a place in the raster lies in `crs`; without georeference, the place itself."""
        return (column, row) if self.transform is None else apply(self.transform, column, row)

    def absent(self, step: int) -> np.ndarray:
        """Where a step has no data, bool [H, W]."""
        empty = self.insar_difference[step] == 0
        return empty if self.insar_coherence is None else empty & (self.insar_coherence[step] == 0)

    def last(self, count: int) -> Scene:
        """The scene of the last `count` steps alone, sharing memory with this one."""
        coherence = self.insar_coherence
        short = dataclasses.replace(
            self,
            insar_difference=self.insar_difference[-count:],
            insar_coherence=None if coherence is None else coherence[-count:],
            atmosphere={
                name: field[-count:] if BY_NAME[name].per_step else field
                for name, field in self.atmosphere.items()
            },
            secondary_dates=self.secondary_dates[-count:],
        )
        empty = np.logical_and.reduce([short.absent(step) for step in range(count)])
        return dataclasses.replace(short, nodata=empty)

    def fingerprint(self) -> str:
        """A hash of the pixels, the place and the dates: equal scenes have equal fingerprints."""
        digest = hashlib.blake2b(digest_size=16)
        place = (self.transform and self.transform[:6], self.crs, self.primary_date)
        digest.update(repr((*place, self.secondary_dates, self.insar_difference.shape)).encode())
        rasters = {name: self.channel(name) for name in BY_NAME} | {"nodata": self.nodata}
        for name, raster in rasters.items():
            if raster is not None:
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(raster).data)
        return digest.hexdigest()


def apply(transform: Affine, column: float, row: float) -> tuple[float, float]:
    """Map a place in a raster to its CRS, whichever operator this release of affine has for it.

    Args:
        transform: From pixel corners to the CRS.
        column: Counted in pixels from the left edge.
        row: Counted in pixels from the upper edge.
    """
    a, b, c, d, e, f = transform[:6]
    return a * column + b * row + c, d * column + e * row + f


def make_scene(
    name: str,
    insar_difference: np.ndarray,
    insar_coherence: np.ndarray | None = None,
    dem: np.ndarray | None = None,
    *,
    atmosphere: Mapping[str, np.ndarray] | None = None,
    nodata: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    warnings: Sequence[str] = (),
    **place: Any,
) -> Scene:
    """Check rasters, bring them to the training cubes' conventions and make a scene of them.

    A step has no data where its phase is not finite or larger than any phase is (1e20, 1e300),
    where `nodata` says so, or where phase and coherence are both exactly 0 (phase alone where
    there is no coherence). Phase outside (-pi, pi], such as unwrapped phase, is wrapped, with a
    warning. Coherence in bytes is on the 0..255 scale; of any other type see
    `rasters.coherence.to_bytes`.

    Args:
        name: Name of the scene; characters that file names dislike become "_".
        insar_difference: Phase in radians, [H, W] or [T, H, W].
        insar_coherence: Coherence, the same shape.
        dem: Elevation in metres, [H, W].
        atmosphere: Other channels by name, [H, W], or [T, H, W] where they change by the step.
        nodata: Where to disregard the rasters, bool [H, W] or [T, H, W].
        reference: A known deformation mask, [H, W]; above 0 is deformation.
        warnings: To be handed on.
        **place: `transform`, `crs`, `primary_date`, `secondary_dates`, `product` and
            `range_increase` of `Scene`.

    Returns:
        The scene.

    Raises:
        SceneError: If a raster has the wrong type or shape, there is no data at all, the
            georeference makes no sense, or the dates are not one for each step.
    """
    notes = list(warnings)
    phase = as_steps(name, "insar_difference", insar_difference)
    if phase.dtype.kind != "f":
        raise SceneError(f"{name}: insar_difference is {phase.dtype}; it must be radians in float")
    steps, height, width = phase.shape
    transform = place.get("transform")
    edges = [(x, y) for x in (0, width) for y in (0, height)]
    corners = [apply(transform, x, y) for x, y in edges] if transform is not None else edges
    check_place(name, transform, place.get("crs"), corners)
    check_dates(name, place.get("secondary_dates", ()), steps)
    coherence = None
    if insar_coherence is not None:
        coherence = as_steps(name, "insar_coherence", insar_coherence)
        require_shape(name, "insar_coherence", coherence, phase.shape)
        if coherence.dtype != np.uint8:
            stored = Raster(
                f"{name}: insar_coherence",
                coherence,
                Affine.identity(),
                WGS84,
                coherence.dtype.name,
            )
            brought = to_bytes(stored)
            coherence = brought.values
            notes += brought.notes
    with np.errstate(invalid="ignore"):
        missing = ~(np.abs(phase) <= LIMITS["phase"])
    missing |= (phase == 0) & (True if coherence is None else coherence == 0)
    if nodata is not None:
        if np.shape(nodata) not in ((height, width), phase.shape):
            require_shape(name, "nodata", np.asarray(nodata), (height, width))
        missing |= np.asarray(nodata, bool)
    if missing.all():
        raise SceneError(f"{name}: no pixel holds data")
    # One copy of each, changed in place: a frame's series is large, and the caller's stays whole.
    with np.errstate(over="ignore"):
        phase = phase.astype(np.float32)
    phase[missing] = 0
    reach = max(phase.max(), -phase.min())
    if reach > np.pi + 1e-3:
        notes.append(f"phase reaches {reach:.1f} rad, so it is not wrapped: it was wrapped")
        phase = np.arctan2(np.sin(phase), np.cos(phase))
    if coherence is not None:
        coherence = coherence.copy()
        coherence[missing] = 0
    if dem is not None:
        require_shape(name, "dem", dem, (height, width))
        with np.errstate(over="ignore"):
            dem = np.array(dem, np.float32)
        dem[~np.isfinite(dem)] = np.nan
        if not np.isfinite(dem).any():
            notes.append("the elevation is unknown everywhere, so it counts as missing")
            dem = None
    fields = {}
    for channel, raster in (atmosphere or {}).items():
        if channel not in FIELD_CHANNELS:
            raise SceneError(f"{name}: {channel} is no field of the channel table")
        per_step = BY_NAME[channel].per_step
        raster = as_steps(name, channel, raster) if per_step else raster
        shape = phase.shape if per_step else (height, width)
        require_shape(name, channel, raster, shape)
        with np.errstate(over="ignore"):
            fields[channel] = np.asarray(raster, np.float32)
    if reference is not None:
        require_shape(name, "the reference mask", reference, (height, width))
        reference = np.asarray(reference) > 0
    return Scene(
        name=re.sub(r"[^\w.-]+", "_", name).strip("_.") or "scene",
        insar_difference=phase,
        insar_coherence=coherence,
        dem=dem,
        nodata=missing.all(axis=0),
        atmosphere=fields,
        reference=reference,
        warnings=tuple(notes),
        **place,
    )
