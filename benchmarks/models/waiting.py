"""What a user waits for: the start of a command, a whole frame, many small scenes, a simulation.

Seconds are those of the processor, of one thread: on a machine that others use as well they say
more than the clock does, and a frame on two quiet cores takes about half as many by the clock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness import Goal, Timing, interleave
from benchmarks.models.whole_frame import (
    bare_passes,
    first_look_alone,
    simulated_frame,
    whole_frame,
)
from hub.inference.batch import predict_many
from hub.inference.detector import Detector
from hub.inference.outputs import KINDS, save_prediction
from hub.inference.scanning.windows import product_corners
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene

ROOT = Path(__file__).resolve().parents[2]
FRAME, SMALL = (2500, 3000), (512, 512)
QUICK = (800, 900)
_STARTS = {
    "--help": ("--help",),
    "an input that does not exist": ("predict", "nothing.npz", "--output", "{out}"),
    "a threshold of 2": ("predict", "README.md", "--threshold", "2", "--output", "{out}"),
    "an unknown device": ("predict", "README.md", "--device", "abacus", "--output", "{out}"),
}
_SIMULATION = """
import time
from dataset_script.synthetic.frames import plan_frames
from dataset_script.synthetic.scene import Scene
(plan,) = plan_frames(1, 0, {height}, {width}, 12, 3)
begun = time.process_time()
scene = Scene(plan)
drawn = time.process_time()
for pair in plan.pairs[:4]:
    scene.interferogram(pair)
print(drawn - begun, (time.process_time() - drawn) / 4)
"""


def measure(root: Path, quick: bool) -> tuple[list[Goal], dict[str, dict[str, Timing]]]:
    """All of it, with the contestants in turn.

    Args:
        root: Scratch folder; the simulated frame is kept there.
        quick: A small frame, and one round.

    Returns:
        The goals and the timings.
    """
    goals = [_start(name, words, root) for name, words in _STARTS.items()]
    detector = Detector.from_pretrained(device="cpu")
    frame = simulated_frame(root, QUICK if quick else FRAME)
    found, timings = whole_frame(detector, frame, 1 if quick else 3)
    goals += found
    goals += _around_the_frame(frame, root)
    goals.append(_small_scenes(detector, frame, root))
    goals.append(_simulation(quick))
    return goals, {"predict, windows a second": timings}


def _start(name: str, words: tuple[str, ...], root: Path) -> Goal:
    taken = []
    for _ in range(3):
        before = os.times()
        command = [sys.executable, "-m", "hub", *(word.format(out=root / "none") for word in words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        after = os.times()
        taken.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
        if (done.returncode == 0) != (name == "--help"):
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-500:]}")
    least = min(taken)
    return Goal(f"python -m hub: {name}", "under 1 s", f"{least:.2f} s", least < 1)


def _around_the_frame(frame: Scene, root: Path) -> list[Goal]:
    """Seconds of a command's other parts, in a process of its own for the start."""
    file, out = root / "frame.npz", root / "frame"
    np.savez(
        file,
        insar_difference=frame.insar_difference,
        insar_coherence=frame.insar_coherence,
        dem=frame.dem,
        bounds=(40, 14 - frame.height / 1000, 40 + frame.width / 1000, 14),
        crs="EPSG:4326",
    )
    code = (
        "import time; from hub.inference.detector import Detector; "
        "Detector.from_pretrained(device='cpu'); print(time.process_time())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    parts = {"libraries and model": float(done.stdout)}

    def part(name: str, work: Callable[[], object]) -> object:
        begun = time.process_time()
        result = work()
        parts[name] = time.process_time() - begun
        return result

    scene = part("reading", lambda: load_scene(file))
    assert isinstance(scene, Scene)
    detector = Detector.from_pretrained(device="cpu")
    answer = first_look_alone(detector, scene)
    part("files", lambda: save_prediction(answer, out, kinds=set(KINDS) - {"figure"}))
    part("figure", lambda: save_prediction(answer, out, kinds=("figure",)))
    total = sum(parts.values())
    said = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
    shape = f"{frame.height} x {frame.width}"
    return [
        Goal(
            f"the rest of the command, {shape}", "under 10 s", f"{total:.1f} s ({said})", total < 10
        )
    ]


def _small_scenes(detector: Detector, frame: Scene, root: Path) -> Goal:
    """Small scenes in one process, files and figures included, against bare passes."""
    folder, out = root / "small", root / "small-out"
    folder.mkdir(exist_ok=True)
    count = 6
    for number in range(count):
        place = slice(number * 40, number * 40 + SMALL[0]), slice(0, SMALL[1])
        np.savez(
            folder / f"{number}.npz",
            insar_difference=frame.insar_difference[0][place],
            insar_coherence=frame.insar_coherence[0][place],  # type: ignore[index]
        )
    side = detector.facts.image_size
    windows = len(product_corners(*SMALL, side))
    network = detector._windows.networks.choose(windows, side)
    bare = bare_passes(
        network, detector.facts.planes_per_step, side, detector._windows.batch_size(network)
    )

    def ours() -> int:
        shutil.rmtree(out, ignore_errors=True)
        predict_many(detector, [folder], out, progress=False).require_success()
        return count

    timings = interleave({"ours": ours, "bare": bare}, 2, clock=time.process_time)
    rate, passes = timings["ours"].rate, timings["bare"].rate / windows
    return Goal(
        "scenes of 512 x 512, with their files and figures",
        "the bare passes",
        f"{rate:.2f} a second of a core, {rate / passes:.0%} of bare passes",
        rate >= 0.9 * passes,
    )


def _simulation(quick: bool) -> Goal:
    height, width = (250, 350) if quick else (1000, 1400)
    code = _SIMULATION.format(height=height, width=width)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    frame, pair = map(float, done.stdout.split())
    return Goal(
        f"simulating a pair of {height} x {width}",
        "said",
        f"{pair:.2f} s of a core, and {frame:.0f} s for the frame's sources",
        True,
    )
