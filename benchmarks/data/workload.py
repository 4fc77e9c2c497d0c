"""The one piece of work that every measurement shares, prepared once in runs/bench.

Synthetic cubes of realistic size, their T=3 crops of 512 pixels with nine channels a step, and the
same samples in every layout that is compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.data import baselines
from dataset_script.annotations.series import Sample, make_samples
from dataset_script.channels import CHANNEL_NAMES
from dataset_script.export import export
from dataset_script.source.source import Source, open_source
from dataset_script.synthetic.pipeline import synthesize
from training.config.schema import Config, DataConfig
from training.data.loader import Loader
from training.data.samples import Samples
from training.data.sampling import Share, share_out
from training.data.sources import open_data
from training.inputs.preprocessing import Preprocessor

T = 3
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class Workload:
    """Where the layouts lie.

    Attributes:
        root: Working folder.
        height: Rows of a cube.
        width: Columns of a cube.
        acquisitions: Dates of a cube.
        size: Side of the crops.
        count: Samples compared.
    """

    root: Path
    height: int = 1000
    width: int = 1400
    acquisitions: int = 100
    size: int = 512
    count: int = 96

    @property
    def cubes(self) -> Path:
        """The minicubes."""
        return self.root / "minicubes"

    def exported(self, kind: str) -> Path:
        """The exported dataset of a kind: parquet, arrow, or their compact- variants."""
        return self.root / kind / "hephaestus-minicubes"

    def prepare(self) -> None:
        """Make whatever is missing."""
        if not self.cubes.exists():
            synthesize(
                self.cubes,
                frames=1,
                seed=0,
                height=self.height,
                width=self.width,
                acquisitions=self.acquisitions,
                neighbours=T,
            )
        for kind in ("parquet", "arrow", "compact-parquet", "compact-arrow"):
            self.export(kind)
        self._once("webdataset", lambda path: baselines.write_webdataset(path, self.stacks()))
        self._once("plain.parquet", lambda path: baselines.write_plain_parquet(path, self.stacks()))
        self._once(
            "stack.memmap",
            lambda path: baselines.write_memmap(path, (x for x, _ in self.stacks()), self.count),
        )
        for kind in ("arrow", "compact-arrow"):
            self._once(
                f"{kind}.memmap",
                lambda path, kind=kind: baselines.write_memmap(
                    path, self.raw_rows(kind), self.count
                ),
            )

    def export(
        self,
        kind: str,
        out: Path | None = None,
        workers: int = 1,
        configs: Sequence[str] = (f"ts{T}",),
    ) -> Path:
        """Export the cubes with our own code."""
        return export(
            self.cubes,
            out or self.root / kind,
            configs=list(configs),
            image_size=self.size,
            atmosphere=33 if kind.startswith("compact") else "full",
            format=kind.removeprefix("compact-"),
            preview=False,
            workers=workers,
            progress=False,
        )

    def samples(self, kind: str) -> Samples:
        """The compared samples, opened as training opens them."""
        config = Config(data=DataConfig(path=str(self.exported(kind)), config=f"ts{T}"))
        config.objective = "segmentation"
        split = "train+validation+test"
        return open_data(config, [split]).splits[split]

    def plan(self, samples: Samples, batch: int = 8) -> list[Share]:
        """All compared samples, in a fixed random order."""
        order = np.random.default_rng(0).permutation(min(self.count, len(samples)))
        return share_out(order, batch)

    def stacks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Float stacks `[T*C, H, W]` in physical units and union masks `[H, W]`."""
        samples = self.samples("arrow")
        assemble = Preprocessor(CHANNEL_NAMES, T).assemble
        for share in self.plan(samples, 1):
            batch = next(iter(Loader(samples, DEVICE, 0).batches([share])))
            stack = assemble(batch.rasters)[0].flatten(0, 1)
            yield stack.numpy(), batch.target[0].numpy().astype("uint8")

    def raw_rows(self, kind: str) -> Iterator[np.ndarray]:
        """The bytes of a row, end to end: what a memory map of them would hold."""
        samples = self.samples(kind)
        for share in self.plan(samples, 1):
            rasters = samples.rows.read(samples.row(int(share.indices[0])))
            yield np.concatenate([raster.reshape(-1).view("uint8") for raster in rasters.values()])

    def source_samples(self) -> tuple[Source, Sequence[Sample]]:
        """The cubes, and time series of them, for reading without an export."""
        source = open_source(self.cubes)
        return source, make_samples(source.groups, T, "train", 0)[: self.count]

    def _once(self, name: str, write) -> None:
        path = self.root / name
        if path.exists():
            return
        temporary = path.with_name(f".{name}.tmp")
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
        write(temporary)
        temporary.rename(path)
