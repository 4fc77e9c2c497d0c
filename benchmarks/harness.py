"""Measure several ways of doing one work in turn, and keep medians and ratios.

The contestants take turns within each round, so that a noisy machine slows all of them alike;
ratios between them are what holds from machine to machine.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Work = Callable[[], int]
"""Does the work once and returns how many samples it handled."""


@dataclass
class Timing:
    """Samples a second of one contestant.

    Attributes:
        name: The contestant.
        rates: Samples a second of each round.
    """

    name: str
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median samples a second."""
        return statistics.median(self.rates)


@dataclass
class Goal:
    """One line of the goals' table.

    Attributes:
        what: The quantity.
        goal: What was aimed at, in words.
        figure: What was measured, in words.
        met: Whether it was.
    """

    what: str
    goal: str
    figure: str
    met: bool


def interleave(
    contestants: Mapping[str, Work],
    rounds: int = 5,
    warm_up: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> dict:
    """Run the contestants in turn.

    Args:
        contestants: Work by name.
        rounds: How often each is run.
        warm_up: Run each once unmeasured, which fills the page cache.
        clock: `time.process_time` where others may be busy on the same machine.

    Returns:
        A `Timing` by name.
    """
    timings = {name: Timing(name) for name in contestants}
    if warm_up:
        for work in contestants.values():
            work()
    for _ in range(rounds):
        for name, work in contestants.items():
            begun = clock()
            count = work()
            timings[name].rates.append(count / (clock() - begun))
    return timings


def drop_page_cache() -> bool:
    """Ask the kernel to forget file contents; False where it does not let us."""
    try:
        subprocess.run(["sync"], check=True)
        with open("/proc/sys/vm/drop_caches", "w") as control:  # noqa: PTH123 (a kernel file)
            control.write("3")
    except OSError:
        return False
    return True


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Slope of log(cost) over log(size), by least squares."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model,
        "cores": os.cpu_count() or 1,
        "memory_gib": round(pages / 2**30, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:  # noqa: PTH123 (a kernel file)
            return file.readlines()
    except OSError:
        return []


def goals_table(goals: Sequence[Goal]) -> str:
    """The goals as a Markdown table."""
    rows = [f"| {g.what} | {g.goal} | {g.figure} | {'yes' if g.met else 'no'} |" for g in goals]
    return "\n".join(["| what | goal | measured | met |", "| --- | --- | --- | --- |", *rows])


def as_json(goals: Sequence[Goal], timings: Mapping[str, Mapping[str, Any]]) -> dict:
    """Everything measured, for the results file."""
    return {
        "machine": machine(),
        "goals": [asdict(goal) for goal in goals],
        "timings": {
            work: {
                name: asdict(timing) if isinstance(timing, Timing) else timing
                for name, timing in group.items()
            }
            for work, group in timings.items()
        },
    }
