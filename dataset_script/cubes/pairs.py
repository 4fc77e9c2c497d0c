"""Interferograms of a cube: which there are, where they lie, what is said beside the pixels."""

from __future__ import annotations

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.channels import MASKS
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.layout import PAIR_DIMS, read_dates

_VALID = "valid_date_pair"


class PairFields:
    """Caption, phase, confidence and flags by date; a field of one chunk is read once.

    Args:
        arrays: The cube's arrays.
    """

    def __init__(self, arrays: CubeArrays) -> None:
        self._arrays = arrays
        self._whole: dict[str, np.ndarray] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._arrays and self._arrays.dims(name) == PAIR_DIMS

    def read(self, name: str, place: tuple[int, int]) -> str | int | float | bool:
        """Read one value.

        Args:
            name: A field that the cube has.
            place: Positions of the primary and the secondary date.

        Returns:
            The value; a missing number is 0.
        """
        if self._arrays.one_by_one(name):
            value = self._arrays.raw(name, place)[()]
        else:
            if name not in self._whole:
                self._whole[name] = self._arrays.raw(name)
            value = self._whole[name][place]
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            return str(value)
        missing = value != value or value == self._arrays.fill_value(name)
        return 0 if missing else value.item()

    def blank_masks(self, place: tuple[int, int]) -> tuple[str, ...]:
        """Masks that are empty by the cube's own phase, which is Rest where nothing deforms.

        Args:
            place: Positions of the primary and the secondary date.
        """
        phase = self.read("phase", place) if "phase" in self else "Rest"
        # An earthquake alone has phase "None", and no intensity.
        return {"None": ("intensity_level_mask",), "": MASKS, "Rest": MASKS, "0": MASKS}.get(
            str(phase), ()
        )


class PairIndex:
    """Places of interferograms, and the cube's marks of those that are there.

    Args:
        arrays: The cube's arrays.
        fields: What it says of each interferogram.
        path: Where it lies, for error messages.

    Raises:
        DataError: If the dates cannot be read.
    """

    def __init__(self, arrays: CubeArrays, fields: PairFields, path: str) -> None:
        self._arrays, self._fields = arrays, fields
        self._dates = [read_dates(arrays.dataset, dim, path) for dim in PAIR_DIMS]
        self._position = [{date: i for i, date in enumerate(dates)} for dates in self._dates]
        self._there = set[Pair]()

    def place(self, pair: Pair) -> tuple[int, int]:
        """Positions of the primary and the secondary date.

        Raises:
            KeyError: If the cube has no such date.
        """
        return self._position[0][pair[0]], self._position[1][pair[1]]

    def has(self, pair: Pair) -> bool:
        """Whether the interferogram is there.

        Of the marks, which are tens of thousands of chunks, this reads one.
        """
        if pair in self._there:
            return True
        if not all(date in of for date, of in zip(pair, self._position, strict=True)):
            return False
        there = pair[0] < pair[1] and bool(self._fields.read(_VALID, self.place(pair)))
        if there:
            self._there.add(pair)
        return there

    def marked(self) -> set[Pair]:
        """Every interferogram that is marked, also where the primary date is not the earlier."""
        valid = np.nan_to_num(self._arrays.raw(_VALID)) != 0
        return {(self._dates[0][i], self._dates[1][j]) for i, j in np.argwhere(valid).tolist()}
