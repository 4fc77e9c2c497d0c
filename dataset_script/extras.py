"""Which extra of the package brings a library that a command turns out to need."""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS = {
    "training": (
        "accelerate",
        "jsonargparse",
        "sacrebleu",
        "safetensors",
        "segmentation_models_pytorch",
        "sklearn",
        "tensorboard",
        "timm",
        "tokenizers",
        "torch",
        "torchvision",
        "trackio",
        "transformers",
    ),
    "hub": ("evaluate",),
    "space": ("folium", "gradio", "plotly"),
    "s3": ("s3fs",),
    "dask": ("dask", "distributed"),
    "wandb": ("wandb",),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
}
"""Modules that each extra of setup.cfg brings, by the names that they are imported under."""


def require_training() -> None:
    """Look for what no command of training does without, before anything slow is loaded.

    Raises:
        ModuleNotFoundError: Naming the first that is not there; see `errors.readable_errors`.
    """
    for module in ("jsonargparse", "torch", "accelerate", "timm"):
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def advice(module: str) -> str | None:
    """What to do where a module is not there; None of one that no extra brings.

    Args:
        module: Its dotted name.
    """
    top = module.partition(".")[0]
    for extra, modules in EXTRAS.items():
        if top in modules:
            return f'{top} is not installed: pip install "hephaestus-minicubes[{extra}]"'
    return None
