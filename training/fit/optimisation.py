"""The optimiser, the learning rate as a pure function of the update, and the update itself."""

from __future__ import annotations

import math

import torch
from accelerate import Accelerator
from timm.optim import param_groups_weight_decay
from torch import nn

from training.config.schema import OptimizerConfig, ScheduleConfig


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """The configured optimiser; norms and biases are not decayed.

    The fused kernels are taken everywhere: they read nothing back to the host.

    Args:
        model: The model.
        config: Name and parameters.

    Returns:
        torch's optimiser.
    """
    groups = param_groups_weight_decay(model, config.weight_decay)
    if config.name == "sgd":
        nesterov = config.momentum > 0
        return torch.optim.SGD(
            groups, config.learning_rate, config.momentum, nesterov=nesterov, fused=True
        )
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return kind(groups, config.learning_rate, (config.momentum, 0.999), fused=True)


def learning_rate(
    update: int, updates_per_epoch: int, epochs: int, config: ScheduleConfig, peak: float
) -> float:
    """Learning rate of an update.

    Args:
        update: Update number, from 0.
        updates_per_epoch: Updates of an epoch, as it really is.
        epochs: Epochs planned.
        config: The schedule.
        peak: The rate at the end of the warm-up.

    Returns:
        The rate.
    """
    warmup = round(config.warmup_epochs * updates_per_epoch)
    if update < warmup:
        return config.initial + (peak - config.initial) * update / warmup
    if config.name == "constant":
        return peak
    last = max(1, epochs * updates_per_epoch - 1 - warmup)
    share = min(1.0, (update - warmup) / last)
    return config.final + (peak - config.final) * (1 + math.cos(math.pi * share)) / 2


def update_weights(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float | None,
) -> None:
    """Move the weights by the gradients that were summed up, and forget these.

    Args:
        accelerator: Unscales what mixed precision scaled.
        model: The prepared model.
        optimizer: Its prepared optimiser.
        rate: Learning rate.
        clip: Greatest norm of the gradient; None leaves it as it is.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    if clip is not None:
        accelerator.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
