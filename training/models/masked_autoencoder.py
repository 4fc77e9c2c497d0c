"""Masked autoencoding of single interferograms: transformers' ViT-MAE with a circular loss.

A vision transformer sees a quarter of the patches and rebuilds the rest from them (He et al. 2022,
"Masked Autoencoders Are Scalable Vision Learners"). The model is transformers' own, so that its
encoder loads into any of their vision transformers; only the loss is ours, as the wrapped phase
lies on a circle: +pi rebuilt as -pi is no error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import ViTMAEConfig, ViTMAEForPreTraining

from dataset_script.channels import BY_NAME, places_of
from dataset_script.errors import ConfigError
from training.errors import refusals, refuse_reserved, refuse_unknown
from training.facts import CONFIG_KEY


class MaskedAutoencoder(nn.Module):
    """A ViT-MAE over the channels of one pair.

    Args:
        channels: Input channels, in order.
        image_size: Side of the images in pixels.
        options: Fields of `ViTMAEConfig` (hidden_size, patch_size, mask_ratio, ...).

    Raises:
        ConfigError: If an option is unknown or refused, the patches do not tile the image, or
            none of them would be seen or hidden.
    """

    def __init__(self, channels: Sequence[str], image_size: int, options: Mapping[str, Any]):
        super().__init__()
        refuse_reserved(options, ("num_channels", "image_size", "norm_pix_loss"))
        refuse_unknown(options, ViTMAEConfig().to_dict(), "transformers vit_mae")
        with refusals("transformers vit_mae"):
            config: Any = ViTMAEConfig(**options, num_channels=len(channels), image_size=image_size)
            if image_size % config.patch_size:
                raise ValueError(
                    f"patches of {config.patch_size} pixels do not tile an image of {image_size}"
                )
            self.patches = (image_size // config.patch_size) ** 2
            _require_mask(config.mask_ratio, self.patches)
            setattr(config, CONFIG_KEY, {"channels": list(channels)})
            self.autoencoder = ViTMAEForPreTraining(config)
        self.phases = {
            place: BY_NAME[channels[place]].std for place in places_of(channels, "phase")
        }

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """Hide patches, rebuild them, and compare.

        Args:
            images: float32 [N, C, H, W], normalised.
            noise: float32 [N, patches], uniform: the patches with the least are kept.

        Returns:
            float32 [N]: for each image, the mean squared error of the normalised pixels that were
            hidden; for the phase its circular twin, 2 (1 - cos d) / std^2 of a difference of d
            rad, which it equals where d is small.
        """
        answer = self.autoencoder(pixel_values=images, noise=noise)
        # [N, patches, pixels of a patch, C]
        wanted = self.autoencoder.patchify(images).unflatten(2, (-1, images.shape[1]))
        difference = answer.logits.float().unflatten(2, wanted.shape[2:]) - wanted
        error = difference.square()
        for place, std in self.phases.items():
            circular = 2 * (1 - torch.cos(difference[..., place] * std)) / std**2
            error = torch.cat(
                [error[..., :place], circular[..., None], error[..., place + 1 :]], -1
            )
        hidden = answer.mask
        return (error.mean((2, 3)) * hidden).sum(1) / hidden.sum(1)


def _require_mask(ratio: float, patches: int) -> None:
    """Refuse a mask of nothing, whose loss is not a number, and one of everything.

    Transformers looks at neither, and beyond 1 it counts from the end.
    """
    seen = int(patches * (1 - ratio))  # as transformers rounds
    if not 0 < seen < patches:
        raise ConfigError(
            f"model.options.mask_ratio is {ratio}, of {patches} patches: some must be seen and "
            "some hidden, as 0.75 does; set another, or a smaller patch_size"
        )
