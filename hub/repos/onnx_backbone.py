"""ONNX Runtime in the place of a library's module: no torch kernel runs, no weight is torch's.

On the CPU it folds batch norms and chooses memory orders by itself, which makes small convolutional
networks faster than they are in torch.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from hub.errors import HubError

INPUT, OUTPUT = "planes", "logits"


class OnnxBackbone(nn.Module):
    """A network that `export.export_model` wrote, called as the library's own module is.

    Args:
        file: The ONNX file.
        library: The library that the network is of, which says how it is called; see
            `training.models.model.Model`.

    Raises:
        HubError: If ONNX Runtime refuses the file.
    """

    def __init__(self, file: Path, library: str) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # As many as torch would take, which heeds OMP_NUM_THREADS and what a worker was given.
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # its warnings are about its own optimiser
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # it has kinds of its own, and no base
            reason = str(error).strip().splitlines()[0]
            raise HubError(f"{file} is no network that ONNX Runtime can run: {reason}") from None
        self._library = library

    def forward(self, pixel_values: Tensor) -> Tensor | SimpleNamespace:
        """Ask the network.

        Args:
            pixel_values: Normalised planes `[B, T * C, H, W]`, or `[B, T, C, H, W]` for our own
                temporal modules.

        Returns:
            Logits `[B, K]` or `[B, K, H, W]`; under `.logits` where the library is transformers.
        """
        planes = pixel_values.flatten(1, 2) if pixel_values.ndim == 5 else pixel_values
        (found,) = self._session.run([OUTPUT], {INPUT: planes.float().cpu().numpy()})
        logits = torch.from_numpy(found).to(pixel_values.device)
        return SimpleNamespace(logits=logits) if self._library == "transformers" else logits
