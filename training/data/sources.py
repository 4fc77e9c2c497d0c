"""An experiment's data, opened from any of three kinds of sources."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from datasets.exceptions import DatasetGenerationError, SplitsVerificationError

from dataset_script.annotations.splits import SPLITS
from dataset_script.channels import MASKS, PHASE, PUBLISHED_NAMES
from dataset_script.errors import ConfigError, DataError, HephaestusError
from dataset_script.shards.metadata import read_metadata
from training.config.schema import Config, DataConfig
from training.data.rows import Rows
from training.data.samples import Samples
from training.data.tasks import Task
from training.errors import one_line


@dataclass(frozen=True)
class OpenedData:
    """An experiment's data.

    Attributes:
        splits: Samples by split.
        task: The task, with the series' length filled in.
        channels: Input channels of a step.
        image_size: Side of the crops in pixels.
        pixel_size: Side of most rows' pixels in degrees.
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
        ConfigError: If a step of single pairs is to be repeated, or it is not said which step of a
            series is to be captioned.
    """
    source = _load(config.data)
    for part in "+".join(splits).split("+"):
        if part not in source:
            raise DataError(f"{config.data.path} has no split {part}; it has {', '.join(source)}")
    metadata = read_metadata(config.data.path)  # a dataset from elsewhere has none
    recipe = metadata.get("configs", {}).get(config.data.config, {})
    joined = {
        split: datasets.concatenate_datasets([source[part] for part in split.split("+")])
        for split in splits
    }
    steps, size = _series(joined[splits[0]], config.data)
    task = Task.of(config, steps)
    captions = task.name == "caption"
    if captions and steps > 1 and task.mask_target != "last":
        raise ConfigError(
            f"each of the {steps} steps has a caption of its own: set data.mask_target to last, to "
            "write that of the last step"
        )
    columns = list(config.data.channels)
    if task.mask_column:
        columns.append(task.mask_column)
    repeat = config.augmentation.repeated_date
    if repeat and steps == 1:
        raise ConfigError(f"augmentation.repeated_date is {repeat}; single pairs have no series")
    opened = {}
    for split in splits:
        fresh = split == "train"
        rows = Rows(joined[split], columns, captions)
        opened[split] = Samples(rows, task, config.seed, fresh, repeat if fresh else 0.0)
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
        pixel_size_of(joined[splits[0]]),
        metadata.get("name", config.data.path),
        recipe.get("split", config.data.split),
        recipe.get("correct_stratified", False),
    )


def _series(dataset: datasets.Dataset, data: DataConfig) -> tuple[int, int]:
    """Steps and image size that a dataset's features state."""
    feature = dataset.features.get(PHASE)
    if feature is None and MASKS[0] in dataset.features:  # an export, whose channels are chosen
        raise DataError(
            f"{data.path}, config {data.config}, was exported without the phase {PHASE}, by which "
            f"samples are read: export it again with {PHASE} among --channels; data.channels says "
            "which of them a model sees"
        )
    if feature is None:
        raise DataError(
            f"{data.path} has no column {PHASE}; give a dataset that "
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


def pixel_size_of(dataset: datasets.Dataset) -> float:
    """The size of most rows' pixels in degrees; a few stripmap frames have finer ones.

    Args:
        dataset: Rows with the column `pixel_size`.
    """
    rows = dataset.select_columns(["pixel_size"]).with_format("arrow")
    column = rows[:].column("pixel_size").combine_chunks()
    sides = np.array(column.to_pylist(), float).reshape(-1, 2)[:, 0]
    known = sides[np.isfinite(sides)]
    # The authors' shards do not say.
    return float(np.median(known)) if len(known) else 0.001


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
    if any(Path(data.path).glob("*.zarr*")):  # else every chunk would be looked at
        raise DataError(
            f"{data.path} holds minicubes, which are no dataset yet: export them with `python -m "
            "dataset_script export`, or set data.source to minicubes"
        )
    try:
        return datasets.load_dataset(data.path, data.config, cache_dir=_cache_folder(data))
    except SplitsVerificationError:
        raise DataError(
            f"{data.path}, config {data.config}: its README counts other rows than its shards "
            "have; run the same export again, or fetch the dataset again"
        ) from None
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

    # All published channels: one cache serves every subset of them.
    added = [name for name in data.channels if name not in PUBLISHED_NAMES]
    builder = HephaestusMinicubes(
        config_name=data.config,
        data_dir=data.path,
        image_size=data.image_size,
        channels=(*PUBLISHED_NAMES, *added),
        split=data.split,
        train_dates=data.train_dates,
        validation_dates=data.validation_dates,
        test_dates=data.test_dates,
    )
    builder.download_and_prepare()
    return builder.as_dataset()


def _shards(data: DataConfig) -> datasets.DatasetDict:
    from dataset_script.webdataset.shards import to_dataset

    named = data.config.removeprefix("ts")
    length = data.timeseries_length or (int(named) if named.isdigit() else None)
    return to_dataset(data.path, length=length)


_SOURCES = {"huggingface": _exported, "minicubes": _minicubes, "webdataset": _shards}
