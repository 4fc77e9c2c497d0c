"""Files of rows: Parquet for the Hub, Arrow IPC for speed; the same columns in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Array2D, Array3D, Features

from dataset_script.rows.tables import Row, row_bytes, rows_to_table
from dataset_script.safe_files import renamed
from dataset_script.webdataset.sample_files import ShardWriter

GROUP_BYTES = 64 * 2**20
"""Uncompressed pixels of a Parquet row group, unless one row alone has more."""

_PARQUET_LEVEL = 2
"""Of zstd: a sixth faster than its usual 3, in files 4 % larger."""


class RowWriter(Protocol):
    """Writes rows to one file."""

    def write(self, row: Row) -> None:
        """Append a row."""

    def close(self) -> None:
        """Finish the file."""


class ParquetWriter:
    """Parquet with a page index, small row groups, zstd, and byte-split floats."""

    def __init__(self, path: Path, features: Features):
        self._features = features
        self._waiting: list[Row] = []
        self._bytes = 0
        leaves = {
            name: name + ".list.element" * len(column.shape)
            for name, column in features.items()
            if isinstance(column, (Array2D, Array3D))
        }
        plain = [name for name in features if name not in leaves]
        floats = [leaves[name] for name in leaves if features[name].dtype.startswith("float")]
        self._writer = pq.ParquetWriter(
            path,
            features.arrow_schema,
            compression="zstd",
            compression_level=_PARQUET_LEVEL,
            use_dictionary=False,
            use_byte_stream_split=floats,
            # Nobody filters by the least pixel of a row; the statistics would cost a pass each.
            write_statistics=plain,
            write_page_index=True,
        )

    def write(self, row: Row) -> None:
        """Append a row."""
        if self._bytes + row_bytes(row) > GROUP_BYTES:
            self._flush()
        self._waiting.append(row)
        self._bytes += row_bytes(row)
        # The next is most likely as large, and is not to be made while these wait for it.
        if self._bytes + row_bytes(row) > GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            # Tables of one row need no copy of its pixels; joined, they are still one row group.
            tables = [rows_to_table([row], self._features) for row in self._waiting]
            self._writer.write_table(pa.concat_tables(tables))
            self._waiting, self._bytes = [], 0
            # Arrow would keep what it wrote with, as much as a row's pixels, for the next group.
            pa.default_memory_pool().release_unused()


class ArrowWriter:
    """An Arrow IPC stream, one record batch a row.

    In LZ4, which reads twice as fast as zstd in files an eighth to a quarter larger: whoever wants
    small files takes Parquet.
    """

    def __init__(self, path: Path, features: Features):
        self._features = features
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_stream(str(path), features.arrow_schema, options=options)

    def write(self, row: Row) -> None:
        """Append a row."""
        self._writer.write_table(rows_to_table([row], self._features))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


_WRITERS: dict[str, Callable[[Path, Features], RowWriter]] = {
    ".parquet": ParquetWriter,
    ".arrow": ArrowWriter,
    ".tar": ShardWriter,
}


@contextmanager
def rows_file(path: Path, features: Features) -> Iterator[RowWriter]:
    """A file of rows under construction; it gets its name when the block succeeds.

    Args:
        path: `.parquet`, `.arrow`, or `.tar` for the authors' WebDataset layout.
        features: Columns of the rows.

    Raises:
        DataError: If it cannot be written.
    """
    # Shared: a worker of a run that was killed may still be writing the same rows.
    with renamed(path, shared=True) as temporary:
        writer = _WRITERS[path.suffix](temporary, features)
        yield writer
        writer.close()
