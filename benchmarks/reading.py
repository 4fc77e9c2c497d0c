"""Reading: rows to a compact batch, rows to the float stack, streaming; warm and cold."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from datasets import Dataset, load_dataset

from benchmarks import baselines
from benchmarks.harness import Goal, Timing, Work, drop_page_cache, interleave
from benchmarks.workload import DEVICE, T, Workload
from dataset_script.channels import CHANNEL_NAMES
from training.loader import Loader
from training.preprocessing import Preprocessor
from training.rows import Rows

EACH = 32
"""Samples a contestant reads each round, so that all of them fit in the page cache."""


def contestants(work: Workload) -> dict[str, Work]:
    """Every way of reading, by name."""
    samples = work.samples()
    plan = work.plan(samples)[: EACH // 8]
    order = np.concatenate([share.indices for share in plan])
    preprocess = Preprocessor(CHANNEL_NAMES, T)
    plain = load_dataset("parquet", data_files=str(work.root / "plain.parquet"), split="train")
    source, series = work.source_samples()
    window = (200, 300, work.size, work.size)

    def ours_compact() -> int:
        return sum(len(b.share.indices) for b in Loader(samples, DEVICE, 0).batches(plan))

    def ours_stack() -> int:
        batches = Loader(samples, DEVICE, 0).batches(plan)
        return sum(len(preprocess(batch.rasters)) for batch in batches)

    def ours_threads() -> int:
        batches = Loader(samples, DEVICE, 2).batches(plan)
        return sum(len(preprocess(batch.rasters)) for batch in batches)

    def ours_streamed() -> int:
        files = sorted(map(str, work.exported("arrow").rglob("*.arrow")))
        stream = load_dataset("arrow", data_files=files, split="train", streaming=True)
        rows = islice(stream.with_format("arrow"), len(order))
        return sum(1 for table in rows if _compact(table.combine_chunks(), samples))

    def authors_xarray() -> int:
        for sample in series[:2]:
            stack, _ = baselines.xarray_sample(source.cubes[sample.frame_id], sample, window)
            torch.from_numpy(baselines.normalised(stack))
        return 2

    def webdataset() -> int:
        rows = baselines.read_webdataset(work.root / "webdataset")
        return sum(1 for _ in islice(rows, len(order)))

    def plain_map() -> int:
        view = plain.with_format("numpy")
        return sum(1 for i in order[:8] if len(baselines.normalised(view[int(i)]["image"])))

    def plain_streamed() -> int:
        path = str(work.root / "plain.parquet")
        stream = load_dataset("parquet", data_files=path, split="train", streaming=True)
        rows = stream.with_format("numpy").take(8)
        return sum(1 for row in rows if len(baselines.normalised(row["image"])))

    compact = np.memmap(work.root / "compact.memmap", "uint8", "r").reshape(work.count, -1)
    shape = (work.count, T * len(CHANNEL_NAMES), work.size, work.size)
    stacks = np.memmap(work.root / "stack.memmap", "float32", "r", shape=shape)

    def memmap_compact() -> int:
        for start in range(0, len(order), 8):
            torch.from_numpy(np.stack([compact[i] for i in order[start : start + 8]]))
        return len(order)

    def memmap_stack() -> int:
        for start in range(0, len(order), 8):
            batch = np.stack([stacks[i] for i in order[start : start + 8]])
            torch.from_numpy(np.stack([baselines.normalised(stack) for stack in batch]))
        return len(order)

    return {
        "ours, compact batch": ours_compact,
        "ours, normalised stack": ours_stack,
        "ours, normalised stack, 2 threads": ours_threads,
        "ours, Arrow IPC streamed": ours_streamed,
        "(a) xarray on Zarr": authors_xarray,
        "(b) WebDataset of tensors": webdataset,
        "(c) plain Parquet, map-style": plain_map,
        "(c) plain Parquet, streamed": plain_streamed,
        "(d) memmap of compact bytes": memmap_compact,
        "(d) memmap of the float stack": memmap_stack,
    }


def _compact(table, samples) -> bool:
    """A streamed row, viewed without a copy and copied once into tensors."""
    rows = Rows(Dataset(table), samples.rows.columns)
    return bool([torch.from_numpy(array.copy()) for array in rows.read(0).values()])


def measure(work: Workload, rounds: int) -> tuple[list[Goal], dict[str, Timing], dict]:
    """Warm rates against the goals, and cold rates where the kernel allows them."""
    warm = interleave(contestants(work), rounds)
    rate = {name: timing.rate for name, timing in warm.items()}
    shards = rate["(b) WebDataset of tensors"]
    compact = rate["ours, compact batch"]
    stack = rate["ours, normalised stack"]
    rows = [
        ("compact batch", compact, "(b) WebDataset of tensors", 15.0, "x"),
        ("compact batch", compact, "(d) memmap of compact bytes", 0.8, ""),
        ("normalised stack", stack, "(b) WebDataset of tensors", 4.0, "x"),
        ("normalised stack", stack, "(a) xarray on Zarr", 50.0, "x"),
        ("normalised stack", stack, "(d) memmap of the float stack", 0.7, ""),
    ]
    goals = [
        Goal(
            f"{what} against {other}",
            f"{least:g} times" if unit else f"{least:.0%}",
            f"{ours / rate[other]:.1f} times" if unit else f"{ours / rate[other]:.0%}",
            ours / rate[other] >= least,
        )
        for what, ours, other, least, unit in rows
    ]
    streamed = rate["ours, Arrow IPC streamed"] / shards
    goals.append(
        Goal("streaming Arrow IPC against (b)", "4 times", f"{streamed:.1f} times", streamed >= 4)
    )
    return goals, warm, _cold(work)


def _cold(work: Workload) -> dict[str, Timing]:
    """One pass each with an empty page cache; nothing where it cannot be emptied."""
    timings = {}
    for name, run in contestants(work).items():
        if not drop_page_cache():
            return {}
        timings |= interleave({name: run}, rounds=1, warm_up=False)
    return timings
