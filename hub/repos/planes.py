"""A packaged model's input planes and outputs: names, order and statistics."""

from __future__ import annotations

from training.facts import ModelFacts

FACTS_FILE = "hephaestus.json"


def plane_names(facts: ModelFacts) -> list[str]:
    """Names of the T * C input planes, time-major: every channel of step 1, then of step 2, ..."""
    steps = range(1, facts.timeseries_length + 1)
    return [f"{name}_{step}" for step in steps for name in facts.channels]


def plane_statistics(facts: ModelFacts) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the T * C input planes, time-major, in the channels' units."""
    repeat = facts.timeseries_length
    return list(facts.mean) * repeat, list(facts.std) * repeat


def output_names(facts: ModelFacts) -> list[str]:
    """Names of the model's outputs; with an answer for each step, step 1's classes come first."""
    if facts.mask_target != "all" or facts.timeseries_length == 1:
        return list(facts.classes)
    steps = range(1, facts.timeseries_length + 1)
    return [f"{name}_{step}" for step in steps for name in facts.classes]
