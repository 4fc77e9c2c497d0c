"""A packaged model's input planes and outputs: names, order and statistics."""

from __future__ import annotations

import math

from dataset_script.channels import places_of
from training.facts import ModelFacts

FACTS_FILE = "hephaestus.json"


def plane_names(facts: ModelFacts) -> list[str]:
    """Names of the input planes, time-major: every channel of step 1, then of step 2, ...

    A circular phase is two planes: its cosine in its own place, its sine last.
    """
    steps = range(1, facts.timeseries_length + 1)
    names = list(facts.channels)
    if facts.phase == "circular":
        for place in places_of(facts.channels, "phase"):
            names[place] = f"{facts.channels[place]}_cosine"
            names.append(f"{facts.channels[place]}_sine")
    return [f"{name}_{step}" for step in steps for name in names]


def plane_statistics(facts: ModelFacts) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the input planes, time-major, in the channels' units."""
    repeat, mean, std = facts.timeseries_length, list(facts.mean), list(facts.std)
    if facts.phase == "circular":
        for place in places_of(facts.channels, "phase"):
            mean[place], std[place] = 0.0, math.sqrt(0.5)
            mean.append(0.0)
            std.append(math.sqrt(0.5))
    return mean * repeat, std * repeat


def output_names(facts: ModelFacts) -> list[str]:
    """Names of the model's outputs; with an answer for each step, step 1's classes come first."""
    if facts.mask_target != "all" or facts.timeseries_length == 1:
        return list(facts.classes)
    steps = range(1, facts.timeseries_length + 1)
    return [f"{name}_{step}" for step in steps for name in facts.classes]
