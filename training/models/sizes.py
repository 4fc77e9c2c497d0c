"""Architectures that mind the size of their input, and what each needs to be built for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from transformers import PretrainedConfig

from dataset_script.errors import ConfigError


def has_fixed_size(name: str) -> bool:
    """Whether a timm model is built for one input size, which its option `img_size` changes."""
    known = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return known is not None and bool(known.fixed_input_size)


def require_pyramid(encoder: str, architecture: str) -> None:
    """Refuse a plain vision transformer under a decoder that needs maps of several resolutions.

    Args:
        encoder: smp's name of an encoder of timm's, with `tu-`.
        architecture: smp's architecture.

    Raises:
        ConfigError: Saying what to take.
    """
    if architecture.lower() == "dpt" or encoder.startswith("tu-vitamin"):
        return
    if encoder.startswith(("tu-vit", "tu-deit", "tu-beit", "tu-eva", "tu-cait")):
        raise ConfigError(
            f"model.encoder: {encoder} keeps one resolution, and {architecture} needs several: "
            "take model.name DPT, or an encoder with a pyramid, as tu-swin_tiny_patch4_window7_224"
        )


def fit_windows(
    config: PretrainedConfig, size: int, options: Mapping[str, Any], pretrained: bool
) -> None:
    """Let the attention windows of transformers' Swin be no larger than its last feature map.

    Args:
        config: Swin's configuration; its `window_size` is changed where the user left it open.
        size: Side of the input in pixels.
        options: What the user set.
        pretrained: Whether its weights come from elsewhere, whose tables are of that window.

    Raises:
        ConfigError: If the window must stay and does not fit.
    """
    stride = config.patch_size * 2 ** (len(config.depths) - 1)
    side, window = size // stride, config.window_size
    if window <= side:
        return
    if pretrained:
        raise ConfigError(
            f"model.name: these weights of Swin have windows of {window} x {window} patches, for "
            f"images of {stride * window} pixels and more, not {size}: set model.pretrained: "
            "false, or take timm's Swin, which resamples its weights"
        )
    if not side:
        raise ConfigError(
            f"model.options.patch_size: Swin divides an image by {stride}, more than its {size} "
            f"pixels; set a patch_size below {config.patch_size}, or fewer depths"
        )
    if "window_size" in options:
        raise ConfigError(
            f"model.options.window_size is {window}, but of {size} pixels Swin's last feature map "
            f"has {side} x {side}: set it to {side} or less, or leave it out"
        )
    config.window_size = side
