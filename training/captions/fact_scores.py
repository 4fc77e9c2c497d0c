"""How many of the facts of a caption another one says: precision, recall and F1.

A fact is an attribute and a value (`ATTRIBUTES`), each counted once a caption, whatever the words.
Counts are kept by sample, so that scenes can be resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from training.captions.facts import Facts, read_facts

ATTRIBUTES: Mapping[str, Callable[[Facts], frozenset[str]]] = {
    "deformation": lambda facts: (
        frozenset() if facts.deformation is None else frozenset({str(facts.deformation)})
    ),
    "kind": lambda facts: frozenset(pattern.kind for pattern in facts.patterns),
    "strength": lambda facts: frozenset(p.strength for p in facts.patterns) - {""},
    "place": lambda facts: frozenset(pattern.place for pattern in facts.patterns) - {""},
    "air": lambda facts: facts.air,
    "noise": lambda facts: frozenset({"noise"} if facts.noise else ()),
    "noise_place": lambda facts: facts.noisy,
    "fringes": lambda facts: facts.fringes,
    "defect": lambda facts: facts.defects,
}
"""The values that a caption says of each attribute; they are counted together, all alike."""

PATTERN = "pattern"
"""Kind, strength and place in one: right only if all three are. Not counted with the others."""


def fact_counts(predictions: Sequence[str], references: Sequence[str]) -> dict[str, np.ndarray]:
    """Count the facts of each sample.

    Args:
        predictions: Captions to judge, N.
        references: The true captions, N.

    Returns:
        int64 `[N, 3]` by attribute and of `PATTERN`: facts that both say, that the prediction
        alone says, and that the reference alone says.

    Raises:
        ValueError: If there are not as many of the one as of the other.
    """
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    read = {sentence: read_facts(sentence) for sentence in {*predictions, *references}}
    pairs = [(read[p], read[r]) for p, r in zip(predictions, references, strict=True)]
    counts = {}
    for name, values in {**ATTRIBUTES, PATTERN: lambda facts: facts.patterns}.items():
        said = [(values(prediction), values(reference)) for prediction, reference in pairs]
        rows = [(len(p & r), len(p - r), len(r - p)) for p, r in said]
        counts[name] = np.array(rows, np.int64).reshape(-1, 3)
    return counts


def overall_counts(counts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Facts of all attributes together.

    Args:
        counts: Of `fact_counts`.

    Returns:
        int64 `[N, 3]`.
    """
    return np.sum([counts[name] for name in ATTRIBUTES], axis=0)


def scores_from_counts(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1.

    Args:
        counts: `[..., 3]`: facts said by both, by the prediction alone, by the reference alone.

    Returns:
        Each score `[...]`. All are NaN where neither says a fact; where one of them alone says
        none, precision, recall and F1 are 0.
    """
    both, surplus, missed = np.moveaxis(np.asarray(counts, float), -1, 0)
    wholes = {"precision": both + surplus, "recall": both + missed}
    wholes["f1"] = both + (surplus + missed) / 2
    some = wholes["f1"] > 0
    return {
        name: np.where(some, both / np.where(whole > 0, whole, 1), np.nan)
        for name, whole in wholes.items()
    }


def facts_scores(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Score captions by the facts that they say.

    Args:
        predictions: Captions to judge.
        references: The true captions, as many.

    Returns:
        `precision`, `recall` and `f1` of all facts of all captions together, those of each
        attribute and of `PATTERN` as `<attribute>_f1` and so on (NaN if no caption says anything
        of it), and `exact`, the share of captions all of whose facts are right (NaN of none).
    """
    counts = fact_counts(predictions, references)
    overall = overall_counts(counts)
    result = {name: float(value) for name, value in scores_from_counts(overall.sum(0)).items()}
    for attribute, rows in counts.items():
        for name, value in scores_from_counts(rows.sum(0)).items():
            result[f"{attribute}_{name}"] = float(value)
    wrong = overall[:, 1:].sum(1) + counts[PATTERN][:, 1:].sum(1)
    result["exact"] = float((wrong == 0).mean()) if len(wrong) else float("nan")
    return result
