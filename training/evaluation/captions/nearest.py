"""The training image that looks most like an image: whose caption a trained model must beat.

An image is told by the mean of exp(i phase) in 16 x 16 equal blocks, so fringes count with their
colour and place, and a noisy block by the smallness of its mean. The distance of two images is the
Euclidean one, at the best of all constant offsets between their phases, which mean nothing.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from dataset_script.channels import PHASE
from dataset_script.errors import DataError
from training.data.samples import Samples

BLOCKS = 16


def describe(phase: np.ndarray) -> np.ndarray:
    """An image in a few numbers.

    Args:
        phase: Wrapped phase `[H, W]` in rad; 0 or NaN where there is no data.

    Returns:
        complex128 `[BLOCKS * BLOCKS]`, each at most 1 in size.
    """
    known = np.isfinite(phase) & (phase != 0)
    turned = np.where(known, np.exp(1j * np.nan_to_num(phase.astype("float64"))), 0)
    parts = torch.from_numpy(np.stack([turned.real, turned.imag]))
    real, imaginary = F.adaptive_avg_pool2d(parts, BLOCKS).numpy()
    return (real + 1j * imaginary).ravel()


def nearest(images: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which known image each image is nearest to.

    Args:
        images: complex `[N, D]`, of `describe`.
        known: complex `[M, D]`.

    Returns:
        int64 `[N]`, of equally near ones the first.
    """
    # min over a of |x - y exp(ia)|^2 is |x|^2 + |y|^2 - 2 |<x, y>|
    sizes = (np.abs(known) ** 2).sum(1)
    return (sizes - 2 * np.abs(images @ known.conj().T)).argmin(1)


def nearest_captions(train: Samples, test: Samples) -> list[str]:
    """The caption of the training image that is nearest to each image, by the last step's phase.

    Args:
        train: Training samples, with captions.
        test: Samples to be captioned.

    Raises:
        DataError: If the samples hold no phase.
    """
    found = nearest(_described(test), _described(train))
    return [train.caption(int(sample)) for sample in found]


def _described(samples: Samples) -> np.ndarray:
    if PHASE not in samples.rows.columns:
        raise DataError(
            f"the nearest image is found by its phase: put {PHASE} among data.channels, or leave "
            "the trivial rules out by --trivial_rules false"
        )
    told = []
    for sample in range(len(samples)):
        phase = samples.rows.read(samples.row(sample))[PHASE]
        told.append(describe(phase if phase.ndim == 2 else phase[samples.steps(sample)[-1]]))
    return np.stack(told)
