"""Files of rows: Parquet for the Hub, Arrow IPC for speed; the same columns in both."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Array2D, Array3D, Features

from dataset_script.errors import DataError
from dataset_script.tables import Row, row_bytes, rows_to_table
from dataset_script.webdataset_shards import ShardWriter

GROUP_BYTES = 64 * 2**20
"""Uncompressed pixels of a Parquet row group, unless one row alone has more."""

_PARQUET_LEVEL = 3
_ARROW_LEVEL = 1


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
        waiting = sum(map(row_bytes, self._waiting))
        if self._waiting and waiting + row_bytes(row) > GROUP_BYTES:
            self._flush()
        self._waiting.append(row)

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(rows_to_table(self._waiting, self._features))
            self._waiting = []


class ArrowWriter:
    """An Arrow IPC stream, one record batch a row, zstd."""

    def __init__(self, path: Path, features: Features):
        self._features = features
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", _ARROW_LEVEL))
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
    with renamed(path) as temporary:
        writer = _WRITERS[path.suffix](temporary, features)
        yield writer
        writer.close()


@contextmanager
def renamed(path: Path) -> Iterator[Path]:
    """A temporary name beside a file, which takes its place if the block succeeds.

    Args:
        path: The file's final name; its folder is made.

    Raises:
        DataError: If the folder cannot be written to or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that a user can act on.

    Raises:
        DataError: Naming the path, and what to do.
    """
    advice = {
        errno.ENOSPC: "free some space and run the same command again; it continues where it was",
        errno.EDQUOT: "free some space and run the same command again; it continues where it was",
        errno.EACCES: "choose an output folder that you may write to",
        errno.EPERM: "choose an output folder that you may write to",
        errno.EROFS: "choose an output folder that you may write to",
        errno.ENOTDIR: "a file is where a folder should be; choose another output folder",
        errno.EEXIST: "a file is where a folder should be; choose another output folder",
        errno.EISDIR: "a folder is where a file should be; choose another output folder",
    }
    try:
        yield
    except OSError as error:
        if error.errno not in advice:
            raise
        reason = error.strerror or str(error)
        raise DataError(f"cannot write {path}: {reason}; {advice[error.errno]}") from None
