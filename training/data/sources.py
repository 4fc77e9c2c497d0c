"""The samples of an experiment: opened from wherever they lie, and cut to T steps."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets.exceptions import DatasetGenerationError

from dataset_script.annotations.splits import SPLITS
from dataset_script.errors import DataError, HephaestusError
from training.config.schema import Config, DataConfig
from training.data.rows import RowFacts, Rows
from training.data.sampling import STEPS, draw_steps, stream
from training.data.tasks import StepLabels, Task
from training.errors import one_line


class Samples:
    """One split, cut into samples of T steps.

    A row of T steps is a sample. From a row of the `groups` config, training draws T of its steps
    afresh each epoch; validation and test cut it into disjoint runs of T steps, as the paper's
    protocol does, or fill it up by duplication where it has fewer.

    Args:
        rows: The split's rows.
        task: The task.
        seed: The run's seed.
        fresh: Whether steps are drawn afresh each epoch (training).
    """

    def __init__(self, rows: Rows, task: Task, seed: int, fresh: bool) -> None:
        self.rows, self.task, self.seed, self.fresh = rows, task, seed, fresh
        self._places = [
            (row, cut)
            for row, facts in enumerate(rows.facts)
            for cut in range(self._cuts(len(facts.confidence)))
        ]
        shown = [self.facts(i).steps if fresh else self.labels(i) for i in range(len(self))]
        self.positive = np.array([labels.positive for labels in shown], bool)

    def __len__(self) -> int:
        return len(self._places)

    def facts(self, sample: int) -> RowFacts:
        """What is known of the sample's row."""
        return self.rows.facts[self._places[sample][0]]

    def row(self, sample: int) -> int:
        """Row that the sample is cut from."""
        return self._places[sample][0]

    def steps(self, sample: int, epoch: int = 0) -> np.ndarray:
        """The steps of its row that a sample shows.

        Args:
            sample: Sample number.
            epoch: Epoch, which changes the draw where `fresh`.

        Returns:
            int64 `[T]`, ascending.
        """
        row, cut = self._places[sample]
        available, length = len(self.rows.facts[row].confidence), self.task.timeseries_length
        if available == length:
            return np.arange(length)
        if self.fresh or available < length:
            rng = stream(self.seed, STEPS, epoch if self.fresh else 0, row)
            return draw_steps(available, length, rng)
        return np.arange(cut * length, (cut + 1) * length)

    def labels(self, sample: int, epoch: int = 0) -> StepLabels:
        """Labels of the steps that a sample shows."""
        return self.facts(sample).steps.select(self.steps(sample, epoch).tolist())

    def confidence(self, sample: int, epoch: int = 0) -> float:
        """The annotators' mean confidence in the steps that a sample shows."""
        given = self.facts(sample).confidence
        return float(np.mean([given[step] for step in self.steps(sample, epoch)]))

    def confounders(self, sample: int, epoch: int = 0) -> dict[str, int]:
        """Greatest strength of each of `CONFOUNDERS` in the steps that a sample shows."""
        steps = self.steps(sample, epoch)
        return {
            name: max(int(strengths[step]) for step in steps)
            for name, strengths in self.facts(sample).confounders.items()
        }

    def _cuts(self, available: int) -> int:
        return 1 if self.fresh else max(1, available // self.task.timeseries_length)


@dataclass(frozen=True)
class OpenedData:
    """An experiment's data.

    Attributes:
        splits: Samples by split.
        task: The task, with the series' length filled in.
        channels: Input channels of a step.
        image_size: Side of the crops in pixels.
        pixel_size: Side of a pixel in degrees.
        name: Name of the dataset.
        scheme: Split scheme.
        correct_stratified: Whether the stratified troposphere was taken out of the phase.
    """

    splits: dict[str, Samples]
    task: Task
    channels: tuple[str, ...]
    image_size: int
    pixel_size: float
    name: str
    scheme: str
    correct_stratified: bool = False


def open_data(config: Config, splits: Sequence[str] = SPLITS) -> OpenedData:
    """Open what `config.data` names.

    Args:
        config: The experiment.
        splits: Splits to open; "train+validation" is both as one.

    Returns:
        The samples and what is known of them.

    Raises:
        DataError: If there is no such dataset, config, split or channel, or a file is damaged.
    """
    source = _load(config.data)
    for part in "+".join(splits).split("+"):
        if part not in source:
            raise DataError(f"{config.data.path} has no split {part}; it has {', '.join(source)}")
    metadata = _metadata(config.data)
    recipe = metadata.get("configs", {}).get(config.data.config, {})
    joined = {
        split: datasets.concatenate_datasets([source[part] for part in split.split("+")])
        for split in splits
    }
    steps, size = _series(joined[splits[0]], config.data)
    task = Task.of(config, steps)
    columns = list(config.data.channels)
    if task.mask_column:
        columns.append(task.mask_column)
    opened = {
        split: Samples(Rows(joined[split], columns), task, config.seed, split == "train")
        for split in splits
    }
    for split, samples in opened.items():
        if not len(samples):
            raise DataError(
                f"split {split} of {config.data.path}, config {config.data.config}, is empty; "
                "choose another data.config or export more frames"
            )
    return OpenedData(
        opened,
        task,
        tuple(config.data.channels),
        size,
        _pixel_size(joined[splits[0]]),
        metadata.get("name", config.data.path),
        recipe.get("split", config.data.split),
        recipe.get("correct_stratified", False),
    )


def _series(dataset: datasets.Dataset, data: DataConfig) -> tuple[int, int]:
    """Steps and image size that a dataset's features state."""
    feature = dataset.features.get("insar_difference")
    if feature is None:
        raise DataError(
            f"{data.path} has no column insar_difference; give a dataset that "
            "`python -m dataset_script export` wrote, or set data.source to webdataset for tars"
        )
    stored, _, width = feature.shape
    wanted = data.timeseries_length
    length = stored or wanted
    if length is None:
        raise DataError(
            f"config {data.config} holds series of any length; set data.timeseries_length"
        )
    if stored is not None and wanted not in (None, stored):
        raise DataError(
            f"config {data.config} holds series of {stored} steps, so data.timeseries_length "
            f"cannot be {wanted}; leave it out, or take the config groups"
        )
    return length, width


def _pixel_size(dataset: datasets.Dataset) -> float:
    rows = dataset.select_columns(["pixel_size"]).with_format("arrow")
    stored = float(rows[0].column("pixel_size")[0].as_py()[0]) if len(dataset) else math.nan
    # The authors' shards do not say; their pixels are 0.001 degrees except in two stripmap frames.
    return stored if math.isfinite(stored) else 0.001


def _metadata(data: DataConfig) -> dict[str, Any]:
    """`metadata.json` of an exported folder; a dataset from elsewhere has none."""
    path = Path(data.path) / "metadata.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _load(data: DataConfig) -> datasets.DatasetDict:
    try:
        return _SOURCES[data.source](data)
    except DatasetGenerationError as error:  # `datasets` wraps whatever a reader of rows raises
        why = error.__cause__ or error
        if isinstance(why, HephaestusError):
            raise why from None
        raise DataError(
            f"cannot read {data.path}, config {data.config}: {one_line(why)}; a file of it is "
            "damaged or the disk is full"
        ) from None


def _exported(data: DataConfig) -> datasets.DatasetDict:
    if not Path(data.path).exists() and data.path.startswith((".", "/", "runs/")):
        raise DataError(f"{data.path} does not exist; set data.path to an exported dataset")
    try:
        return datasets.load_dataset(data.path, data.config, cache_dir=_cache_folder(data))
    except (ValueError, RuntimeError, FileNotFoundError, ConnectionError) as error:
        raise DataError(
            f"cannot load {data.path}, config {data.config}: {one_line(error)}"
        ) from None


def _cache_folder(data: DataConfig) -> str | None:
    """A cache of its own for each state of a local folder.

    `datasets` tells local folders apart by their name and README alone: after a new export, or
    beside another folder of the same name, it would go on reading the old rows.
    """
    folder = Path(data.path)
    if not folder.is_dir():
        return None
    state = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            status = file.stat()
            state.update(f"{file.resolve()} {status.st_size} {status.st_mtime_ns}\n".encode())
    return str(Path(datasets.config.HF_DATASETS_CACHE) / f"local-{state.hexdigest()[:16]}")


def _minicubes(data: DataConfig) -> datasets.DatasetDict:
    from dataset_script.hephaestus_minicubes import HephaestusMinicubes

    # All channels: one cache serves every subset of them.
    builder = HephaestusMinicubes(
        config_name=data.config, data_dir=data.path, image_size=data.image_size, split=data.split
    )
    builder.download_and_prepare()
    return builder.as_dataset()


def _shards(data: DataConfig) -> datasets.DatasetDict:
    from dataset_script.webdataset.shards import to_dataset

    named = data.config.removeprefix("ts")
    length = data.timeseries_length or (int(named) if named.isdigit() else None)
    return to_dataset(data.path, length=length)


_SOURCES = {"huggingface": _exported, "minicubes": _minicubes, "webdataset": _shards}
