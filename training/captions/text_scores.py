"""How close a sentence's words are to another's: BLEU and ROUGE-L."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import sacrebleu


def text_scores(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Score captions by their words.

    Args:
        predictions: Captions to judge.
        references: The true captions, as many.

    Returns:
        `bleu`, of the whole corpus, as sacrebleu has it (its 13a tokens, four orders, exponential
        smoothing) but on a scale of 0..1; `rouge_l`, the mean F1 of the longest common
        subsequence of words (C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries",
        2004), with the tokens of Google's rouge-score without stemming. NaN of no captions.

    Raises:
        ValueError: If there are not as many of the one as of the other.
    """
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    if not len(predictions):
        return {"bleu": float("nan"), "rouge_l": float("nan")}
    bleu = sacrebleu.corpus_bleu(list(predictions), [list(references)]).score / 100
    pairs = zip(predictions, references, strict=True)
    return {"bleu": bleu, "rouge_l": float(np.mean([rouge_l(p, r) for p, r in pairs]))}


def rouge_l(prediction: str, reference: str) -> float:
    """F1 of the longest common subsequence of words; 0 where one has none."""
    said, true = (re.findall(r"[a-z0-9]+", text.lower()) for text in (prediction, reference))
    if not said or not true:
        return 0.0
    return 2 * common_length(said, true) / (len(said) + len(true))


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of its table in the bits of one number.

    H. Hyyrö, "Bit-parallel LCS-length computation revisited", AWOCA 2004.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    whole = (1 << len(first)) - 1
    row = whole
    for word in second:
        kept = row & places.get(word, 0)
        row = (row + kept) | (row - kept)
    return (~row & whole).bit_count()
