"""Recall of sentences that look for interferograms: is a right one among the first few?

Many captions repeat, so it must be said which interferograms are right for a sentence. Three ways:

- `same facts`: each distinct caption of the split is asked once; right is any interferogram whose
  caption says the same facts.
- `own`: each sample's caption is asked; right is that sample alone. Where several samples have one
  caption, no model can tell them apart.
- `short`: short queries of some of the samples, with some of their facts in other words; right is
  any interferogram of which they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.captions.facts import Facts, read_facts
from training.captions.queries import holds, short_query

FIRST = (1, 5, 10)
_SHORT = 400  # short queries at most


def recall(scores: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Recall of queries, beside what a random order would have.

    Args:
        scores: float `[Q, N]`, larger is nearer.
        right: bool `[Q, N]`, whether a sample is right for a query; at least one of each is.

    Returns:
        `recall_at_<k>` for k in `FIRST`, the share of queries with a right sample among their
        first k (of equal scores the worst order counts), and `chance_at_<k>`, its expectation over
        random orders; `mrr`, the mean of 1 / rank of the first right sample; `queries`.
    """
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    ranks = 1 + (~right & (scores >= best)).sum(1)
    found = {f"recall_at_{k}": float((ranks <= k).mean()) for k in FIRST}
    found |= {f"chance_at_{k}": float(_chance(right, k).mean()) for k in FIRST}
    return {**found, "mrr": float((1 / ranks).mean()), "queries": len(scores)}


def _chance(right: np.ndarray, first: int) -> np.ndarray:
    """Probability `[Q]` that a random order has a right sample among its first ones."""
    samples, wrong = right.shape[1], (~right).sum(1)
    drawn = np.arange(min(first, samples))
    missed = np.clip(wrong[:, None] - drawn, 0, None) / (samples - drawn)
    return 1 - missed.prod(1)


def measure_recall(
    captions: Sequence[str],
    images: np.ndarray,
    embed: Callable[[Sequence[str]], np.ndarray],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Recall of a split by each of the three ways.

    Args:
        captions: Of each sample, N.
        images: Embedding of each sample, float `[N, D]` of length 1.
        embed: From texts to their embeddings, `[Q, D]` of length 1.
        seed: Seed of the short queries.

    Returns:
        `recall` by way.
    """
    distinct = sorted(set(captions))
    told = {text: read_facts(text) for text in distinct}
    kinds = list(dict.fromkeys(told.values()))  # what images may show
    code = {facts: number for number, facts in enumerate(kinds)}
    shown = np.array([code[told[caption]] for caption in captions])
    same = np.array([code[told[text]] for text in distinct])[:, None] == shown
    rng = np.random.default_rng([seed, len(captions)])
    asked = [captions[number] for number in rng.permutation(len(captions))[:_SHORT]]
    short = sorted({short_query(told[caption], rng) for caption in asked} - {""})
    fits = [[holds(query, facts) for facts in kinds] for query in map(read_facts, short)]
    fitting = np.array(fits, bool).reshape(len(short), -1)[:, shown]
    ways = {
        "same facts": (distinct, same),
        "own": (captions, np.eye(len(captions), dtype=bool)),
        "short": (short, fitting),
    }
    return {
        name: recall(embed(texts) @ images.T, right)
        for name, (texts, right) in ways.items()
        if len(texts)
    }


def same_facts(captions: Sequence[str]) -> np.ndarray:
    """Which captions say the same.

    Args:
        captions: N of them.

    Returns:
        bool `[N, N]`.
    """
    code: dict[Facts, int] = {}
    told = {text: read_facts(text) for text in set(captions)}
    shown = np.array([code.setdefault(told[caption], len(code)) for caption in captions])
    return shown[:, None] == shown
