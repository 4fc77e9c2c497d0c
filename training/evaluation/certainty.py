"""How sure pixels of several classes are of themselves, as sums a sample.

A binary task's histogram of margins says everything about its calibration. Of several classes no
single number does, so what temperature scaling asks is summed while the logits are at hand: the
likelihood on a grid of temperatures, to choose one by, and how often the called class is right.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.tasks import IGNORED
from training.evaluation.calibration import CERTAINTY_BINS, TEMPERATURES

_STRIDE = 4  # of rows and columns that the likelihood is of: neighbours say nearly the same


def likelihoods(logits: Tensor, target: Tensor, samples: int) -> Tensor:
    """Negative log-likelihood at each of `TEMPERATURES`.

    Args:
        logits: `[samples * answers, K, H, W]`.
        target: int64 `[samples * answers, H, W]` class codes; `IGNORED` is not counted.
        samples: Number of samples B.

    Returns:
        float64 `[B, len(TEMPERATURES)]`, summed over every fourth row and column.
    """
    logits, target = logits[..., ::_STRIDE, ::_STRIDE], target[..., ::_STRIDE, ::_STRIDE]
    sums = []
    for temperature in TEMPERATURES:
        each = F.cross_entropy(logits / temperature, target, ignore_index=IGNORED, reduction="none")
        sums.append(each.double().reshape(samples, -1).sum(1))
    return torch.stack(sums, 1)


def certainties(logits: Tensor, target: Tensor, samples: int) -> Tensor:
    """Pixels by the probability of the class that is called, in equal bins.

    Args:
        logits: `[samples * answers, K, H, W]`, divided by a temperature or not.
        target: See `likelihoods`.
        samples: Number of samples B.

    Returns:
        float64 `[B, 3, CERTAINTY_BINS]`: in each bin the number of pixels, the sum of their
        probabilities, and the number of those that are called right.
    """
    probability, called = logits.softmax(1).max(1)
    counted = (target != IGNORED).double()
    place = (probability.nan_to_num() * CERTAINTY_BINS).long().clamp_max(CERTAINTY_BINS - 1)
    place = place.reshape(samples, -1)
    sums = torch.zeros(samples, 3, CERTAINTY_BINS, dtype=torch.float64, device=logits.device)
    for row, value in enumerate((counted, probability * counted, (called == target) * counted)):
        sums[:, row].scatter_add_(1, place, value.reshape(samples, -1))
    return sums
