"""One cube, opened wherever it lies, read by window, each interferogram decoded once a group."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.channels import BY_NAME, DEM, MASKS
from dataset_script.cubes.archives import OpenStore, open_store
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.decoding import decode_raster, fill_missing, is_missing
from dataset_script.cubes.faults import refuse_passing
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
from dataset_script.cubes.pair_fields import PairFields
from dataset_script.cubes.pair_index import PairIndex
from dataset_script.problems import Problem, ProblemError

_SET_ASIDE = "fetch or repair the cube, or set the pair aside with --skip-bad"


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
        self.warnings: dict[Problem, None] = {}
        self._arrays = CubeArrays(opened, path)
        self.dataset = self._arrays.dataset
        check_dimensions(self.dataset, path)
        self.frame_id = str(self.dataset.attrs.get("frame_id") or strip_suffix(file_name(path)))
        self.grid: Grid = read_grid(self.dataset, path)
        self.height, self.width = self.grid.whole[2:]
        self._cache = FrameCache()
        self._fields = PairFields(self._arrays)
        self._index = PairIndex(self._arrays, self._fields, path)
        self._static: dict[str, np.ndarray] = {}
        self._present: set[tuple[str, Pair | None]] = set()

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
        with self._reading("valid_date_pair", None):
            marked = self._index.marked()
        pairs = frozenset(pair for pair in marked if pair[0] < pair[1])
        for pair in sorted(marked - pairs):
            self._warn("the primary date of an interferogram must lie before the secondary", pair)
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
            raise self._problem(f"the box {bounds} lies outside the frame ({here})")
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
            raise self._problem(f"the cube has no raster {variable!r}", pair)
        self._require_pair(pair)
        present = self._require_chunks(variable, pair, blank)
        make = partial(self._decode if present else self._zeros, variable, pair)
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
            raise self._problem(f"the cube has no raster {variable!r} without a date")
        if variable not in self._static:
            self._require_chunks(variable, None)
            self._static[variable] = self._decode(variable, None)
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
            raise self._problem(f"the cube has no field {name!r}", pair)
        self._require_pair(pair)
        with self._reading(name, pair):
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
            self._require_chunks(variable, pair, blank)

    def has_field(self, name: str) -> bool:
        """Whether the cube says this of each interferogram beside its pixels."""
        return name in self._fields

    def _require_pair(self, pair: Pair) -> None:
        with self._reading("valid_date_pair", pair):
            there = self._index.has(pair)
        if not there:
            raise self._problem("the cube has no such interferogram (valid_date_pair)", pair)

    def _require_chunks(
        self, variable: str, pair: Pair | None, blank: Collection[str] | None = None
    ) -> bool:
        """Whether the pixels are stored; only masks may be left out, where they are empty."""
        key = variable, pair
        if key in self._present:
            return True
        with self._reading(variable, pair):
            missing = self._arrays.missing_chunk(variable, self._index.place(pair) if pair else ())
            if blank is None and missing and pair:
                blank = self._fields.blank_masks(self._index.place(pair))
        if missing is None:
            self._present.add(key)
        elif variable not in MASKS or variable not in (blank or ()):
            moved = " though the ground moved" if variable in MASKS else ""
            raise self._problem(f"chunk {missing} is missing{moved}", pair, _SET_ASIDE)
        return missing is None

    def _zeros(self, variable: str, pair: Pair) -> np.ndarray:
        return np.zeros((self.height, self.width), dtype=np.uint8)

    def _decode(self, variable: str, pair: Pair | None) -> np.ndarray:
        with self._reading(variable, pair):
            raw = self._arrays.raw(variable, self._index.place(pair) if pair else ())
        missing = is_missing(raw, self._arrays.fill_value(variable))
        try:
            values = fill_missing(variable, self._arrays.unpacked(variable, raw), missing)
            raster = decode_raster(variable, values)
        except (TypeError, ValueError) as error:
            raise self._problem(str(error), pair, _SET_ASIDE) from None
        if missing.any() and variable not in MASKS:
            kept = "no data, 0" if BY_NAME[variable].zero_without_data else "not a number"
            what = f"{missing.sum()} pixels of {variable} are missing; they are {kept}"
            self._warn(what, pair)
        return raster

    def _cut(self, frame: np.ndarray, window: Window | None) -> np.ndarray:
        try:
            return cut(frame, window or self.grid.whole)
        except ValueError as error:
            raise self._problem(str(error)) from None

    @contextmanager
    def _reading(self, variable: str, pair: Pair | None) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # Codecs, archives and networks each raise their own kinds.
            refuse_passing(error, self.path)
            what = f"{variable} cannot be read ({type(error).__name__}: {error})"
            raise self._problem(what, pair, "the file is damaged or out of reach") from error

    def _warn(self, what: str, pair: Pair | None = None) -> None:
        problem = self._problem(what, pair).problem
        self.warnings[replace(problem, severity="warning")] = None

    def _problem(self, what: str, pair: Pair | None = None, advice: str = "") -> ProblemError:
        return ProblemError(Problem(what, advice, self.path, self.frame_id, pair or ()))
