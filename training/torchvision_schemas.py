"""Let a CPU-only torch live beside a torchvision that was built for CUDA.

torchvision registers fake kernels for two operators at import, and fails where its compiled
extension, which declares them, does not match torch's build ("operator torchvision::nms does not
exist"); timm, segmentation-models-pytorch and transformers' image models then fail with it.
Declaring the two schemas first is enough for everything but the operators themselves, which no
model here uses. On a matching pair the extension declares them, and nothing is touched.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _extension_loads() -> bool:
    """Whether torchvision's compiled extension can be loaded by this torch."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return True  # no torchvision: its absence is reported where it is needed
    folder = Path(next(iter(spec.submodule_search_locations)))
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        extension = folder / f"_C{suffix}"
        if extension.exists():
            try:
                torch.ops.load_library(str(extension))
            except OSError:
                return False
            return True
    return any(folder.glob("_C*"))


def declare_missing_schemas() -> None:
    """Declare `torchvision::nms` and `torchvision::qnms` where the extension cannot.

    Safe to call twice.
    """
    if _extension_loads():
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        name = schema.split("(", 1)[0]
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    _KEPT.append(library)


_KEPT: list[torch.library.Library] = []  # a Library undoes its definitions when it is collected

declare_missing_schemas()
