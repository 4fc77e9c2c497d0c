"""The pipelines that a user would otherwise write, in the manner that people write them.

All of them end with what a training step needs: the float32 stack `[T*C, H, W]` and the union mask.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray
from datasets import Array3D, Dataset, Features

from dataset_script.annotations.series import Sample
from dataset_script.channels import CHANNELS

PLANES = len(CHANNELS)
_MEAN = np.array([channel.mean for channel in CHANNELS], dtype="float32")
_STD = np.array([channel.std for channel in CHANNELS], dtype="float32")


def normalised(stack: np.ndarray) -> np.ndarray:
    """Standardise `[T*C, H, W]` by the channels' statistics."""
    mean, std = statistics(stack.shape[0] // PLANES)
    return (stack - mean) / std


def statistics(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of the planes, `[T*C, 1, 1]`."""
    return np.tile(_MEAN, steps)[:, None, None], np.tile(_STD, steps)[:, None, None]


def xarray_sample(cube: Path, sample: Sample, window: Sequence[int]) -> tuple:
    """(a) Open the store, read the whole frames of each step, and crop them."""
    row, column, height, width = window
    area = (slice(row, row + height), slice(column, column + width))
    with xarray.open_zarr(cube) as store:
        planes, masks = [], []
        for step in sample.annotations:
            pair = store.sel(
                primary_date=np.datetime64(step.primary_date),
                secondary_date=np.datetime64(step.secondary_date),
            )
            planes += [pair[channel.name].values.astype("float32")[area] for channel in CHANNELS]
            masks.append(pair["deformation_mask"].values[area])
    return np.stack(planes), np.stack(masks).any(0)


def write_webdataset(folder: Path, samples: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """(b) Tars of `torch.save`d float32 tensors, 32 samples a shard."""
    folder.mkdir(parents=True)
    tar = None
    for index, (stack, mask) in enumerate(samples):
        if index % 32 == 0:
            if tar:
                tar.close()
            tar = tarfile.open(folder / f"sample-{index // 32:06d}.tar", "w")  # noqa: SIM115
        assert tar is not None
        for name, array in (("image", stack), ("labels", mask.astype("int64"))):
            buffer = io.BytesIO()
            torch.save(torch.from_numpy(array), buffer)
            member = tarfile.TarInfo(f"{index:06d}.{name}.pth")
            member.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(member, buffer)
    if tar:
        tar.close()


def read_webdataset(folder: Path) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(b) Read them back as the library does, normalised."""
    import webdataset

    shards = sorted(str(path) for path in folder.glob("*.tar"))
    pipeline = webdataset.WebDataset(shards, shardshuffle=False).decode()
    for sample in pipeline.to_tuple("image.pth", "labels.pth"):
        stack, mask = sample
        yield torch.from_numpy(normalised(stack.numpy())), mask


def write_plain_parquet(path: Path, samples: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """(c) `datasets` with float32 Array3D columns, written by `to_parquet` as it comes."""
    stacks, masks = zip(*samples, strict=True)
    features = Features(
        {
            "image": Array3D(stacks[0].shape, "float32"),
            "labels": Array3D((1, *masks[0].shape), "int64"),
        }
    )
    rows = {"image": list(stacks), "labels": [mask[None].astype("int64") for mask in masks]}
    Dataset.from_dict(rows, features=features).to_parquet(path)


def write_memmap(path: Path, arrays: Iterator[np.ndarray], count: int) -> None:
    """(d) One raw file of equal arrays."""
    target = None
    for index, array in enumerate(arrays):
        if target is None:
            shape = (count, *array.shape)
            target = np.memmap(path, dtype=array.dtype, mode="w+", shape=shape)
        target[index] = array
    assert target is not None
    target.flush()
