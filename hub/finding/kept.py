"""What a model says of a dataset, kept so that the next sentence need not wait for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset_script.safe_files import renamed

if TYPE_CHECKING:
    from training.data.samples import Samples

_VERSION = 1  # of what is kept: directions of another version are made again


class Kept:
    """Directions of a dataset's samples by one model, in the cache of `datasets`.

    It is a safetensors file whose name and whose own metadata tell the weights and the data, so
    another model, another export or other samples are never taken for these.

    Args:
        weights: Digest of the model's weights.
        samples: The samples.
    """

    def __init__(self, weights: str, samples: Samples) -> None:
        import datasets

        ids = [samples.metadata(number).sample_id for number in range(len(samples))]
        data = json.dumps([samples.rows.fingerprint, ids, samples.task.timeseries_length])
        self.count = len(ids)
        self.about = {
            "version": str(_VERSION),
            "weights": weights,
            "data": hashlib.sha256(data.encode()).hexdigest(),
        }
        name = hashlib.sha256(json.dumps(self.about).encode()).hexdigest()[:24]
        folder = Path(datasets.config.HF_DATASETS_CACHE) / "hephaestus-directions"
        self.file = folder / f"{name}.safetensors"

    def read(self) -> np.ndarray | None:
        """Float32 `[N, D]`, or None if there are none, or they are damaged: made again."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file, "numpy") as opened:
                same = opened.metadata() == self.about
                directions = opened.get_tensor("directions")
        except (OSError, SafetensorError):
            return None
        return directions if same and len(directions) == self.count else None

    def write(self, directions: np.ndarray) -> None:
        """Keep them.

        Args:
            directions: Float32 `[N, D]`.

        Raises:
            DataError: If the file cannot be written.
        """
        from safetensors.numpy import save_file

        self.file.parent.mkdir(parents=True, exist_ok=True)
        with renamed(self.file) as temporary:
            save_file({"directions": directions}, temporary, self.about)
