"""Export: against a loop of (a), where its time goes, two workers; sizes; start-up times."""

from __future__ import annotations

import cProfile
import json
import pstats
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.data.workload import T, Workload
from benchmarks.harness import Goal
from dataset_script.annotations.series import make_samples
from dataset_script.channels import CHANNELS, MASKS
from dataset_script.rows.features import row_features

_STAGES: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "decoding chunks": (("cubes/arrays.py", "raw", True),),
    "checking values": (
        ("decoding.py", "decode_raster", True),
        ("decoding.py", "fill_missing", True),
    ),
    "placing crops": (("crops.py", "place_crop", True), ("encoding.py", "_window", False)),
    "cutting windows": (("minicube.py", "_cut", True),),
    "node grids": (("node_grid.py", "to_nodes", True),),
    "building tables": (("tables.py", "rows_to_table", True),),
    "compressing output": (("parquet/core.py", "write_table", True),),
}
"""File, function, and whether what the function calls belongs to the stage as well."""


def plain_loop(work: Workload, count: int) -> float:
    """Seconds a sample of the loop that people write: (a), then `datasets`' Parquet writer."""
    import xarray
    from datasets import Dataset

    source, samples = work.source_samples()
    features = row_features(T, work.size)
    rows = []
    begun = time.perf_counter()
    for sample in samples[:count]:
        area = (slice(200, 200 + work.size), slice(300, 300 + work.size))
        with xarray.open_zarr(source.cubes[sample.frame_id]) as store:
            steps = [
                store.sel(primary_date=str(a.primary_date), secondary_date=str(a.secondary_date))
                for a in sample.annotations
            ]
            row = {}
            for channel in CHANNELS:
                planes = [step[channel.name].values.astype(channel.dtype)[area] for step in steps]
                row[channel.name] = planes if channel.per_step else planes[0]
            for mask in MASKS:
                row[mask] = [step[mask].values.astype("uint8")[area] for step in steps]
        rows.append(row)
    kept = {name: features[name] for name in rows[0]}
    data = Dataset.from_list(rows, features=type(features)(kept))
    data.to_parquet(work.root / ".loop.parquet", batch_size=4)
    (work.root / ".loop.parquet").unlink()
    return (time.perf_counter() - begun) / count


def timed_export(
    work: Workload, workers: int, kind: str = "parquet", configs: Sequence[str] = (f"ts{T}",)
) -> tuple[float, int]:
    """Seconds and samples of a whole export into an empty folder."""
    out = work.root / ".export"
    shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    folder = work.export(kind, out, workers, configs)
    seconds = time.perf_counter() - begun
    files = (folder / "data").rglob("*.parquet")
    samples = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
    shutil.rmtree(out)
    return seconds, samples


def profile(work: Workload, kind: str = "parquet") -> dict[str, float]:
    """Seconds of a one-process export by stage, under the profiler."""
    profiler = cProfile.Profile()
    profiler.enable()
    timed_export(work, 1, kind)
    profiler.disable()
    stats = pstats.Stats(profiler)
    seconds = dict.fromkeys(_STAGES, 0.0)
    for (file, _, name), record in stats.stats.items():  # type: ignore[attr-defined]
        for stage, functions in _STAGES.items():
            for end, function, callees in functions:
                if name == function and file.endswith(end):
                    seconds[stage] += record[3] if callees else record[2]
    seconds["the rest"] = stats.total_tt - sum(seconds.values())  # type: ignore[attr-defined]
    return seconds


def start_up() -> tuple[float, bool]:
    """Seconds of `import dataset_script` in a fresh process, and whether all of it spares torch."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import dataset_script"], check=True)
    seconds = time.perf_counter() - begun
    code = (
        "import sys, dataset_script.hephaestus_minicubes, dataset_script.export;"
        "print(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return seconds, done.stdout.strip() == "False"


def grouping(annotations: Path) -> float:
    """Seconds to group and split annotations that are read already, for T=1 and T=3."""
    from dataset_script.annotations.reading import read_annotations
    from dataset_script.annotations.series import read_groups
    from dataset_script.annotations.splits import assign

    known = read_annotations(annotations)
    begun = time.perf_counter()
    groups = read_groups(annotations, known)
    for split, members in assign(groups, "paper", 0).items():
        for length in (1, T):
            make_samples(members, length, split, 0)
    return time.perf_counter() - begun


def stored_sizes(work: Workload) -> list[Goal]:
    """Bytes of a sample on disk in each layout; the compact atmosphere with its error."""
    goals = []
    for kind, most in (
        ("parquet", 9.0),
        ("arrow", 20.0),
        ("compact-parquet", 5.0),
        ("compact-arrow", 8.0),
    ):
        folder = work.exported(kind)
        metadata = json.loads((folder / "metadata.json").read_text())
        counts = metadata["configs"][f"ts{T}"]["counts"].values()
        samples = sum(split["samples"] for split in counts)
        size = sum(file.stat().st_size for file in (folder / "data").rglob("*") if file.is_file())
        each = size / samples / 1e6
        said = f"{each:.2f} MB"
        if metadata["atmosphere_error"]:
            worst = max(metadata["atmosphere_error"].values())
            said += f", worst error {worst:.2%} of a standard deviation"
        goals.append(
            Goal(f"bytes a T=3 sample, {kind}", f"at most {most:g} MB", said, each <= most)
        )
    shards = sum(file.stat().st_size for file in (work.root / "webdataset").iterdir())
    said = f"{shards / work.count / 1e6:.1f} MB"
    return [*goals, Goal("bytes a T=3 sample, (b)", "the baseline", said, True)]


def measure(work: Workload, annotations: Path | None) -> tuple[list[Goal], dict]:
    """All of it against the goals, and the seconds of an export by stage."""
    loop, one = [], []
    for _ in range(3):
        loop.append(plain_loop(work, 6))
        seconds, samples = timed_export(work, 1)
        one.append(seconds / samples)
    plain, alone = min(loop), min(one)
    # Both configs, so that the second or two in which a worker starts weigh as they do in practice.
    both = ["ts1", f"ts{T}"]
    took: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for workers, seconds_taken in took.items():
            seconds_taken.append(timed_export(work, workers, configs=both)[0])
    gain = min(took[1]) / min(took[2])
    stages = {kind: profile(work, kind) for kind in ("parquet", "compact-parquet")}
    whole = sum(stages["parquet"].values())
    share = sum(stages["parquet"][s] for s in ("decoding chunks", "compressing output")) / whole
    imported, clean = start_up()
    goals = [
        Goal(
            "export against a loop of (a)",
            "5 times",
            f"{plain / alone:.1f} times ({1 / alone:.2f} against {1 / plain:.2f} samples/s)",
            plain / alone >= 5,
        ),
        Goal("export in decoding and compressing", "70%", f"{share:.0%}", share >= 0.7),
        Goal(
            "export, 2 workers against 1",
            "1.8 times",
            f"{gain:.2f} times ({min(took[1]):.0f} and {min(took[2]):.0f} s)",
            gain >= 1.8,
        ),
        Goal(
            "import dataset_script, fresh process",
            "under 1 s, no torch",
            f"{imported:.2f} s, torch {'absent' if clean else 'imported'}",
            imported < 1 and clean,
        ),
    ]
    if annotations:
        took = grouping(annotations)
        goals.append(
            Goal("grouping and splits of 19,919 annotations", "1 s", f"{took:.2f} s", took < 1)
        )
    return goals, stages
