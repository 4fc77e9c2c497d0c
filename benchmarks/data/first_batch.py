"""How soon a stream gives its first batch, and what the first sample costs over a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.data.workload import T, Workload
from benchmarks.harness import Goal

SHARDS = 100

_LOCAL = """
import os, time
import torch  # `datasets` imports it at the first stream; a process that trains has it already
from datasets import load_dataset
begun = time.perf_counter()
stream = load_dataset({data!r}, {config!r}, split="train", streaming=True).with_format("arrow")
batch = next(stream.iter(batch_size=8))
print("FIGURES", time.perf_counter() - begun, len(batch), flush=True)
os._exit(0)  # pyarrow's reading threads can abort an interpreter that ends while they wind up
"""
_SERVED = """
import os
from datasets import load_dataset
stream = load_dataset("NS/shards", {config!r}, split="train", streaming=True)
row = next(iter(stream))
print("FIGURES", stream.num_shards, flush=True)
os._exit(0)
"""


def measure(work: Workload) -> list[Goal]:
    """Seconds from `load_dataset` to eight rows, and bytes that a server gave for one."""
    goals = []
    for kind in ("parquet", "arrow"):
        code = _LOCAL.format(data=str(work.exported(kind)), config=f"ts{T}")
        seconds = min(float(_figures(code)[0]) for _ in range(3))
        name = f"first batch of 8 from load_dataset(streaming=True), {kind}"
        goals.append(Goal(name, "under 2 s", f"{seconds:.2f} s", seconds < 2))
    served, shard, reads = served_bytes(work)
    said = f"{served / shard:.2f} shards ({served / 1e6:.1f} MB in {reads} reads)"
    goals.append(
        Goal("first sample of 100 shards from a server", "under 2 shards", said, served < 2 * shard)
    )
    return goals


def served_bytes(work: Workload) -> tuple[int, int, int]:
    """Bytes served until the first sample, bytes of a shard, and number of reads."""
    from tests.hub_server.server import TOKEN, HubServer

    folder = work.root / "shards" / "hephaestus-minicubes"
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(work.exported("compact-parquet"), folder)
    train = sorted((folder / "data" / f"ts{T}").glob("train-*.parquet"))
    shard = _small(train[0])
    for file in train:
        file.unlink()
    for number in range(SHARDS):
        (train[0].parent / f"train-{number:05d}-of-{SHARDS:05d}.parquet").write_bytes(shard)
    _name_shards(folder / "README.md", f"data/ts{T}/train-*")
    with HubServer() as server:
        variables = {"HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        variables |= {"HF_HUB_OFFLINE": "0", "HF_HOME": str(folder.parent / "home")}
        push = [sys.executable, "-m", "hub", "push-dataset", str(folder), "--repo-id", "NS/shards"]
        environment = os.environ | variables
        subprocess.run(push, env=environment, check=True, capture_output=True)
        server.calls.clear()
        shards = int(_figures(_SERVED.format(config=f"ts{T}"), environment)[0])
        if shards != SHARDS:
            raise RuntimeError(f"the stream sees {shards} shards where {SHARDS} lie")
        reads = [c for c in server.calls if c.method == "GET" and ".parquet" in c.path]
    shutil.rmtree(folder.parent)
    return sum(call.served for call in reads), len(shard), len(reads)


def _name_shards(path: Path, pattern: str) -> None:
    """Let the card name the training shards by a pattern."""
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(path)
    for part in card.data.configs[0]["data_files"]:
        if part["split"] == "train":
            part["path"] = pattern
    card.save(path)


def _small(file: Path) -> bytes:
    """The first rows of a shard as a shard, so that a hundred are no burden."""
    import pyarrow.parquet as pq

    small = file.with_name("small.parquet")
    table = pq.ParquetFile(file).read_row_group(0)
    pq.write_table(table, small, compression="zstd", row_group_size=1)
    content = small.read_bytes()
    small.unlink()
    return content


def _figures(code: str, environment: dict[str, str] | None = None) -> list[str]:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if "FIGURES" not in done.stdout:
        raise RuntimeError(f"a measured process failed:\n{done.stderr[-2000:]}")
    return done.stdout.rsplit("FIGURES", 1)[1].split()
