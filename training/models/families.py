"""The three libraries' own models, for any number of input planes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForImageClassification,
    AutoModelForSemanticSegmentation,
    PretrainedConfig,
)

from dataset_script.errors import ConfigError
from training.errors import nearest, refusals, refuse_reserved, refuse_unknown
from training.models.fetching import fetching
from training.models.inflation import first_convolution, take_over
from training.models.sizes import fit_windows, has_fixed_size, require_pyramid


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a model, whichever library builds it.

    Attributes:
        planes: Input planes: channels, times steps where these are stacked.
        num_classes: Outputs, an image or a pixel.
        image_size: Side of the input in pixels.
        pretrained: Start from the library's weights, inflated to `planes`; see
            `models.inflation`.
        options: Further keyword arguments of the architecture; of transformers, fields of its
            configuration.
    """

    planes: int
    num_classes: int
    image_size: int
    pretrained: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def build_timm(name: str, wanted: Wanted) -> nn.Module:
    """A timm classifier.

    Architectures with a fixed input size (ViT, Swin and their kin) are built for `image_size`
    unless `options` says `img_size`; timm resamples their pretrained positions.

    Args:
        name: Any name of `timm.list_models()`, with or without a pretrained tag.
        wanted: See `Wanted`.

    Returns:
        timm's module; float32 [B, planes, H, W] -> [B, num_classes].

    Raises:
        ConfigError: If timm does not know the name or refuses an option, or the weights cannot be
            had.
    """
    refuse_reserved(wanted.options, ("in_chans", "num_classes", "pretrained"))
    architecture = name.split(".")[0]
    remote = name.startswith(("hf-hub:", "hf_hub:"))
    if not timm.is_model(architecture) and not remote:
        raise ConfigError(f"model.name: timm has no {name!r}{nearest(name, timm.list_models())}")
    options = dict(wanted.options)
    what = f"timm {name}"
    fetch = wanted.pretrained or remote
    with refusals(what), fetching(f"the weights of {what}") if fetch else nullcontext():
        if has_fixed_size(name):
            options.setdefault("img_size", wanted.image_size)
        options |= {"in_chans": wanted.planes, "num_classes": wanted.num_classes}
        model = timm.create_model(name, pretrained=wanted.pretrained, **options)
    image = torch.zeros(1, wanted.planes, wanted.image_size, wanted.image_size)
    with refusals(what), torch.no_grad():  # some options show in the first step alone
        model.eval()(image.to(next(model.parameters()).device))
    return model.train()


def build_smp(name: str, encoder: str, wanted: Wanted) -> nn.Module:
    """A segmentation-models-pytorch segmenter.

    Args:
        name: Any of its architectures (Unet, DeepLabV3Plus, Segformer, ...), in any case.
        encoder: Any of its encoders; `tu-` and a timm name for timm's, built for `image_size` where
            they have a fixed one. It alone has pretrained weights.
        wanted: See `Wanted`.

    Returns:
        smp's module; float32 [B, planes, H, W] -> [B, num_classes, H, W].

    Raises:
        ConfigError: If smp does not know a name or refuses an option, the image size does not
            suit the encoder, or the weights cannot be had.
    """
    architectures = {kind.__name__.lower(): kind for kind in smp._MODEL_ARCHITECTURES}
    if name.lower() not in architectures:
        names = [kind.__name__ for kind in architectures.values()]
        raise ConfigError(f"model.name: smp has no {name!r}; it has {', '.join(names)}")
    refuse_reserved(
        wanted.options,
        ("encoder_name", "encoder_weights", "in_channels", "classes", "aux_params", "activation"),
    )
    if not encoder.startswith("tu-"):  # smp passes what it does not know to timm encoders alone
        known = inspect.signature(architectures[name.lower()]).parameters
        refuse_unknown(wanted.options, known, f"smp {name}")
        _check_encoder(encoder)
    weights = (True if encoder.startswith("tu-") else "imagenet") if wanted.pretrained else None
    what, size = f"smp {name} with encoder {encoder}", wanted.image_size
    options = dict(wanted.options)
    if encoder.startswith("tu-") and has_fixed_size(encoder.removeprefix("tu-")):
        require_pyramid(encoder, name)
        options.setdefault("img_size", size)
    with refusals(what), fetching(f"the weights of {what}") if wanted.pretrained else nullcontext():
        model: Any = smp.create_model(
            name,
            encoder_name=encoder,
            encoder_weights=weights,
            in_channels=wanted.planes,
            classes=wanted.num_classes,
            **options,
        )
    if any(parameter.is_meta for parameter in model.parameters()):
        model.to("meta")  # smp makes the first convolution on the CPU, whatever the device context
    stride = model.encoder.output_stride
    if model.requires_divisible_input_shape and size % stride:
        raise ConfigError(
            f"{what} needs an image size divisible by {stride}, not {size}; "
            "choose another architecture, or set data to crops of such a size"
        )
    with refusals(what):
        freeze_unreached(model, model, torch.zeros(1, wanted.planes, size, size))
    return model


