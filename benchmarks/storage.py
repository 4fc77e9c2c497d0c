"""Bytes: what a sample costs on disk in each layout."""

from __future__ import annotations

import json

from benchmarks.harness import Goal
from benchmarks.workload import T, Workload

MEGABYTE = 1e6


def measure(work: Workload) -> list[Goal]:
    """Sizes against the goals; the compact atmosphere with its error."""
    goals = []
    for kind, most in (
        ("parquet", 9.0),
        ("arrow", 20.0),
        ("compact-parquet", 5.0),
        ("compact-arrow", 8.0),
    ):
        folder = work.exported(kind)
        facts = json.loads((folder / "metadata.json").read_text())
        counts = facts["configs"][f"ts{T}"]["counts"].values()
        samples = sum(split["samples"] for split in counts)
        size = sum(file.stat().st_size for file in (folder / "data").rglob("*") if file.is_file())
        each = size / samples / MEGABYTE
        said = f"{each:.2f} MB"
        if facts["atmosphere_error"]:
            worst = max(facts["atmosphere_error"].values())
            said += f", worst error {worst:.2%} of a standard deviation"
        goals.append(
            Goal(f"bytes a T=3 sample, {kind}", f"at most {most:g} MB", said, each <= most)
        )
    shards = sum(file.stat().st_size for file in (work.root / "webdataset").iterdir())
    said = f"{shards / work.count / MEGABYTE:.1f} MB"
    return [*goals, Goal("bytes a T=3 sample, (b)", "the baseline", said, True)]
