"""The sentences that a captioner writes of a split, gathered from all processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from training.data.loader import Batch, Loader
from training.data.samples import Samples
from training.data.sampling import share_out
from training.models.captioner.model import Captioner
from training.models.captioner.tokenizer import pad


@dataclass(frozen=True)
class TeacherForced:
    """The loss of true captions, each token after the true ones before it.

    Attributes:
        tokens: Of each caption.
        pad_id: What fills up the shorter captions of a batch.
        loss: From logits and what was wanted to the loss of each sample.
    """

    tokens: Mapping[str, Sequence[int]]
    pad_id: int
    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, model: Captioner, images: Tensor, captions: Sequence[str]) -> Tensor:
        """The loss of each sample, float32 `[B]`."""
        read, wanted = pad([self.tokens[caption] for caption in captions], self.pad_id)
        return self.loss(model(images, read.to(images.device)), wanted.to(images.device))


@dataclass(frozen=True)
class Written:
    """What a captioner wrote of a split; sample by sample.

    Attributes:
        sentences: The captioner's.
        references: The annotators'.
        loss: float64 `[N]` of the references; None where it was not asked for.
    """

    sentences: list[str]
    references: list[str]
    loss: np.ndarray | None


def write_captions(
    model: Captioner,
    samples: Samples,
    accelerator: Accelerator,
    batch_size: int,
    workers: int,
    inputs: Callable[[Batch], Tensor],
    forced: TeacherForced | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Written:
    """Let a captioner write of a split, each sample once whatever the number of processes.

    Args:
        model: The captioner, evaluating.
        samples: The split.
        accelerator: Device and processes.
        batch_size: Samples a step on each process.
        workers: Reading threads.
        inputs: From a compact batch to the model's input.
        forced: How to take the loss of the true captions; None takes none.
        progress: Wraps the iteration over batches.

    Returns:
        The sentences, the same on every process.
    """
    order = np.arange(len(samples))
    plan = share_out(order, batch_size, accelerator.process_index, accelerator.num_processes)
    found: list[tuple[int, str, float]] = []
    loader = Loader(samples, accelerator.device, workers, overwrite=True)
    with torch.no_grad():
        for batch in progress(loader.batches(plan)):
            images, indices = inputs(batch), batch.share.indices.tolist()
            losses = [float("nan")] * len(indices)
            if forced is not None:
                captions = [samples.caption(index) for index in indices]
                losses = forced(model, images, captions).double().tolist()
            rows = zip(indices, model.write(images), losses, batch.share.real, strict=True)
            found += [row[:3] for row in rows if row[3]]
    if accelerator.num_processes > 1:
        found = gather_object(found)
    found.sort()
    return Written(
        [sentence for _, sentence, _ in found],
        [samples.caption(index) for index in order.tolist()],
        None if forced is None else np.array([loss for *_, loss in found]),
    )
