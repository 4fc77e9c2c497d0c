"""One cube, opened wherever it lies, read by window, each interferogram decoded once a group."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.channels import MASKS
from dataset_script.cubes.archives import OpenStore, open_store
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.decoding import decode_raster, fill_missing
from dataset_script.cubes.faults import refuse_passing
from dataset_script.cubes.frame_cache import FrameCache
from dataset_script.cubes.layout import (
    PAIR_DIMS,
    RASTERS,
    Grid,
    Window,
    check_dimensions,
    read_crs,
    read_dates,
    read_grid,
)
from dataset_script.cubes.locations import file_name, strip_suffix
from dataset_script.cubes.pair_fields import PairFields
from dataset_script.problems import Problem, ProblemError

_SET_ASIDE = "fetch or repair the cube, or set the pair aside with --skip-bad"


class Minicube:
    """A frame's interferograms, lazily read; use `Minicube.open`, best as a context manager.

    Attributes:
        path: Where it lies.
        frame_id: LiCSAR frame.
        grid: Pixel grid.
        pairs: Primary and secondary date of every interferogram that is there.
        dataset: The cube as xarray sees it, fill values undecoded, for its attributes.
    """

    def __init__(self, opened: OpenStore, path: str):
        self.path = path
        self._arrays = CubeArrays(opened, path)
        self.dataset = self._arrays.dataset
        check_dimensions(self.dataset, path)
        self.frame_id = str(self.dataset.attrs.get("frame_id") or strip_suffix(file_name(path)))
        self.grid: Grid = read_grid(self.dataset, path)
        self.height, self.width = self.grid.whole[2:]
        self._dates = [read_dates(self.dataset, dim, path) for dim in PAIR_DIMS]
        self._position = [{date: i for i, date in enumerate(dates)} for dates in self._dates]
        with self._reading("valid_date_pair", None):
            valid = np.nan_to_num(self._arrays.raw("valid_date_pair")) != 0
        self.pairs: frozenset[Pair] = frozenset(
            (self._dates[0][i], self._dates[1][j]) for i, j in np.argwhere(valid)
        )
        for pair in sorted(self.pairs):
            if pair[0] >= pair[1]:
                raise self._problem("the primary date must lie before the secondary", pair)
        self._cache = FrameCache()
        self._fields = PairFields(self._arrays)
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

        Returns:
            `[height, width]`, a copy: float32 as stored, or uint8 for coherence and masks.

        Raises:
            DataError: If there is no such interferogram or variable, its chunk is missing or
                damaged, or its values are out of range.
        """
        pair = primary, secondary
        if variable not in self.rasters:
            raise self._problem(f"the cube has no raster {variable!r}", pair)
        self._require_pair(pair)
        present = self._require_chunks(variable, pair)
        make = partial(self._decode if present else self._empty, variable, pair)
        key = variable, primary if variable.startswith("primary_date_") else secondary
        return self._cut(self._cache.get(primary, key, make), window)

    def read_static(self, variable: str = "dem", window: Window | None = None) -> np.ndarray:
        """Read a raster that has no date.

        Args:
            variable: "dem".
            window: Pixels to read; None reads the frame.

        Returns:
            `[height, width]` float32, m.

        Raises:
            DataError: As `read`.
        """
        if variable != "dem":
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
            return self._fields.read(name, self._index(pair))

    def require_stored(self, primary: datetime.date, secondary: datetime.date) -> None:
        """Check that every raster of an interferogram is stored, without decoding any.

        Args:
            primary: Primary date.
            secondary: Secondary date.

        Raises:
            DataError: Naming the first chunk that is missing.
        """
        pair = primary, secondary
        for variable in self.rasters:
            if not self._require_chunks(variable, pair):
                self._empty(variable, pair)

    def has_field(self, name: str) -> bool:
        """Whether the cube says this of each interferogram beside its pixels."""
        return name in self._fields

    def _require_pair(self, pair: Pair) -> None:
        if pair not in self.pairs:
            raise self._problem("the cube has no such interferogram (valid_date_pair)", pair)

    def _index(self, pair: Pair) -> tuple[int, int]:
        return self._position[0][pair[0]], self._position[1][pair[1]]

    def _require_chunks(self, variable: str, pair: Pair | None) -> bool:
        """Whether the pixels are stored; only masks may be left out, where they are empty."""
        key = variable, pair
        if key in self._present:
            return True
        with self._reading(variable, pair):
            missing = self._arrays.missing_chunk(variable, self._index(pair) if pair else ())
        if missing is None:
            self._present.add(key)
        elif variable not in MASKS:
            raise self._problem(f"chunk {missing} is missing", pair, _SET_ASIDE)
        return missing is None

    def _empty(self, variable: str, pair: Pair) -> np.ndarray:
        # Writers may leave out a chunk that holds the fill value alone. The cube's own phase tells
        # that apart from a lost chunk: it is Rest exactly where nothing deforms.
        if self.has_field("phase"):
            phase = self.read_pair_field("phase", *pair)
            # An earthquake alone has phase "None", and no intensity.
            empty = ("", "Rest", 0, *(["None"] if variable == "intensity_level_mask" else []))
            if phase not in empty:
                what = f"the chunk of {variable} is missing though the phase is {phase}"
                raise self._problem(what, pair, _SET_ASIDE)
        return np.zeros((self.height, self.width), dtype=np.uint8)

    def _decode(self, variable: str, pair: Pair | None) -> np.ndarray:
        with self._reading(variable, pair):
            raw = self._arrays.raw(variable, self._index(pair) if pair else ())
        raw = fill_missing(variable, raw, self._arrays.fill_value(variable))
        try:
            return decode_raster(variable, self._arrays.unpacked(variable, raw))
        except ValueError as error:
            raise self._problem(str(error), pair, _SET_ASIDE) from None

    def _cut(self, frame: np.ndarray, window: Window | None) -> np.ndarray:
        if window is None:
            return frame.copy()
        row, column, height, width = window
        inside = 0 <= row <= row + height <= self.height
        if not (inside and 0 <= column <= column + width <= self.width):
            size = f"{self.height} x {self.width}"
            raise self._problem(f"window {tuple(window)} leaves the frame of {size} pixels")
        return frame[row : row + height, column : column + width].copy()

    @contextmanager
    def _reading(self, variable: str, pair: Pair | None) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # Codecs, archives and networks each raise their own kinds.
            refuse_passing(error, self.path)
            what = f"{variable} cannot be read ({type(error).__name__}: {error})"
            raise self._problem(what, pair, "the file is damaged or out of reach") from error

    def _problem(self, what: str, pair: Pair | None = None, advice: str = "") -> ProblemError:
        return ProblemError(Problem(what, advice, self.path, self.frame_id, pair or ()))
