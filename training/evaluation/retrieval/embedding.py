"""The direction of each sample of a split, gathered from all processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from training.data.loader import Batch, Loader
from training.data.samples import Samples
from training.data.sampling import share_out
from training.models.retriever.model import Retriever


def embed_split(
    model: Retriever,
    samples: Samples,
    accelerator: Accelerator,
    batch_size: int,
    workers: int,
    inputs: Callable[[Batch], Tensor],
    progress: Callable[[Iterable], Iterable] = iter,
) -> np.ndarray:
    """Embed each sample of a split once, whatever the number of processes.

    Args:
        model: The retriever, evaluating.
        samples: The split.
        accelerator: Device and processes.
        batch_size: Samples a step on each process.
        workers: Reading threads.
        inputs: From a compact batch to the model's input.
        progress: Wraps the iteration over batches.

    Returns:
        float32 `[N, D]` of length 1, the same on every process.
    """
    order = np.arange(len(samples))
    plan = share_out(order, batch_size, accelerator.process_index, accelerator.num_processes)
    found: list[tuple[int, np.ndarray]] = []
    loader = Loader(samples, accelerator.device, workers, overwrite=True)
    for batch in progress(loader.batches(plan)):
        directions = model.embed_images(inputs(batch)).cpu().numpy()
        rows = zip(batch.share.indices.tolist(), directions, batch.share.real, strict=True)
        found += [(index, direction) for index, direction, real in rows if real]
    if accelerator.num_processes > 1:
        found = gather_object(found)
    return np.stack([direction for _, direction in sorted(found, key=lambda row: row[0])])
