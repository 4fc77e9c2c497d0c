"""Losses: a weighted sum of terms, each one number a sample.

A step's loss is the mean over its samples, so the mean over an epoch does not depend on how the
epoch was cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dataset_script.errors import ConfigError
from training.config.schema import LossConfig
from training.data.tasks import IGNORED, Task
from training.models.captioner.tokenizer import UNREAD


class Loss(nn.Module):
    """The configured sum of terms.

    - cross_entropy: with softmax, or with a sigmoid for each class of a multi-label task. Each
      pixel or image counts `class_weights[its class]` times; the mean is over pixels, not over
      weights.
    - focal: cross-entropy times (1 - p)^gamma, p the probability given to the truth, times
      `alpha` where the truth is the first class (no deformation) and 1 - alpha elsewhere. Of a
      multi-label task: alpha for an absent class, 1 - alpha for a present one.
    - dice: segmentation-models-pytorch's, of each sample alone; in classification a whole image
      is one pixel.
    - lovasz: `lovasz_softmax`.

    Args:
        config: Terms and their parameters.
        task: The task.

    Raises:
        ConfigError: If the number of class weights is not that of the classes.
    """

    class_weights: Tensor | None

    def __init__(self, config: LossConfig, task: Task) -> None:
        super().__init__()
        self.config, self.task = config, task
        if config.class_weights is not None and len(config.class_weights) != len(task.classes):
            raise ConfigError(
                f"loss.class_weights has {len(config.class_weights)} values; task {task.name} has "
                f"{len(task.classes)} classes: {', '.join(task.classes)}; give each its own"
            )
        weights = config.class_weights
        self.register_buffer("class_weights", None if weights is None else torch.tensor(weights))
        mode = "multilabel" if task.multilabel else "multiclass"
        self._dice = smp.losses.DiceLoss(mode, ignore_index=IGNORED, smooth=1.0)
        self._terms: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "cross_entropy": self._cross_entropy,
            "focal": self._focal,
            "dice": lambda logits, target: _each(self._dice, logits, target),
            "lovasz": lovasz_softmax,
        }

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each sample.

        Args:
            logits: `[B, answers * K, ...]`, any float type; computed in float32.
            target: int64 `[B * answers, ...]`, or float32 `[B * answers, K]` where multi-label.

        Returns:
            float32 `[B]`, the mean over a sample's answers and pixels.
        """
        split = self.task.split_answers(logits.float())
        total = split.new_zeros(len(split))
        for name, weight in self.config.terms.items():
            total = total + weight * self._terms[name](split, target)
        return total.reshape(len(logits), -1).mean(1)

    def _cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        if self.task.multilabel:
            return F.binary_cross_entropy_with_logits(
                logits, target, self.class_weights, reduction="none"
            ).mean(1)
        each = F.cross_entropy(
            logits, target, self.class_weights, ignore_index=IGNORED, reduction="none"
        )
        return _mean(each, target)

    def _focal(self, logits: Tensor, target: Tensor) -> Tensor:
        if self.task.multilabel:
            each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        else:
            each = F.cross_entropy(logits, target, ignore_index=IGNORED, reduction="none")
        each = each * (1 - torch.exp(-each)) ** self.config.gamma
        if self.config.alpha is not None:
            each = each * torch.where(target == 0, self.config.alpha, 1 - self.config.alpha)
        return each.mean(1) if self.task.multilabel else _mean(each, target)


def token_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of each caption, the mean over its tokens.

    Args:
        logits: `[B, L, entries]`, any float type; computed in float32.
        wanted: int64 `[B, L]`, `UNREAD` where there is no token.

    Returns:
        float32 `[B]`.
    """
    each = F.cross_entropy(
        logits.float().transpose(1, 2), wanted, ignore_index=UNREAD, reduction="none"
    )
    return each.sum(1) / (wanted != UNREAD).sum(1)


def _mean(each: Tensor, target: Tensor) -> Tensor:
    """Mean over the pixels that count, `[N, ...]` to `[N]`."""
    counted = (target != IGNORED).reshape(len(target), -1)
    return each.reshape(len(target), -1).sum(1) / counted.sum(1).clamp_min(1)


def _each(loss: nn.Module, logits: Tensor, target: Tensor) -> Tensor:
    """A library's loss of each sample by itself, `[N]`."""
    if logits.ndim == 2:  # a whole image as one pixel
        logits = logits[..., None, None]
        target = target[..., None, None]
    return torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(len(logits))])


def lovasz_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """Lovasz extension of the Jaccard loss (Berman et al., CVPR 2018), of each sample.

    Equal to segmentation-models-pytorch's applied to each sample, but without its branches on
    values, each of which waits for the device.

    Args:
        logits: `[N, K, H, W]`.
        target: int64 `[N, H, W]`; pixels of `IGNORED` do not count.

    Returns:
        `[N]`: the mean over the classes that a sample holds, 0 where it holds none.
    """
    counted = (target != IGNORED).flatten(1)[:, None]
    classes = torch.arange(logits.shape[1], device=target.device)[:, None]
    truth = (target.flatten(1)[:, None] == classes).to(logits.dtype)
    errors = (truth - logits.softmax(1).flatten(2)).abs() * counted
    errors, order = torch.where(counted, errors, -1).sort(2, descending=True)
    truth = truth.gather(2, order)
    total = truth.sum(2, keepdim=True)
    left = total - truth.cumsum(2)
    union = total + (1 - truth).cumsum(2)
    jaccard = 1 - left / union
    gradient = torch.diff(jaccard, dim=2, prepend=torch.zeros_like(total))
    each = (errors.clamp_min(0) * gradient).sum(2)
    present = total[..., 0] > 0
    return (each * present).sum(1) / present.sum(1).clamp_min(1)