def build_transformers(name: str, objective: str, wanted: Wanted) -> nn.Module:
    """A transformers image classifier or semantic segmenter.

    Position embeddings are built for `image_size`, or resampled to it, unless `options` says
    `image_size`.

    Args:
        name: A kind of model (vit, convnext, segformer, ...), a repository on the Hub or a local
            folder, whose configuration is taken.
        objective: "classification" or "segmentation".
        wanted: See `Wanted`.

    Returns:
        transformers' module; float32 [B, planes, H, W] -> an output with `.logits`.

    Raises:
        ConfigError: If transformers does not know the name or refuses an option, the weights
            cannot be had or do not fit.
    """
    planes, size = wanted.planes, wanted.image_size
    refuse_reserved(wanted.options, ("num_channels", "num_labels"))
    auto = (
        AutoModelForImageClassification
        if objective == "classification"
        else AutoModelForSemanticSegmentation
    )
    what = f"transformers {name}"
    source = None
    with refusals(what):
        if wanted.pretrained:
            source = pretrained(auto, name, what)
        config = configured(name, wanted, what)
        config.num_labels = wanted.num_classes
        model = auto.from_config(config)
        require_planes(model, planes, what)
        image = torch.zeros(1, planes, size, size)
        freeze_unreached(model, lambda pixels: model(pixel_values=pixels).logits, image)
    if source is not None:
        take_over(source, model, what, source.config.num_labels)
    return model


def pretrained(auto: Any, name: str, what: str) -> Any:
    """A pretrained model of transformers.

    Args:
        auto: The class of transformers that chooses the model's.
        name: A repository on the Hub or a local folder.
        what: The model, for messages.

    Raises:
        ConfigError: If it cannot be had, or only a kind of model is named.
    """
    if name in CONFIG_MAPPING:
        raise ConfigError(
            f"model.pretrained: {name} is a kind of model, which has no weights; name a "
            "repository on the Hub or a folder, or set model.pretrained: false"
        )
    with _local_or_fetching(name, f"the weights of {what}"):
        return auto.from_pretrained(name)


def configured(name: str, wanted: Wanted, what: str) -> PretrainedConfig:
    """The configuration of a transformers model, for the wanted planes and image size.

    Args:
        name: See `build_transformers`.
        wanted: See `Wanted`.
        what: The model, for messages.

    Raises:
        ConfigError: If there is none of that name, or it refuses an option.
    """
    config = _configuration(name, wanted.options, what)
    # where a kind has several heads, transformers chooses by this list and trips on None
    config.architectures = config.architectures or []
    if hasattr(config, "use_auxiliary_head"):
        # its output enters transformers' own loss alone: a second, untrained head for us
        config.use_auxiliary_head = False
    size = wanted.image_size
    for part in _parts(config):
        if hasattr(part, "num_channels"):
            part.num_channels = wanted.planes
        if hasattr(part, "image_size") and "image_size" not in wanted.options:
            several = isinstance(part.image_size, list | tuple)
            part.image_size = [size, size] if several else size
        if part.model_type == "swin":
            fit_windows(part, size, wanted.options, wanted.pretrained)
    return config


def require_planes(model: nn.Module, planes: int, what: str) -> None:
    """Refuse a model whose first convolution did not become one of the wanted planes.

    Raises:
        ConfigError: Saying what to set.
    """
    convolution = first_convolution(model)
    if convolution is None or convolution[1].in_channels != planes:
        raise ConfigError(
            f"{what} cannot take {planes} input planes by its num_channels; if its "
            "configuration has another name for them, set that in model.options"
        )


def _configuration(name: str, options: Mapping[str, Any], what: str) -> PretrainedConfig:
    """The configuration of a kind of model, a repository or a folder, with options set."""
    if name in CONFIG_MAPPING:
        refuse_unknown(options, AutoConfig.for_model(name).to_dict(), what)
        return AutoConfig.for_model(name, **options)
    if "/" not in name and not Path(name).is_dir():
        raise ConfigError(
            f"model.name: {name!r} is no kind of model of transformers"
            f"{nearest(name, CONFIG_MAPPING)}; repositories are named <owner>/<name>"
        )
    with _local_or_fetching(name, f"the configuration of {what}"):
        refuse_unknown(options, AutoConfig.from_pretrained(name).to_dict(), what)
        return AutoConfig.from_pretrained(name, **options)


def _local_or_fetching(name: str, what: str) -> AbstractContextManager[None]:
    return nullcontext() if Path(name).is_dir() else fetching(what)


def _parts(config: PretrainedConfig) -> Iterator[PretrainedConfig]:
    """A configuration and those of its parts that see the image."""
    yield config
    for name in ("backbone_config", "vision_config"):
        if (part := getattr(config, name, None)) is not None:
            yield from _parts(part)


def freeze_unreached(model: nn.Module, forward: Callable[[Tensor], Tensor], image: Tensor) -> None:
    """Freeze what the answer does not depend on, such as mask tokens and layers past the last tap.

    DDP waits for a gradient of every trainable parameter and fails on one that never comes.
    """
    training = model.training
    model.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with torch.enable_grad():
        answer = forward(image.to(parameters[0].device)).sum()
        gradients = torch.autograd.grad(answer, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is None:
            parameter.requires_grad_(False)
    model.train(training)


def _check_encoder(encoder: str) -> None:
    names = smp.encoders.get_encoder_names()
    if encoder not in names and not encoder.startswith("timm-"):
        raise ConfigError(
            f"model.encoder: smp has no {encoder!r}{nearest(encoder, names)}; timm's encoders "
            "are named tu-<name>"
        )
