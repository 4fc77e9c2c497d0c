"""Self-supervised pretraining on unlabelled pairs: the loop.

Every pair of the training and validation splits is used, whatever its label; the test split is
not opened. From series, each step is a pair of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from tqdm.auto import tqdm

from training.config.pretraining import PretrainingConfig, as_experiment
from training.data.loader import Batch, Loader
from training.data.sampling import MASKING, Share, epoch_order, share_out, stream
from training.data.sources import OpenedData
from training.fit.epoch import RunningLoss, append_history, progress_bar
from training.fit.optimisation import learning_rate, make_optimizer, update_weights
from training.inputs.augmentation import Augmentation
from training.inputs.preprocessing import Preprocessor
from training.models.masked_autoencoder import MaskedAutoencoder
from training.runs.checkpoints import Progress
from training.runs.resuming import Keeper

SPLIT = "train+validation"


class Pretrainer:
    """Pretrains one masked autoencoder.

    Masks depend on (seed, epoch, row) alone and nothing else is random, so a resumed run goes on
    bit by bit as the uninterrupted one would have.

    Args:
        config: The validated configuration.
        data: Its data, with the split `SPLIT`.
        accelerator: Device, precision and processes.
    """

    def __init__(self, config: PretrainingConfig, data: OpenedData, accelerator: Accelerator):
        self.config, self.accelerator = config, accelerator
        self.run = Path(config.output)
        self.samples = data.splits[SPLIT]
        self.steps = data.task.timeseries_length
        set_seed(config.seed)
        model = MaskedAutoencoder(data.channels, data.image_size, config.model.options)
        self.patches = model.patches
        self.model, self.optimizer = accelerator.prepare(
            model, make_optimizer(model, config.optimizer)
        )
        self.keeper = Keeper(as_experiment(config), accelerator, self.model, self.optimizer, None)
        device = accelerator.device
        self.preprocess = Preprocessor(
            data.channels, self.steps, data.image_size, overwrite=True
        ).to(device)
        self.augment = Augmentation(config.augmentation, data.channels, config.seed)
        self.loader = Loader(self.samples, device, config.data.workers)
        self.progress = Progress(ranks=accelerator.num_processes)
        self.running = RunningLoss(accelerator)

    def fit(self, resume: bool = False) -> float:
        """Train to the last epoch.

        Args:
            resume: Continue from the latest checkpoint, if there is one.

        Returns:
            Mean loss of the last epoch; NaN where none was left to run.

        Raises:
            ConfigError: If the folder holds another run, or one of other settings.
        """
        before = self.keeper.prepare(resume)
        if before is not None:
            self.progress = before
            self.running.begin(before.loss_sum)
        loss = float("nan")
        while self.progress.epoch < self.config.training.epochs:
            self._train_epoch()
            loss = self._end_epoch()
            self._save()
        return loss

    def _train_epoch(self) -> None:
        progress, accelerator = self.progress, self.accelerator
        order = epoch_order(self.samples.positive, "all", self.config.seed, progress.epoch)
        plan = share_out(
            order,
            self.config.training.batch_size,
            accelerator.process_index,
            accelerator.num_processes,
        )
        self.model.train()
        with progress_bar(accelerator, progress, self.config.training.epochs, len(plan)) as bar:
            for batch in self.loader.batches(plan[progress.step :], progress.epoch):
                self._step(batch, len(plan))
                progress.step += 1
                progress.samples += batch.share.total
                bar.update()
                if progress.update % self.config.training.log_every == 0:
                    bar.set_postfix(
                        loss=f"{self.running.mean(progress.samples):.4f}", refresh=False
                    )
                every = self.config.training.checkpoint_every
                if every and progress.step < len(plan) and progress.update % every == 0:
                    self._save()

    def _step(self, batch: Batch, updates_per_epoch: int) -> None:
        config, accelerator, progress = self.config, self.accelerator, self.progress
        stack = self.preprocess.assemble(batch.rasters)
        stack, _ = self.augment(stack, batch.target, batch.share.indices.tolist(), progress.epoch)
        images = self.preprocess.normalise(stack).flatten(0, 1)
        each = self.model(images, self._noise(batch.share)).unflatten(0, (-1, self.steps)).mean(1)
        each = each * batch.weight
        # Processes average their gradients; the mean over rows is wanted.
        accelerator.backward(each.sum() * (accelerator.num_processes / batch.share.total))
        rate = learning_rate(
            progress.update,
            updates_per_epoch,
            config.training.epochs,
            config.schedule,
            config.optimizer.learning_rate,
        )
        update_weights(accelerator, self.model, self.optimizer, rate, config.training.clip)
        self.running.add(each)
        progress.update += 1

    def _noise(self, share: Share) -> Tensor:
        """Uniform noise of each pair's patches, [rows * T, patches]."""
        seed, epoch = self.config.seed, self.progress.epoch
        draws = [
            stream(seed, MASKING, epoch, int(row)).random((self.steps, self.patches), "float32")
            for row in share.indices
        ]
        noise = torch.from_numpy(np.concatenate(draws))
        return noise.to(self.accelerator.device, non_blocking=True)

    def _end_epoch(self) -> float:
        """Record the epoch and publish the weights in transformers' own format."""
        progress, accelerator = self.progress, self.accelerator
        loss = self.running.mean(progress.samples)
        if accelerator.is_main_process:
            line = {
                "epoch": progress.epoch,
                "update": progress.update,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "train": {"loss": loss, "samples": progress.samples},
            }
            append_history(self.run, line)
            tqdm.write(f"epoch {progress.epoch + 1}/{self.config.training.epochs}: loss {loss:.4f}")
            partial = self.run / ".model.partial"
            shutil.rmtree(partial, ignore_errors=True)
            accelerator.unwrap_model(self.model).autoencoder.save_pretrained(partial)
            shutil.rmtree(self.run / "model", ignore_errors=True)
            partial.rename(self.run / "model")
        progress.end_epoch()
        self.running.begin()
        return loss

    def _save(self) -> None:
        self.progress.loss_sum = self.running.total()
        self.keeper.save(self.progress)
