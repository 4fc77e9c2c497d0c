"""One cube, opened wherever it lies, read by window, each interferogram decoded once a group."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.channels import BY_NAME, DEM
from dataset_script.cubes.archives import OpenStore, open_store
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.faults import Reports
from dataset_script.cubes.frame_cache import FrameCache
from dataset_script.cubes.layout import (
    RASTERS,
    STATIC_RASTERS,
    Grid,
    Window,
    check_dimensions,
    cut,
    read_crs,
    read_grid,
)
from dataset_script.cubes.locations import file_name, strip_suffix
from dataset_script.cubes.pairs import PairFields, PairIndex
from dataset_script.cubes.rasters import Rasters
from dataset_script.problems import ProblemError


class Minicube:
    """A frame's interferograms, lazily read; use `Minicube.open`, best as a context manager.

    Attributes:
        path: Where it lies.
        frame_id: LiCSAR frame.
        grid: Pixel grid.
        dataset: The cube as xarray sees it, fill values undecoded, for its attributes.
        warnings: What was odd so far but leaves every pixel usable, in the order it was met.
    """

    def __init__(self, opened: OpenStore, path: str):
        self.path = path
        self._arrays = CubeArrays(opened, path)
        self.dataset = self._arrays.dataset
        check_dimensions(self.dataset, path)
        self.frame_id = str(self.dataset.attrs.get("frame_id") or strip_suffix(file_name(path)))
        self._reports = Reports(path, self.frame_id)
        self.warnings = self._reports.warnings
        self.grid: Grid = read_grid(self.dataset, path)
        self.height, self.width = self.grid.whole[2:]
        self._cache = FrameCache()
        self._fields = PairFields(self._arrays)
        self._index = PairIndex(self._arrays, self._fields, path)
        self._rasters = Rasters(self._arrays, self._fields, self._index, self._reports)
        self._static: dict[str, np.ndarray] = {}

    @classmethod
    def open(cls, path: str | Path) -> Minicube:
        """Open a cube for reading.

        Args:
            path: A `.zarr` folder, `.zarr.zip` or `.zarr.tar` (Zarr v2 or v3, with consolidated
                metadata or without, with a top folder in the archive or without), or an fsspec
                URL of one.

        Raises:
            DataError: If it is missing, damaged, unsafe, or not laid out as a minicube is.
        """
        with ExitStack() as undo:
            try:
                opened = open_store(path)
                undo.callback(opened.close)
                cube = cls(opened, str(path))
            except ProblemError as error:
                frame = error.problem.frame_id or strip_suffix(file_name(path))
                raise ProblemError(replace(error.problem, frame_id=frame)) from error.__cause__
            undo.pop_all()
        return cube

    def __enter__(self) -> Minicube:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the archive and of decoded pixels."""
        self._cache.clear()
        self._arrays.close()

    @property
    def rasters(self) -> tuple[str, ...]:
        """Rasters that the cube has of each interferogram."""
        return tuple(name for name in RASTERS if name in self._arrays)

    @property
    def static_rasters(self) -> tuple[str, ...]:
        """Rasters that the cube has of the ground alone, such as the elevation."""
        return tuple(name for name in STATIC_RASTERS if name in self._arrays)

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        """Primary and secondary date of every interferogram that is there.

        Raises:
            DataError: If they cannot be read.
        """
        with self._reports.reading("valid_date_pair", None):
            marked = self._index.marked()
        pairs = frozenset(pair for pair in marked if pair[0] < pair[1])
        for pair in sorted(marked - pairs):
            self._reports.warn(
                "the primary date of an interferogram must lie before the secondary", pair
            )
        return pairs

    @cached_property
    def crs(self) -> str:
        """Coordinate reference system, such as "EPSG:4326"."""
        return read_crs(self.dataset, self.path)

    def bounds(self, window: Window | None = None) -> tuple[float, float, float, float]:
        """West, south, east and north edge of a window (of the frame without one), in `crs`."""
        return self.grid.bounds(window or self.grid.whole)

    def window(self, bounds: tuple[float, float, float, float]) -> Window:
        """The window of the pixels that a box touches.

        Args:
            bounds: West, south, east and north in `crs`.

        Raises:
            DataError: If the box lies outside the frame.
        """
        window = self.grid.window(bounds)
        if not window.height or not window.width:
            here = ", ".join(f"{edge:.4f}" for edge in self.bounds())
            raise self._reports.problem(f"the box {bounds} lies outside the frame ({here})")
        return window

    def read(
        self,
        variable: str,
        primary: datetime.date,
        secondary: datetime.date,
        window: Window | None = None,
        blank: Collection[str] | None = None,
        again: bool = True,
    ) -> np.ndarray:
        """Read one raster of one interferogram.

        Decoded pixels are kept until another primary date is asked for, so that the samples of a
        group, taken in turn, decode each chunk once; fields of the primary date, which the cube
        repeats for every secondary, are decoded once a group.

        Args:
            variable: Raster of the cube with a pair's dimensions.
            primary: Primary date.
            secondary: Secondary date.
            window: Pixels to read; None reads the frame.
            blank: Masks that are known to be empty (`Annotation.blank_masks`): writers leave out
                chunks without content. None goes by the cube's own phase.
            again: Whether the raster (for a field of the primary date, that of any secondary) will
                be read again before another primary date is; otherwise its pixels are let go.

        Returns:
            `[height, width]`, a copy: float32 as stored, or uint8 for masks and what the channel
            table says.

        Raises:
            DataError: If there is no such interferogram or variable, its chunk is missing or
                damaged, or its values are out of range.
        """
        pair = primary, secondary
        if variable not in self.rasters:
            raise self._reports.problem(f"the cube has no raster {variable!r}", pair)
        self._require_pair(pair)
        if self._rasters.stored(variable, pair, blank):
            make = partial(self._rasters.decode, variable, pair)
        else:
            make = partial(np.zeros, (self.height, self.width), np.uint8)
        of_primary = variable in BY_NAME and BY_NAME[variable].kind == "primary"
        key = variable, primary if of_primary else secondary
        return self._cut(self._cache.get(primary, key, make, again), window)

    def read_static(self, variable: str = DEM, window: Window | None = None) -> np.ndarray:
        """Read a raster that has no date.

        Args:
            variable: "dem", or another static channel.
            window: Pixels to read; None reads the frame.

        Returns:
            `[height, width]` in the channel's unit and type.

        Raises:
            DataError: As `read`.
        """
        if variable not in self.static_rasters:
            raise self._reports.problem(f"the cube has no raster {variable!r} without a date")
        if variable not in self._static:
            self._rasters.stored(variable, None)
            self._static[variable] = self._rasters.decode(variable, None)
        return self._cut(self._static[variable], window)

    def read_pair_field(
        self, name: str, primary: datetime.date, secondary: datetime.date
    ) -> str | int | float | bool:
        """Read what the cube says of an interferogram beside its pixels.

        Args:
            name: caption, phase, unique_id, confidence or a flag.
            primary: Primary date.
            secondary: Secondary date.

        Returns:
            The value; a missing number is 0.

        Raises:
            DataError: If the cube has no such field or interferogram.
        """
        pair = primary, secondary
        if not self.has_field(name):
            raise self._reports.problem(f"the cube has no field {name!r}", pair)
        self._require_pair(pair)
        with self._reports.reading(name, pair):
            return self._fields.read(name, self._index.place(pair))

    def require_stored(
        self, primary: datetime.date, secondary: datetime.date, blank: Collection[str] | None = None
    ) -> None:
        """Check that every raster of an interferogram is stored, without decoding any.

        Args:
            primary: Primary date.
            secondary: Secondary date.
            blank: As `read`.

        Raises:
            DataError: Naming the first chunk that is missing.
        """
        pair = primary, secondary
        for variable in self.rasters:
            self._rasters.stored(variable, pair, blank)

    def has_field(self, name: str) -> bool:
        """Whether the cube says this of each interferogram beside its pixels."""
        return name in self._fields

    def _require_pair(self, pair: Pair) -> None:
        with self._reports.reading("valid_date_pair", pair):
            there = self._index.has(pair)
        if not there:
            raise self._reports.problem(
                "the cube has no such interferogram (valid_date_pair)", pair
            )

    def _cut(self, frame: np.ndarray, window: Window | None) -> np.ndarray:
        try:
            return cut(frame, window or self.grid.whole)
        except ValueError as error:
            raise self._reports.problem(str(error)) from None
