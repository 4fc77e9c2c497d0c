"""Which interferograms a cube has, and where they lie along its two dimensions of dates."""

from __future__ import annotations

import numpy as np

from dataset_script.annotations.record import Pair
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.layout import PAIR_DIMS, read_dates
from dataset_script.cubes.pair_fields import PairFields

_VALID = "valid_date_pair"


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
