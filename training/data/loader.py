"""Compact batches on the device, read ahead by threads.

Threads copy whole rasters out of the memory map, which releases the interpreter's lock; nothing
per pixel happens in Python and nothing is expanded before it is on the device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.samples import Samples
from training.data.sampling import Share

_AHEAD = 2


@dataclass(frozen=True)
class Batch:
    """Samples of one step on one process.

    Attributes:
        rasters: Compact tensors by channel, on the device.
        target: int64 `[B * answers]` or float32 `[B * answers, K]` of whole images, or int64
            `[B * answers, H, W]` of pixels; on the device.
        weight: float32 `[B]` on the device: 0 for a stand-in, else 1 or the confidence.
        share: Which samples these are.
    """

    rasters: dict[str, Tensor]
    target: Tensor
    weight: Tensor
    share: Share


class Loader:
    """Turns a plan into batches.

    Args:
        samples: The split.
        device: Where batches go.
        workers: Reading threads; 0 reads in the calling thread.
        confidence: Weigh samples by the annotators' confidence.
        overwrite: On a CPU, write batches over earlier ones: for loops that are done with a batch
            before they ask for the next. Fresh memory costs more than what is written into it.
    """

    def __init__(
        self,
        samples: Samples,
        device: torch.device,
        workers: int = 2,
        confidence: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.samples, self.device, self.workers = samples, device, workers
        self.confidence = confidence
        # Pinned memory is still being read when a GPU's batch is handed out; torch keeps its own.
        self.overwrite = overwrite and device.type == "cpu"
        self._kept: dict[int, dict[str, Tensor]] = {}

    def batches(self, plan: Sequence[Share], epoch: int = 0) -> Iterator[Batch]:
        """Batches of a plan, in its order whatever the number of threads.

        Args:
            plan: Steps of the epoch (or of what is left of it).
            epoch: Epoch, for the steps that a group shows.

        Yields:
            One batch a step.
        """
        if not self.workers:
            for share in plan:
                host = self._room(0, share)
                for place in range(len(share.indices)):
                    self._fill(host, place, share, epoch)
                yield self._to_device(host, share, epoch)
            return
        waiting: deque[tuple[dict[str, Tensor], Share, list[Future[None]]]] = deque()
        with ThreadPoolExecutor(self.workers, "read-rows") as pool:
            try:
                for number, share in enumerate(plan):
                    # Beside those that are read ahead, one is with the caller.
                    host = self._room(number % (_AHEAD + 1), share)
                    fills = [
                        pool.submit(self._fill, host, place, share, epoch)
                        for place in range(len(share.indices))
                    ]
                    waiting.append((host, share, fills))
                    if len(waiting) > _AHEAD:
                        yield self._ready(waiting, epoch)
                while waiting:
                    yield self._ready(waiting, epoch)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _ready(self, waiting: deque, epoch: int) -> Batch:
        host, share, fills = waiting.popleft()
        for fill in fills:
            fill.result()
        return self._to_device(host, share, epoch)

    def _room(self, place: int, share: Share) -> dict[str, Tensor]:
        """Memory of a batch; what another one had at this place, if it may be written over."""
        count = len(share.indices)
        if not self.overwrite:
            return self._allocate(count)
        kept = self._kept.get(place)
        if kept is None or len(next(iter(kept.values()))) < count:
            kept = self._kept[place] = self._allocate(count)
        return {name: raster[:count] for name, raster in kept.items()}

    def _allocate(self, count: int) -> dict[str, Tensor]:
        steps, pin = self.samples.task.timeseries_length, self.device.type == "cuda"
        host = {}
        for name, shape in self.samples.rows.shapes.items():
            sides = [steps if side is None else side for side in (count, *shape)]
            dtype = self.samples.rows.dtypes[name]
            host[name] = torch.empty(sides, dtype=dtype, pin_memory=pin)
        return host

    def _fill(self, host: dict[str, Tensor], place: int, share: Share, epoch: int) -> None:
        sample = int(share.indices[place])
        steps = self.samples.steps(sample, epoch)
        for name, raster in self.samples.rows.read(self.samples.row(sample)).items():
            if raster.ndim == 3 and not np.array_equal(steps, np.arange(len(raster))):
                raster = raster[steps]
            host[name][place].numpy()[...] = raster

    def _to_device(self, host: dict[str, Tensor], share: Share, epoch: int) -> Batch:
        task, samples = self.samples.task, self.samples
        rasters = {name: raster.to(self.device, non_blocking=True) for name, raster in host.items()}
        shown = [samples.labels(int(index), epoch) for index in share.indices]
        if task.mask_column:
            mask = rasters.pop(task.mask_column)
            tables = [table for labels in shown if (table := task.code_table(labels)) is not None]
            target = task.pixel_target(mask, self._send(np.stack(tables)) if tables else None)
        else:
            target = self._send(np.concatenate([task.image_target(labels) for labels in shown]))
        weight = share.real.astype("float32")
        if self.confidence:
            weight *= np.array(
                [samples.confidence(int(i), epoch) for i in share.indices], "float32"
            )
        return Batch(rasters, target, self._send(weight), share)

    def _send(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)
