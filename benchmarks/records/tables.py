"""What `benchmarks.records.evidence` measured, as the Markdown tables of docs/record.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def tables(results: dict[str, dict[str, Any]], policies: Sequence[str]) -> str:
    """The results in Markdown: five years, after the quiet past, and days to the first verdict."""

    def head(*cells: str) -> list[str]:
        return [f"| {' | '.join(cells)} |", f"|{' --- |' * len(cells)}"]

    first = head("frame", "pairs", *policies)
    pair = "each pair alone", "alarms"
    limits = [f"{end}, {name}" for end in ("model's limit", "own limit") for name in pair]
    second = head("frame, after its quiet past", "limit", *limits)
    ever = f"false alarms ever raised, a year: {', '.join(policies)}"
    third = head("frame", *(f"episodes seen, {name}" for name in policies), ever)
    for name, found in results.items():
        windy = ", windy" if found["turbulence"] > 1 else ""
        frame = f"{found['climate']}{windy} ({name.removesuffix('-windy')})"
        whole, late, own = (
            found[part] for part in ("five years", "later, model's limit", "later, own limit")
        )
        parts = [_rates(whole[policy]) for policy in policies]
        count = f"{whole['pairs']}, {whole['positive']} positive"
        first.append(f"| {frame} | {count} | {' | '.join(parts)} |")
        each = [_rates(part[policy]) for part in (late, own) for policy in pair]
        second.append(f"| {frame} | {found['own limit']:.3f} | {' | '.join(each)} |")
        seen = [_delays(whole[policy]) for policy in policies]
        raised = [f"{whole[policy]['false a year, ever raised']:.1f}" for policy in policies]
        third.append(f"| {frame} | {' | '.join(seen)} | {', '.join(raised)} |")
    totals = []
    for policy in policies:
        seen = sum(found["five years"][policy]["seen"] for found in results.values())
        false = sum(found["five years"][policy]["false a year"] for found in results.values())
        totals.append(f"{policy} {seen} and {false / len(results):.2f}")
    positive = sum(found["five years"]["positive"] for found in results.values())
    lines = [*first, "", *second, "", *third, ""]
    lines.append(
        f"Of {positive} positive pairs, and false alarms a frame a year: {'; '.join(totals)}"
    )
    return "\n".join(lines)


def _rates(policy: dict[str, Any]) -> str:
    return f"{policy['recall']:.2f} / {policy['false a year']:.1f}"


def _delays(policy: dict[str, Any]) -> str:
    delays = policy["days to the first verdict"]
    if not delays:
        return policy["episodes seen"]
    median = statistics.median(delays)
    return f"{policy['episodes seen']}, {median:.0f} (at most {max(delays)}) days"
