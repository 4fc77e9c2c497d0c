"""One frame from its plan to its files: the cube, and the annotations beside it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dataset_script.annotations.record import to_record
from dataset_script.safe_files import write_json
from dataset_script.seeding import generator
from dataset_script.synthetic.archive import CubeWriter, pack
from dataset_script.synthetic.frames import FramePlan
from dataset_script.synthetic.labels.annotating import annotate
from dataset_script.synthetic.labels.defects import Spoilt, draw_defects, spoil
from dataset_script.synthetic.options import ARCHIVE_SUFFIX
from dataset_script.synthetic.radar.acquisitions import IndexPair
from dataset_script.synthetic.scene import Interferogram, Scene


def make_frame(plan: FramePlan, out: Path, archive: str) -> Iterator[int]:
    """Make a frame's cube and its annotations.

    Both are written under temporary names and renamed, the annotations last.

    Args:
        plan: The frame's plan.
        out: Folder to write to.
        archive: One of `ARCHIVE_SUFFIX`.

    Yields:
        The number of pairs made since the last time.
    """
    target = cube_path(out, plan, archive)
    partial = out / f".{plan.frame_id}.zarr.partial"
    for leftover in (partial, target):
        _remove(leftover)
    scene = Scene(plan)
    writer = CubeWriter(
        partial,
        plan.frame_id,
        f"Synthetic interferograms of a {plan.climate.name} with the volcanoes "
        f"{', '.join(plan.volcanoes)}; not real data",
        plan.grid,
        scene.terrain.dem,
        [(plan.dates[i], plan.dates[j]) for i, j in plan.pairs],
    )
    defects = draw_defects(generator(plan.seed, plan.frame_id, "defects"), scene)
    records: list[dict[str, Any]] = []
    for primary, group in itertools.groupby(plan.pairs, key=lambda pair: pair[0]):
        pairs = list(group)
        rasters, own = [], []
        for number, pair in enumerate(pairs, start=plan.first_id + len(records)):
            layers, record = _render(scene, pair, number, defects.get(pair))
            rasters.append(layers)
            own.append(record)
        fields = [record | {"unique_id": str(record["uniqueID"])} for record in own]
        writer.write(plan.dates[primary], [plan.dates[j] for _, j in pairs], rasters, fields)
        records += own
        yield len(pairs)
    writer.close()
    if archive == "directory":
        partial.rename(target)
    else:
        packed = out / f".{target.name}.partial"
        pack(partial, packed, f"{plan.frame_id}.zarr", archive)
        packed.rename(target)
        shutil.rmtree(partial)
    write_json(records_path(out, plan), records)


def _render(
    scene: Scene, pair: IndexPair, number: int, defect: str | None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Rasters of a pair by name, and its annotation's record."""
    interferogram = scene.interferogram(pair)
    annotation, layers = annotate(scene, interferogram, pair, number, defect)
    seen: Interferogram | Spoilt = interferogram
    if defect:
        rng = generator(scene.plan.seed, annotation.frame_id, "spoil", *annotation.pair)
        seen = spoil(rng, interferogram, scene.swath, defect)
    layers |= {"insar_difference": seen.phase, "insar_coherence": seen.coherence}
    for which, index in zip(("primary", "secondary"), pair, strict=True):
        for name, values in scene.date(index).fields.items():
            layers[f"{which}_date_{name}"] = values
    return layers, to_record(annotation)


def cube_path(out: Path, plan: FramePlan, archive: str) -> Path:
    """Where a frame's cube lies."""
    return out / f"{plan.frame_id}{ARCHIVE_SUFFIX[archive]}"


def records_path(out: Path, plan: FramePlan) -> Path:
    """Where a finished frame's annotations wait for the other frames'."""
    return out / f".{plan.frame_id}.annotations.json"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
