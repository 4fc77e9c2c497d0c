"""Pretrained weights for other inputs: more channels, more steps, other image sizes.

timm and smp inflate the first convolution themselves: the channels of the pretrained filter are
repeated in their order and scaled by old / new, so that equal planes give the activation that one
pretrained image gave. The same rule, by timm's own function, is applied here to transformers
models and to our own checkpoints. With time-major planes and a channel count divisible by that of
the weights, every step sees the same filters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from timm.layers import resample_abs_pos_embed
from timm.models import adapt_input_conv
from torch import Tensor, nn

from dataset_script.errors import ConfigError


def first_convolution(model: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """The convolution that sees the input: the first in the order of definition.

    Args:
        model: A convolutional network or a transformer with a convolutional patch embedding.

    Returns:
        Its name and the module, or None where there is no 2-D convolution.
    """
    modules = model.named_modules()
    return next(((name, found) for name, found in modules if isinstance(found, nn.Conv2d)), None)


def fit(
    source: Mapping[str, Tensor], target: nn.Module
) -> tuple[dict[str, Tensor], list[str], dict[str, str]]:
    """Fit weights to a model whose input may have more channels or another size.

    Args:
        source: Weights by the target's names; names that the target lacks are passed over.
        target: The model.

    Returns:
        The weights that fit, the names of those that were inflated or resampled, and for the rest
        what does not fit ("3x4 for 5x4").
    """
    convolution = first_convolution(target)
    first = None if convolution is None else f"{convolution[0]}.weight"
    fitting, changed, misfits = {}, [], {}
    for name, wanted in target.state_dict().items():
        if name not in source:
            continue
        weight = source[name]
        if weight.shape != wanted.shape:
            adapted = None
            if name == first:
                adapted = _inflate(weight, wanted)
            elif "pos_embed" in name or "position_embedding" in name:
                adapted = _resample_positions(weight, wanted)
            if adapted is None:
                misfits[name] = f"{_size(weight)} for {_size(wanted)}"
                continue
            weight = adapted
            changed.append(name)
        fitting[name] = weight
    return fitting, changed, misfits


def take_over(source: nn.Module, target: nn.Module, what: str, labels: int | None = None) -> None:
    """Give a model the weights of a pretrained one.

    Args:
        source: The pretrained one.
        target: The model.
        what: Whose weights they are, for the message.
        labels: Outputs of the pretrained head, which need not fit; None where there is no head.

    Raises:
        ConfigError: If others do not fit.
    """
    weights = source.state_dict()
    fitting, _, misfits = fit(weights, target)
    # the head is new, everything else is not
    alien = {
        key: sizes
        for key, sizes in misfits.items()
        if labels is None or weights[key].shape[0] != labels
    }
    if alien:
        shown = ", ".join(f"{name} ({size})" for name, size in list(alien.items())[:5])
        more = f" and {len(alien) - 5} more" if len(alien) > 5 else ""
        raise ConfigError(
            f"the weights of {what} do not fit: {shown}{more}; leave out model.options that "
            "change its shape, or set model.pretrained: false"
        )
    target.load_state_dict(fitting, strict=False)


def _inflate(weight: Tensor, wanted: Tensor) -> Tensor | None:
    outputs, planes, *kernel = wanted.shape
    if weight.shape[0] != outputs or list(weight.shape[2:]) != kernel:
        return None
    return adapt_input_conv(planes, weight, base_chans=weight.shape[1])


def _resample_positions(weight: Tensor, wanted: Tensor) -> Tensor | None:
    """Resample [1, prefix + N, D] or [prefix + N, D] positions of a square grid of N patches."""
    if weight.ndim == wanted.ndim == 2:
        resampled = _resample_positions(weight[None], wanted[None])
        return None if resampled is None else resampled[0]
    if weight.ndim != 3 or weight.shape[::2] != wanted.shape[::2]:
        return None
    old, new = (math.isqrt(tensor.shape[1]) ** 2 for tensor in (weight, wanted))
    prefix = weight.shape[1] - old
    if prefix != wanted.shape[1] - new:
        return None
    side = math.isqrt(new)
    with torch.no_grad():
        return resample_abs_pos_embed(weight, [side, side], num_prefix_tokens=prefix)


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
