"""Reading: rows to a compact batch, rows to the float stack, streaming; warm and cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice

import numpy as np
import pyarrow as pa
import torch
from datasets import load_dataset

from benchmarks.data import baselines
from benchmarks.data.workload import DEVICE, T, Workload
from benchmarks.harness import Goal, Timing, Work, drop_page_cache, interleave
from dataset_script.channels import CHANNEL_NAMES
from dataset_script.rows.tables import RasterColumn
from training.data.loader import Loader
from training.data.samples import Samples
from training.inputs.preprocessing import Preprocessor

OURS = "ours, compact batch"
STACK = "ours, normalised stack"
STREAM = "ours, Arrow IPC streamed to a compact batch"
XARRAY = "(a) xarray on Zarr"
SHARDS = "(b) WebDataset of tensors"
RAW = "(d) memmap of the same bytes"
FLOATS = "(d) memmap of the float stack"

EACH = 32
"""Samples a contestant reads each round, so that all of them fit in the page cache."""


def contestants(work: Workload) -> dict[str, Work]:
    """Every way of reading, by name."""
    nodes, full = work.samples("compact-arrow"), work.samples("arrow")
    plan = work.plan(nodes)[: EACH // 8]
    order = np.concatenate([share.indices for share in plan])
    # As in training, one for all batches.
    of_nodes, of_full = (Loader(data, DEVICE, 0, overwrite=True) for data in (nodes, full))
    threaded = Loader(nodes, DEVICE, 2, overwrite=True)
    preprocess = Preprocessor(CHANNEL_NAMES, T, work.size, overwrite=True)
    plain = load_dataset("parquet", data_files=str(work.root / "plain.parquet"), split="train")
    source, series = work.source_samples()
    window = (200, 300, work.size, work.size)

    def ours_compact(loader: Loader) -> int:
        return sum(len(batch.share.indices) for batch in loader.batches(plan))

    def ours_stack(loader: Loader) -> int:
        return sum(len(preprocess(batch.rasters)) for batch in loader.batches(plan))

    def ours_streamed(kind: str, samples: Samples) -> int:
        files = sorted(map(str, work.exported(kind).rglob("*.arrow")))
        stream = load_dataset("arrow", data_files=files, split="train", streaming=True)
        batches = islice(stream.with_format("arrow").iter(batch_size=8), len(order) // 8)
        return sum(_compact(table, samples.rows.columns) for table in batches)

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

    raw = {
        kind: np.memmap(work.root / f"{kind}.memmap", "uint8", "r").reshape(work.count, -1)
        for kind in ("arrow", "compact-arrow")
    }
    shape = (work.count, T * len(CHANNEL_NAMES), work.size, work.size)
    stacks = np.memmap(work.root / "stack.memmap", "float32", "r", shape=shape)

    def memmap_bytes(kind: str) -> int:
        for start in range(0, len(order), 8):
            torch.from_numpy(np.stack([raw[kind][i] for i in order[start : start + 8]]))
        return len(order)

    mean, std = baselines.statistics(T)

    def memmap_stack() -> int:
        for start in range(0, len(order), 8):
            batch = np.stack([stacks[i] for i in order[start : start + 8]])
            batch -= mean
            batch /= std
            torch.from_numpy(batch)
        return len(order)

    return {
        OURS: partial(ours_compact, of_nodes),
        f"{OURS}, full atmosphere": partial(ours_compact, of_full),
        STACK: partial(ours_stack, of_nodes),
        f"{STACK}, full atmosphere": partial(ours_stack, of_full),
        f"{STACK}, 2 threads": partial(ours_stack, threaded),
        STREAM: partial(ours_streamed, "compact-arrow", nodes),
        f"{STREAM}, full atmosphere": partial(ours_streamed, "arrow", full),
        XARRAY: authors_xarray,
        SHARDS: webdataset,
        "(c) plain Parquet, map-style": plain_map,
        "(c) plain Parquet, streamed": plain_streamed,
        RAW: partial(memmap_bytes, "compact-arrow"),
        f"{RAW}, full atmosphere": partial(memmap_bytes, "arrow"),
        FLOATS: memmap_stack,
    }


def _compact(table: pa.Table, columns: Sequence[str]) -> int:
    """A streamed batch, viewed without a copy and copied once into tensors."""
    for name in columns:
        views = RasterColumn(table.column(name))
        torch.from_numpy(np.stack([views[row] for row in range(len(views))]))
    return table.num_rows


def against_goals(rate: Mapping[str, float]) -> list[Goal]:
    """The goals of reading.

    Args:
        rate: Samples a second of each contestant.
    """
    goals = []
    for ours, other, least in (
        (OURS, SHARDS, 15),
        (OURS, RAW, 0.8),
        (f"{OURS}, full atmosphere", f"{RAW}, full atmosphere", 0.8),
        (STACK, SHARDS, 4),
        (STACK, XARRAY, 50),
        (STACK, FLOATS, 0.7),
        (f"{STACK}, full atmosphere", SHARDS, 4),
        (f"{STACK}, full atmosphere", XARRAY, 50),
        (STREAM, SHARDS, 4),
    ):
        ratio = rate[ours] / rate[other]
        aim, said = (
            (f"{least} times", f"{ratio:.1f} times")
            if least >= 1
            else (f"{least:.0%}", f"{ratio:.0%}")
        )
        goals.append(Goal(f"{ours}, against {other}", aim, said, ratio >= least))
    return goals


def measure(work: Workload, rounds: int) -> tuple[list[Goal], dict[str, Timing], dict]:
    """Warm rates against the goals, and cold rates where the kernel allows them."""
    warm = interleave(contestants(work), rounds)
    goals = against_goals({name: timing.rate for name, timing in warm.items()})
    return goals, warm, _cold(work)


def _cold(work: Workload) -> dict[str, Timing]:
    """One pass each with an empty page cache; nothing where it cannot be emptied."""
    timings = {}
    for name, run in contestants(work).items():
        if not drop_page_cache():
            return {}
        timings |= interleave({name: run}, rounds=1, warm_up=False)
    return timings
