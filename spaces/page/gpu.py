"""A shared GPU where the Space runs on ZeroGPU; nothing anywhere else.

Imported before torch, as PyPI's `spaces` asks for. Where that package is not installed, the
folder `spaces/` of a checkout may be imported in its place, as an empty namespace.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

try:
    GPU = getattr(importlib.import_module("spaces"), "GPU", None)
except ImportError:
    GPU = None


def on_gpu(function: Callable[..., T]) -> Callable[..., T]:
    """Run a function where the GPU is; on ZeroGPU that is another process.

    Args:
        function: Its arguments and its result are pickled on the way there and back.

    Returns:
        The function itself wherever there is no ZeroGPU.
    """
    return function if GPU is None else GPU(function)
