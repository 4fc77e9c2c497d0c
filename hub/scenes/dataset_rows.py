"""Single rows of an exported dataset, in a folder or on the Hub, without preparing all of it."""

from __future__ import annotations

from typing import Any

from hub.scenes.scene import SceneError


class DatasetSplit:
    """The rows of one split, each read from the Parquet row group that it lies in.

    `datasets.load_dataset` would first convert the whole split to Arrow, tens of gigabytes for
    one row, and a stream would read all the rows before the one wanted.

    Args:
        dataset: Folder or repository.
        config: Configuration, such as "ts3".
        split: "train", "validation" or "test".

    Raises:
        SceneError: If there is no such dataset, configuration or split, or it is not Parquet.
    """

    def __init__(self, dataset: str, config: str, split: str) -> None:
        import fsspec
        import pyarrow.parquet
        from datasets import load_dataset_builder
        from datasets.exceptions import DatasetNotFoundError

        self.name = f"{dataset}::{config}/{split}"
        try:
            builder = load_dataset_builder(dataset, config)
        except (DatasetNotFoundError, FileNotFoundError, ValueError, ConnectionError) as error:
            raise SceneError(f"cannot open dataset {dataset}, config {config}: {error}") from None
        files = builder.config.data_files or {}
        if split not in files:
            raise SceneError(f"{dataset} ({config}) has no split {split!r}; it has {list(files)}")
        self._files = []
        for path in files[split]:
            if not str(path).endswith(".parquet"):
                raise SceneError(
                    f"{self.name} is not stored as Parquet, from which alone single rows are "
                    "read: export it with --format parquet"
                )
            file = fsspec.open(str(path), "rb").open()
            self._files.append(pyarrow.parquet.ParquetFile(file))

    def __len__(self) -> int:
        return sum(file.metadata.num_rows for file in self._files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read one row.

        Args:
            index: Place in the split.

        Returns:
            Column name to value; rasters are numpy arrays.

        Raises:
            SceneError: If the split has no such row.
        """
        import datasets

        if not 0 <= index < len(self):
            raise SceneError(f"{self.name} has {len(self)} rows; there is no row {index}")
        for file in self._files:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if index < rows:
                    table = file.read_row_group(group).slice(index, 1)
                    row = datasets.Dataset(datasets.table.InMemoryTable(table))
                    return row.with_format("numpy")[0]
                index -= rows
        raise AssertionError("the row groups hold fewer rows than the files say")
