"""Self-supervised pretraining on unlabelled pairs.

Every pair of the training and validation splits is used, whatever its label; the test split is
not opened. From series, each step is a pair of its own.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from tqdm.auto import tqdm

from training.config.pretraining import PretrainingConfig, as_experiment
from training.data.loader import Batch
from training.data.sampling import MASKING, Share, stream
from training.data.sources import OpenedData
from training.fit.loop import TrainingLoop
from training.models.masked_autoencoder import MaskedAutoencoder
from training.runs.history import append_history

SPLIT = "train+validation"


class Pretrainer(TrainingLoop):
    """Pretrains one masked autoencoder.

    Masks depend on (seed, epoch, row) alone and nothing else is random, so a resumed run goes on
    bit by bit as the uninterrupted one would have.

    Args:
        config: The validated configuration.
        data: Its data, with the split `SPLIT`.
        accelerator: Device, precision and processes.
    """

    def __init__(
        self, config: PretrainingConfig, data: OpenedData, accelerator: Accelerator
    ) -> None:
        set_seed(config.seed)
        model = MaskedAutoencoder(data.channels, data.image_size, config.model.options)
        self.steps, self.patches = data.task.timeseries_length, model.patches
        super().__init__(as_experiment(config), data, SPLIT, "all", accelerator, model)

    def _losses(self, images: Tensor, batch: Batch, target: Tensor) -> Tensor:
        pairs = self.model(images.flatten(0, 1), self._noise(batch.share))
        return pairs.unflatten(0, (-1, self.steps)).mean(1)

    def _noise(self, share: Share) -> Tensor:
        """Uniform noise of each pair's patches, [rows * T, patches]."""
        seed, epoch = self.config.seed, self.progress.epoch
        draws = [
            stream(seed, MASKING, epoch, int(row)).random((self.steps, self.patches), "float32")
            for row in share.indices
        ]
        noise = torch.from_numpy(np.concatenate(draws))
        return noise.to(self.accelerator.device, non_blocking=True)

    def _finish_epoch(self, record: dict[str, Any], seconds: float) -> bool:
        """Record the epoch and save the weights in transformers' own format."""
        if self.accelerator.is_main_process:
            append_history(self.run, record)
            done, epochs = self.progress.epoch + 1, self.config.training.epochs
            tqdm.write(f"epoch {done}/{epochs}: loss {self.epoch_loss:.4f}")
            partial = self.run / ".model.partial"
            shutil.rmtree(partial, ignore_errors=True)
            self.accelerator.unwrap_model(self.model).autoencoder.save_pretrained(partial)
            shutil.rmtree(self.run / "model", ignore_errors=True)
            partial.rename(self.run / "model")
        return True
