"""From a seed to an archive: plan the frames, make each one's interferograms, write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dataset_script.annotations.json_files import load_json
from dataset_script.annotations.record import Annotation, from_record, to_record
from dataset_script.annotations.series import build_timeseries_record
from dataset_script.errors import DataError
from dataset_script.safe_files import writable, write_json
from dataset_script.synthetic.frames import FramePlan, plan_frames
from dataset_script.synthetic.options import SynthesisOptions
from dataset_script.synthetic.rendering import cube_path, make_frame, records_path
from dataset_script.workers import run_tasks

PARAMETERS = "synthesis.json"


def synthesize(out: str | Path, frames: int = 3, seed: int = 0, **options: Any) -> None:
    """Write synthetic minicubes in the archive's layout, with annotations.

    The folder gets `<frame>.zarr` (or `.zarr.zip`, `.zarr.tar`), `annotations.json`,
    `timeseries.json`, `frame_names.json`, and the parameters in `synthesis.json`. The bytes depend
    on the parameters alone, not on the number of processes. An interrupted run goes on where it
    stopped when it is repeated with the same parameters: frames that are complete are kept, lost
    ones are made again.

    Args:
        out: Folder to write; empty, absent, or left by a run with the same parameters.
        frames: Number of frames.
        seed: Seed.
        **options: The other fields of `synthetic.options.SynthesisOptions`.

    Raises:
        ConfigError: If a parameter is out of range.
        DataError: If the folder holds something else, or cannot be written to.
    """
    chosen = SynthesisOptions(frames=frames, seed=seed, **options)
    out, archive = Path(out), chosen.archive
    plans = plan_frames(
        frames, seed, chosen.height, chosen.width, chosen.acquisitions, chosen.neighbours
    )
    with writable(out):
        _claim(out, chosen.record())
        annotated = (out / "annotations.json").exists()
        missing = [
            plan
            for plan in plans
            if not cube_path(out, plan, archive).exists()
            or not (annotated or records_path(out, plan).exists())
        ]
        total = sum(len(plan.pairs) for plan in missing)
        with tqdm(total=total, desc="synthesize", unit="pair", disable=not chosen.progress) as bar:
            for done in _make_all(out, missing, archive, chosen.workers):
                bar.update(done)
        if not annotated:
            _write_annotations(out, plans)
        for plan in plans:
            records_path(out, plan).unlink(missing_ok=True)


def _write_annotations(out: Path, plans: list[FramePlan]) -> None:
    annotations: dict[int, Annotation] = {}
    for plan in plans:
        path = records_path(out, plan)
        for record in load_json(path):
            annotations[record["uniqueID"]] = from_record(record, str(path))
    records = {str(key): to_record(value) for key, value in annotations.items()}
    names = {plan.frame_id: ", ".join(plan.volcanoes) for plan in plans}
    write_json(out / "frame_names.json", names)
    write_json(out / "timeseries.json", build_timeseries_record(annotations))
    # Last: its presence says that the archive is complete.
    write_json(out / "annotations.json", records)


def _make_all(out: Path, plans: list[FramePlan], archive: str, workers: int) -> Iterator[int]:
    """Make frames, yielding the number of pairs done since the last time."""
    if workers == 1 or len(plans) < 2:
        for plan in plans:
            yield from make_frame(plan, out, archive)
        return
    make = partial(_make_whole, out=out, archive=archive)
    for _, pairs in run_tasks(make, dict(enumerate(plans)), workers):
        yield pairs


def _make_whole(plan: FramePlan, out: Path, archive: str) -> int:
    return sum(make_frame(plan, out, archive))


def _claim(out: Path, parameters: Mapping[str, Any]) -> None:
    """Make the folder ours, or find that it is ours already."""
    note = out / PARAMETERS
    if note.exists():
        found = load_json(note)
        if found == parameters:
            return
        differing = [name for name in parameters if found.get(name) != parameters[name]]
        raise DataError(
            f"{out} holds minicubes made with other parameters ({', '.join(differing)} differ); "
            "choose another folder or remove this one"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder; choose another one to synthesize into")
    out.mkdir(parents=True, exist_ok=True)
    write_json(note, parameters)
