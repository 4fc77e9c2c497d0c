"""Simulated frames of five years, every pair judged by the model in the box, and what was true.

    python -m benchmarks.records.five_years FOLDER [--frame 0 --frame 4] [--turbulence 2.5]

A frame is one of the generator's: its ground, weather, sources and their history; an acquisition
every twelve days, each paired with the three before it. Judging is what takes the time (seconds a
pair), so the answers are kept in FOLDER and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import from_origin
from tqdm import tqdm

from dataset_script.safe_files import renamed
from dataset_script.synthetic.air import turbulence
from dataset_script.synthetic.frames import FramePlan, plan_frames
from dataset_script.synthetic.radar.acquisitions import pair_up
from dataset_script.synthetic.scene import Interferogram
from dataset_script.synthetic.scene import Scene as Simulation
from hub.inference.detector import Detector
from hub.scenes.scene import Scene, make_scene

SIDE = 192
FIRST, REVISIT_DAYS, ACQUISITIONS, NEIGHBOURS = datetime.date(2016, 1, 3), 12, 153, 3
SEED = 20260
CALM_M = turbulence.TURBULENCE_M


def plan_frame(index: int, seed: int) -> FramePlan:
    """A frame of the generator's with an acquisition every twelve days of five years."""
    plan = plan_frames(index + 1, seed, SIDE, SIDE, 30, NEIGHBOURS)[index]
    dates = tuple(FIRST + datetime.timedelta(REVISIT_DAYS * n) for n in range(ACQUISITIONS))
    return dataclasses.replace(plan, dates=dates, pairs=pair_up(dates, NEIGHBOURS))


def corner_of(plan: FramePlan) -> tuple[float, float]:
    """Longitude and latitude of the grid's upper left corner."""
    half = plan.grid.pixel_degrees / 2
    return plan.grid.longitude[0] - half, plan.grid.latitude[0] + half


def make_pair(simulation: Simulation, made: Interferogram, pair: tuple[int, int]) -> Scene:
    """The interferogram as a scene, named as a frame's pairs are."""
    plan = simulation.plan
    first, second = (plan.dates[index] for index in pair)
    west, north = corner_of(plan)
    return make_scene(
        f"{plan.frame_id}_{first:%Y%m%d}_{second:%Y%m%d}",
        made.phase,
        made.coherence.astype(np.uint8),
        simulation.terrain.dem,
        transform=from_origin(west, north, plan.grid.pixel_degrees, plan.grid.pixel_degrees),
        crs="EPSG:4326",
        primary_date=first,
        secondary_dates=(second,),
    )


def judge_frame(folder: Path, index: int, seed: int, factor: float) -> None:
    """Judge every pair of a frame in the order in which they would come, and keep the answers."""
    plan = plan_frame(index, seed)
    turbulence.TURBULENCE_M = factor * CALM_M
    simulation = Simulation(plan)
    folder = folder / (plan.frame_id if factor == 1 else f"{plan.frame_id}-windy")
    folder.mkdir(parents=True, exist_ok=True)
    episodes = [
        {
            "kind": actor.kind,
            "actor": number,
            "start": float(episode.start),
            "duration": float(episode.duration),
            "fringes": float(episode.amount),
        }
        for number, actor in enumerate(simulation.actors)
        for episode in actor.episodes
    ]
    truth = {
        "frame": plan.frame_id,
        "climate": plan.climate.name,
        "turbulence": factor,
        "corner": [float(value) for value in corner_of(plan)],
        "episodes": episodes,
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))
    detector = Detector.from_pretrained()
    in_order = sorted(plan.pairs, key=lambda pair: (pair[1], pair[0]))
    for pair in tqdm(in_order, unit="pair", desc=plan.frame_id):
        path = folder / f"{plan.dates[pair[0]]:%Y%m%d}_{plan.dates[pair[1]]:%Y%m%d}.npz"
        if path.exists():
            continue
        made = simulation.interferogram(pair)
        scene = make_pair(simulation, made, pair)
        prediction = detector.predict(scene)
        assert prediction.probability is not None
        with renamed(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                phase=scene.insar_difference[0],
                coherence=made.coherence.astype(np.uint8),
                dem=simulation.terrain.dem.astype(np.float32),
                motion=made.motion.astype(np.float16),
                visible=simulation.visible,
                actors=made.acting,
                peaks=np.array([np.abs(d[simulation.visible]).max() for d in made.deformation]),
                probability=prediction.probability,
                image_probability=prediction.image_probability,
                place=prediction.place,
            )


def read_frame(folder: Path) -> tuple[dict[str, Any], Iterator[Path]]:
    """What is true of a judged frame, and the files of its pairs by secondary, then primary."""
    truth = json.loads((folder / "truth.json").read_text())
    paths = sorted(folder.glob("*.npz"), key=lambda path: (path.stem[9:], path.stem[:8]))
    return truth, iter(paths)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frame", type=int, action="append", help="0 to 4: one of each climate")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--turbulence", type=float, default=1.0, help="times that of the usual air; 2.5 is windy"
    )
    args = parser.parse_args()
    for index in args.frame or (0, 4):
        judge_frame(args.folder, index, args.seed, args.turbulence)


if __name__ == "__main__":
    main()
