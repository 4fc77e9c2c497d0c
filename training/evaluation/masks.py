"""The probability of every pixel of every sample, kept on demand: about a megabyte a sample."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Array2D, Features, Value
from torch import Tensor

from dataset_script.shards.writers import RowWriter, rows_file
from training.data.loader import Batch
from training.data.samples import Samples
from training.evaluation.predictions import Forward

MASKS = "masks"
"""Their folder, in a folder of results; `datasets.load_dataset` reads it."""


@contextlib.contextmanager
def written_masks(
    forward: Forward, samples: Samples, accelerator: Accelerator, folder: Path, temperature: float
) -> Iterator[Forward]:
    """A model that also writes down what it says of each pixel, a Parquet file a process.

    Args:
        forward: The model, a segmentation.
        samples: The split.
        accelerator: Device and processes.
        folder: Folder of the results; `MASKS` in it is replaced once all is written.
        temperature: Divisor of the logits.

    Yields:
        `forward`, to be run over the split once.

    Raises:
        DataError: If they cannot be written.
    """
    rank, ranks = accelerator.process_index, accelerator.num_processes
    partial = folder / f".{MASKS}.partial"
    name = f"part-{rank:05d}-of-{ranks:05d}.parquet"
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    side = next(iter(samples.rows.shapes.values()))[-1]
    columns = {"sample_id": Value("string"), "probability": Array2D((side, side), "float32")}
    with rows_file(partial / name, Features(columns)) as writer:
        yield lambda batch: _write(forward(batch), batch, samples, writer, temperature)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(folder / MASKS, ignore_errors=True)
        partial.rename(folder / MASKS)
    accelerator.wait_for_everyone()


def _write(
    logits: Tensor, batch: Batch, samples: Samples, writer: RowWriter, temperature: float
) -> Tensor:
    task, share = samples.task, batch.share
    with torch.no_grad():
        margin = task.margin(task.split_answers(logits.float()), temperature) / temperature
        chance = margin.sigmoid().reshape(len(logits), -1, *margin.shape[1:]).amax(1).cpu().numpy()
    for place in np.flatnonzero(share.real):
        known = samples.metadata(int(share.indices[place]))
        writer.write({"sample_id": known.sample_id, "probability": chance[place]})
    return logits
