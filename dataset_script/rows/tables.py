"""Rows to Arrow tables and back without a Python object per pixel.

`datasets` stores an `Array3D` as a list of lists of lists; the offsets of such a column are known
from its shape, so that the pixels themselves are never touched.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Array2D, Array3D, Features

Row = Mapping[str, Any]
"""Column name to value: numpy arrays for rasters, else plain Python (class codes as integers)."""


def rows_to_table(rows: Sequence[Row], features: Features) -> pa.Table:
    """Build the table of some rows.

    Args:
        rows: At least one row, each with every column of `features`.
        features: As `features.row_features` gives them.

    Returns:
        A table in the schema that `datasets` restores the features from.
    """
    schema = features.arrow_schema
    columns = [
        _rasters([row[field.name] for row in rows], field.type)
        if isinstance(features[field.name], (Array2D, Array3D))
        else pa.array([row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def row_bytes(row: Row) -> int:
    """Bytes of a row's rasters, uncompressed; what else it holds is negligible beside them."""
    return sum(value.nbytes for value in row.values() if isinstance(value, np.ndarray))


class RasterColumn:
    """A raster column of a table, map-style or streamed, as arrays that copy no pixel.

    The column's extension type would be built anew, in Python, at every access, which takes
    longer than the copy of a row; its storage is the same memory under a plain type.

    Args:
        column: Column of a `datasets` table, such as `with_format("arrow")` gives.

    Raises:
        TypeError: If the column holds no `Array2D` or `Array3D`.
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        if not isinstance(column.type, pa.ExtensionType):
            raise TypeError(f"a column of {column.type} holds no rasters")
        self._tail = tuple(column.type.shape[1:])
        self._storage = column.cast(column.type.storage_type)
        self._starts = list(itertools.accumulate(map(len, self._storage.chunks), initial=0))
        self._views: dict[int, tuple[np.ndarray, list[int]]] = {}

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> np.ndarray:
        """Read-only `[T, H, W]` or `[H, W]` of a row, in the type that it is stored in."""
        if not 0 <= row < len(self):
            raise IndexError(f"there is no row {row} among {len(self)}")
        chunk = bisect.bisect_right(self._starts, row) - 1
        values, starts = self._views.get(chunk) or self._view(chunk)
        place = row - self._starts[chunk]
        return values[starts[place] : starts[place + 1]].reshape(-1, *self._tail)

    def _view(self, chunk: int) -> tuple[np.ndarray, list[int]]:
        """All values of a chunk, and where each of its rows starts among them."""
        values = self._storage.chunk(chunk)
        offsets = values.offsets.to_numpy()
        starts = ((offsets - offsets[0]).astype(np.int64) * math.prod(self._tail)).tolist()
        while pa.types.is_nested(values.type):
            values = values.flatten()
        self._views[chunk] = values.to_numpy(), starts
        return self._views[chunk]


def _rasters(arrays: Sequence[np.ndarray], kind: pa.ExtensionType) -> pa.ExtensionArray:
    """One column of equally shaped arrays; their first dimension may differ if the type allows."""
    _check_shapes(arrays, kind)
    tail = arrays[0].shape[1:]
    stacked = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    values = pa.array(np.ascontiguousarray(stacked).reshape(-1))
    for axis in reversed(range(len(tail))):
        count = stacked.shape[0] * int(np.prod(tail[:axis]))
        values = pa.ListArray.from_arrays(_regular_offsets(count, tail[axis]), values)
    offsets = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int32)
    return pa.ExtensionArray.from_storage(
        kind, pa.ListArray.from_arrays(pa.array(offsets), values, type=kind.storage_type)
    )


def _regular_offsets(count: int, step: int) -> pa.Array:
    return pa.array(np.arange(count + 1, dtype=np.int32) * np.int32(step))


def _check_shapes(arrays: Sequence[np.ndarray], kind: pa.ExtensionType) -> None:
    for array in arrays:
        agrees = array.ndim == len(kind.shape) and all(
            wanted in (None, found) for wanted, found in zip(kind.shape, array.shape, strict=True)
        )
        if not agrees or array.dtype != kind.value_type:
            raise ValueError(
                f"{array.dtype} {array.shape} does not fit a column of "
                f"{kind.value_type} {kind.shape}"
            )
