"""Which samples an epoch sees, in which order, and on which process.

Everything is a pure function of (seed, epoch): neither the number of workers nor where a run was
interrupted changes it, and more processes share the same samples out among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The purpose of a random stream, so that no two uses of one seed share their numbers.
ORDER, STEPS, AUGMENT, MASKING, REPEAT, QUERY = 1, 2, 3, 4, 5, 6


def stream(seed: int, purpose: int, *position: int) -> np.random.Generator:
    """A random stream that depends on nothing but its arguments.

    Args:
        seed: The run's seed.
        purpose: `ORDER`, `STEPS`, `AUGMENT`, `MASKING`, `REPEAT` or `QUERY`.
        position: Epoch, sample, ...

    Returns:
        A generator.
    """
    return np.random.default_rng([seed, purpose, *position])


def epoch_order(positive: np.ndarray, sampling: str, seed: int, epoch: int) -> np.ndarray:
    """The samples of one training epoch, in order.

    Args:
        positive: bool `[N]`, whether a sample shows deformation.
        sampling: `balanced`: every positive and as many negatives, freshly drawn (all of them
            where they are fewer); `all`; or `weighted`: N draws with replacement, both kinds
            equally likely.
        seed: The run's seed.
        epoch: Epoch number, from 0.

    Returns:
        Sample indices. With one kind of sample alone every mode takes all of them.
    """
    rng = stream(seed, ORDER, epoch)
    ones, zeros = np.flatnonzero(positive), np.flatnonzero(~positive)
    if sampling == "all" or not len(ones) or not len(zeros):
        return rng.permutation(len(positive))
    if sampling == "weighted":
        weights = np.where(positive, 0.5 / len(ones), 0.5 / len(zeros))
        return rng.choice(len(positive), len(positive), p=weights)
    drawn = rng.choice(zeros, min(len(ones), len(zeros)), replace=False)
    return rng.permutation(np.concatenate([ones, drawn]))


def draw_steps(available: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """A fresh choice of steps from a group: a subset, or all with some of them twice or more.

    Args:
        available: Steps that the group has.
        length: Steps wanted.
        rng: Source of the choice.

    Returns:
        int64 `[length]`, ascending, so that the order of dates is kept.
    """
    if available >= length:
        return np.sort(rng.choice(available, length, replace=False))
    extra = rng.integers(0, available, length - available)
    return np.sort(np.concatenate([np.arange(available), extra]))


@dataclass(frozen=True)
class Share:
    """One process's part of one step.

    Attributes:
        indices: Sample indices.
        real: bool, False for a stand-in, a sample at weight zero: a process without one of its own
            in this step takes part in it, and one alone is joined by another, for batch
            normalisation refuses batches of one.
        total: Samples in the step over all processes, stand-ins not counted.
    """

    indices: np.ndarray
    real: np.ndarray
    total: int


def share_out(order: np.ndarray, batch_size: int, rank: int = 0, ranks: int = 1) -> list[Share]:
    """Cut an epoch into steps of nearly equal size and take one process's part of each.

    Nearly equal sizes and stand-ins spare batch normalisation a batch of one sample. Over all
    processes every sample comes exactly once.

    Args:
        order: Sample indices of the epoch.
        batch_size: Samples at most, on each process.
        rank: This process.
        ranks: Number of processes.

    Returns:
        The steps; the same number on every process.
    """
    if not len(order):
        return []
    steps = -(-len(order) // (batch_size * ranks))
    shares = []
    for batch in np.array_split(order, steps):
        own = batch[rank::ranks]
        real = np.arange(max(len(own), min(batch_size, 2))) < len(own)
        if len(own) < len(real):
            others = order[~np.isin(order, own)]
            own = np.resize(np.r_[own, others[: len(real) - len(own)]], len(real))
        shares.append(Share(own, real, len(batch)))
    return shares
