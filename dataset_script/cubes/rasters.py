"""Rasters of a cube, whole: whether their chunks are there, and decoded to what they mean."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.channels import BY_NAME, MASKS
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.decoding import decode_raster, fill_missing, is_missing
from dataset_script.cubes.faults import Reports
from dataset_script.cubes.pairs import PairFields, PairIndex

_SET_ASIDE = "fetch or repair the cube, or set the pair aside with --skip-bad"


class Rasters:
    """The rasters of one cube; those without a date have no pair.

    Args:
        arrays: The cube's arrays.
        fields: What it says of each interferogram.
        index: Where interferograms lie in it.
        reports: Takes warnings, and makes errors.
    """

    def __init__(
        self, arrays: CubeArrays, fields: PairFields, index: PairIndex, reports: Reports
    ) -> None:
        self._arrays, self._fields, self._index = arrays, fields, index
        self._reports = reports
        self._present: set[tuple[str, Pair | None]] = set()

    def stored(
        self, variable: str, pair: Pair | None, blank: Collection[str] | None = None
    ) -> bool:
        """Whether the pixels are stored; only masks may be left out, where they are empty.

        Args:
            variable: Raster of the cube.
            pair: The interferogram.
            blank: Masks that are known to be empty; None goes by the cube's own phase.

        Raises:
            DataError: If a chunk is missing of what may not be left out.
        """
        key = variable, pair
        if key in self._present:
            return True
        with self._reports.reading(variable, pair):
            missing = self._arrays.missing_chunk(variable, self._place(pair))
            if blank is None and missing and pair:
                blank = self._fields.blank_masks(self._index.place(pair))
        if missing is None:
            self._present.add(key)
        elif variable not in MASKS or variable not in (blank or ()):
            moved = " though the ground moved" if variable in MASKS else ""
            raise self._reports.problem(f"chunk {missing} is missing{moved}", pair, _SET_ASIDE)
        return missing is None

    def decode(self, variable: str, pair: Pair | None) -> np.ndarray:
        """A raster that is stored, as `decode_raster` gives it.

        Raises:
            DataError: If it cannot be read, or its values mean nothing.
        """
        with self._reports.reading(variable, pair):
            raw = self._arrays.raw(variable, self._place(pair))
        missing = is_missing(raw, self._arrays.fill_value(variable))
        try:
            values = fill_missing(variable, self._arrays.unpacked(variable, raw), missing)
            raster = decode_raster(variable, values)
        except (TypeError, ValueError) as error:
            raise self._reports.problem(str(error), pair, _SET_ASIDE) from None
        if missing.any() and variable not in MASKS:
            kept = "no data, 0" if BY_NAME[variable].zero_without_data else "not a number"
            what = f"{missing.sum()} pixels of {variable} are missing; they are {kept}"
            self._reports.warn(what, pair)
        return raster

    def _place(self, pair: Pair | None) -> tuple[int, ...]:
        return self._index.place(pair) if pair else ()
