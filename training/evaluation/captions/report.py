"""From sentences to the numbers that are reported: facts and words, with intervals.

Pairs of one frame share a volcano, its relief and its climate and are not independent, so whole
frames are drawn for the intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sacrebleu.metrics import BLEU

from training.captions.fact_scores import (
    ATTRIBUTES,
    PATTERN,
    fact_counts,
    facts_scores,
    overall_counts,
    scores_from_counts,
)
from training.captions.text_scores import rouge_l, text_scores
from training.evaluation.metrics import bootstrap

METRICS = ("precision", "recall", "f1", "exact", "bleu", "rouge_l")
"""What is reported of sentences as a whole; the first four are of the facts that they tell."""


def overall_metrics(sentences: Sequence[str], references: Sequence[str]) -> dict[str, float | None]:
    """`METRICS` of sentences; None where undefined."""
    return facts_metrics(sentences, references) | _plain(text_scores(sentences, references))


def facts_metrics(sentences: Sequence[str], references: Sequence[str]) -> dict[str, float | None]:
    """The metrics of the facts that sentences tell; None where undefined."""
    found = facts_scores(sentences, references)
    return _plain({name: found[name] for name in METRICS if name in found})


def measure(
    sentences: Sequence[str],
    references: Sequence[str],
    frames: Sequence[str],
    rivals: Mapping[str, Sequence[str]],
    seed: int,
) -> dict[str, Any]:
    """Everything that is reported of a model's sentences.

    Args:
        sentences: The model's.
        references: The annotators'.
        frames: Frame of each.
        rivals: Sentences of trivial rules, by the rule's name.
        seed: Seed of the resampling.

    Returns:
        `metrics` with `confidence_intervals`; `per_fact`, those of each attribute; `baselines`,
        the rules' metrics; and `differences`, by how much the model's F1 of facts, BLEU and
        ROUGE-L are above each rule's, with intervals from the same drawn frames.
    """
    found = facts_scores(sentences, references)
    groups = np.unique(list(frames), return_inverse=True)[1]
    own = _Scores(sentences, references)
    differences = {}
    for name, theirs in rivals.items():
        others = _Scores(theirs, references)
        ends = bootstrap(partial(_gaps, own, others), groups, seed)
        gaps = _gaps(own, others, np.ones((1, len(references))))
        differences[name] = {
            key: value
            for metric, gap in gaps.items()
            for key, value in zip(
                (metric, f"{metric}_low", f"{metric}_high"),
                (float(gap[0]), *ends[metric]),
                strict=True,
            )
        }
    return {
        "metrics": overall_metrics(sentences, references),
        "confidence_intervals": bootstrap(own.weighted, groups, seed),
        "resampled": f"{len(set(frames))} frames",
        "per_fact": {
            attribute: _plain({key: found[f"{attribute}_{key}"] for key in METRICS[:3]})
            for attribute in (*ATTRIBUTES, PATTERN)
        },
        "baselines": {name: overall_metrics(each, references) for name, each in rivals.items()},
        "differences": differences,
    }


class _Scores:
    """What each sentence adds to the scores of all."""

    def __init__(self, sentences: Sequence[str], references: Sequence[str]) -> None:
        self.facts = overall_counts(fact_counts(sentences, references))
        pairs = list(zip(sentences, references, strict=True))
        self.rouge = np.array([rouge_l(*pair) for pair in pairs])
        # Of each sentence: n-grams found, n-grams said, words said, words of the reference.
        self.bleu = np.array([_bleu_counts(*pair) for pair in pairs])

    def weighted(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """The scores under weights `[R, N]` of the sentences, each `[R]`."""
        facts = scores_from_counts(weights @ self.facts)
        total = weights.sum(1)
        rouge = (weights @ self.rouge) / np.where(total > 0, total, np.nan)
        bleu = np.array([_bleu(counts) for counts in weights @ self.bleu])
        return {**facts, "bleu": bleu, "rouge_l": rouge}


def _gaps(own: _Scores, other: _Scores, weights: np.ndarray) -> dict[str, np.ndarray]:
    ours, theirs = own.weighted(weights), other.weighted(weights)
    return {name: ours[name] - theirs[name] for name in ("f1", "bleu", "rouge_l")}


def _bleu_counts(sentence: str, reference: str) -> list[int]:
    found = BLEU(effective_order=True).sentence_score(sentence, [reference])
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]


def _bleu(counts: np.ndarray) -> float:
    found, said, (own, true) = (
        [int(n) for n in part] for part in (counts[:4], counts[4:8], counts[8:])
    )
    return BLEU.compute_bleu(found, said, own, true).score / 100


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON: NaN, an undefined metric, becomes null."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
