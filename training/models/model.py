"""Any timm, smp or transformers model behind one face: series of channels in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn
from torch.nn.functional import interpolate

from dataset_script.errors import ConfigError

OURS = "hephaestus"
"""The `library` of our own temporal modules, which take the steps apart."""


class Model(nn.Module):
    """A library's module, fed with series.

    Args:
        backbone: The module, in the library's own class.
        library: timm, smp, transformers, or hephaestus for `models.temporal`.
        objective: classification or segmentation.
    """

    def __init__(self, backbone: nn.Module, library: str, objective: str):
        super().__init__()
        self.backbone = backbone
        self.library = library
        self.objective = objective
        # In a tuple, so that no weight is this module's twice.
        self._frozen: tuple[nn.Module, Sequence[nn.Module]] | None = None

    def freeze(self, part: nn.Module, heads: Sequence[nn.Module]) -> None:
        """Leave a part in evaluation mode whenever the model trains, the heads within it apart."""
        self._frozen = part, heads
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; a frozen part evaluates in both."""
        super().train(mode)
        if self._frozen is not None:
            part, heads = self._frozen
            part.eval()
            for head in heads:
                head.train(mode)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Classify or segment.

        Args:
            images: float32 [B, T, C, H, W], normalised. All but our own modules see the T * C
                planes of a series at once, time-major.

        Returns:
            Logits, [B, K] or [B, K, H, W].
        """
        if self.library == OURS:
            return self.backbone(images)
        planes = images.flatten(1, 2)
        if self.library != "transformers":
            return self.backbone(planes)
        logits = self.backbone(pixel_values=planes).logits
        if self.objective == "segmentation" and logits.shape[-2:] != planes.shape[-2:]:
            logits = interpolate(logits, size=planes.shape[-2:], mode="bilinear")
        return logits


def wrap_backbone(backbone: nn.Module, library: str, objective: str) -> Model:
    """Put a loaded module behind the common face.

    Args:
        backbone: A timm, smp, transformers or `models.temporal` module.
        library: timm, smp, transformers or hephaestus.
        objective: classification or segmentation.

    Returns:
        The model.

    Raises:
        ConfigError: If the library or the objective is unknown.
    """
    if library not in ("timm", "smp", "transformers", OURS):
        raise ConfigError(f"unknown library {library!r}; it is timm, smp, transformers or {OURS}")
    if objective not in ("classification", "segmentation"):
        raise ConfigError(f"unknown objective {objective!r}; it is classification or segmentation")
    return Model(backbone, library, objective)
