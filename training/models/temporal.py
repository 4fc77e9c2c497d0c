"""Models of time series: one encoder shared by the steps, whose features are fused.

The encoder, the decoder and the heads are timm's (classification) and smp's (segmentation); ours
is only the fusion between them. Both classes save and load by `PyTorchModelHubMixin`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from dataset_script.errors import ConfigError
from training.models.families import Wanted, build_smp, build_timm
from training.models.fusion import make_fusion

MIN_FUSED_STRIDE = 4
"""Finer skip connections carry texture at a high price: their steps are averaged."""


class TemporalClassifier(nn.Module, PyTorchModelHubMixin, library_name="hephaestus-minicubes"):
    """A timm encoder for each step, fusion of the last feature map, timm's head.

    Transformers' patch tokens are put back on their grid and pooled by their mean; class tokens
    are averaged over the steps.

    Args:
        encoder: timm's name.
        fusion: mean, max, attention or convlstm.
        in_channels: Channels C of a step.
        num_classes: Outputs.
        image_size: Side of the input in pixels.
        hidden_channels: Width of the attention or of the ConvLSTM's state.
        options: Further keyword arguments of the encoder.

    Raises:
        ConfigError: See `families.build_timm`; also if `fusion` or `hidden_channels` will not do.
    """

    def __init__(
        self,
        encoder: str,
        fusion: str,
        in_channels: int,
        num_classes: int,
        image_size: int,
        hidden_channels: int = 256,
        options: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        wanted = Wanted(in_channels, num_classes, image_size, options=options or {})
        self.encoder: Any = build_timm(encoder, wanted)
        encoder_module: Any = self.encoder
        if getattr(encoder_module, "global_pool", None) == "token":
            # a head on the class token would never see the fused patches
            encoder_module.reset_classifier(num_classes, global_pool="avg")
        self.fusion = make_fusion(fusion, encoder_module.num_features, hidden_channels)

    def forward(self, images: Tensor) -> Tensor:
        """Classify series.

        Args:
            images: float32 [B, T, C, H, W], normalised.

        Returns:
            Logits [B, num_classes].
        """
        steps = images.shape[1]
        features = self.encoder.forward_features(images.flatten(0, 1))
        features = features.unflatten(0, (-1, steps))
        if features.ndim == 4:  # tokens [B, T, prefix + N, F]
            fused = self._fuse_tokens(features)
        elif getattr(self.encoder, "output_fmt", "NCHW") == "NHWC":
            fused = self.fusion(features.movedim(-1, 2)).movedim(1, -1)
        else:
            fused = self.fusion(features)
        return self.encoder.forward_head(fused)

    def _fuse_tokens(self, tokens: Tensor) -> Tensor:
        prefix = getattr(self.encoder, "num_prefix_tokens", 0)
        side = math.isqrt(tokens.shape[2] - prefix)
        patches = tokens[:, :, prefix:].unflatten(2, (side, side)).movedim(-1, 2)
        fused = self.fusion(patches).flatten(2).transpose(1, 2)
        return torch.cat([tokens[:, :, :prefix].mean(1), fused], 1)


class TemporalSegmenter(nn.Module, PyTorchModelHubMixin, library_name="hephaestus-minicubes"):
    """An smp encoder for each step, fusion of each feature level, smp's decoder and head.

    Levels that the decoder does not look at, and those finer than `MIN_FUSED_STRIDE`, are
    averaged over the steps.

    Args:
        architecture: smp's name (Unet, DeepLabV3Plus, Segformer, ...).
        encoder: smp's name of the encoder.
        fusion: mean, max, attention or convlstm.
        in_channels: Channels C of a step.
        num_classes: Outputs a pixel.
        image_size: Side of the input in pixels.
        hidden_channels: Width of the attentions or of the ConvLSTMs' states.
        options: Further keyword arguments of the architecture.

    Raises:
        ConfigError: See `families.build_smp`; also if `fusion` or `hidden_channels` will not do.
    """

    def __init__(
        self,
        architecture: str,
        encoder: str,
        fusion: str,
        in_channels: int,
        num_classes: int,
        image_size: int,
        hidden_channels: int = 64,
        options: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        if architecture.lower() == "dpt":
            raise ConfigError("model.temporal: smp's DPT hands on tokens, not maps; use stack")
        wanted = Wanted(in_channels, num_classes, image_size, options=options or {})
        self.segmenter: Any = build_smp(architecture, encoder, wanted)
        self.fusions = nn.ModuleList(
            make_fusion(fusion if worth or fusion == "max" else "mean", channels, hidden_channels)
            for worth, channels in _levels(self.segmenter, in_channels, image_size)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Segment series.

        Args:
            images: float32 [B, T, C, H, W], normalised.

        Returns:
            Logits [B, num_classes, H, W].
        """
        steps = images.shape[1]
        levels = self.segmenter.encoder(images.flatten(0, 1))
        fused = [
            fusion(level.unflatten(0, (-1, steps)))
            for fusion, level in zip(self.fusions, levels, strict=True)
        ]
        return self.segmenter.segmentation_head(self.segmenter.decoder(fused))


def _levels(segmenter: Any, in_channels: int, image_size: int) -> list[tuple[bool, int]]:
    """Whether each feature level is worth a learned fusion, and its channels.

    A level without gradient is one the decoder ignores: parameters there would never be trained,
    and DDP refuses such.
    """
    training = segmenter.training
    segmenter.eval()
    device = next(segmenter.parameters()).device
    image = torch.zeros(1, in_channels, image_size, image_size, device=device)
    with torch.no_grad():
        levels = segmenter.encoder(image)
    with torch.enable_grad():
        levels = [level.detach().requires_grad_() for level in levels]
        answer = segmenter.segmentation_head(segmenter.decoder(levels)).sum()
        gradients = torch.autograd.grad(answer, levels, allow_unused=True)
    segmenter.train(training)
    return [
        (
            gradient is not None
            and level.shape[1] > 0
            and image_size // level.shape[-1] >= MIN_FUSED_STRIDE,
            level.shape[1],
        )
        for level, gradient in zip(levels, gradients, strict=True)
    ]
