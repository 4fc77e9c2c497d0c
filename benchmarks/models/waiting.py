"""What a user waits for: the start of a command, a whole frame, many small scenes, a simulation.

Seconds are those of the processor, of one thread: on a machine that others use as well they say
more than the clock does, and a frame on two quiet cores takes about half as many by the clock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import zarr

from benchmarks.harness import Goal, Timing, interleave
from dataset_script.synthetic.pipeline import synthesize
from hub.inference.batch import predict_many
from hub.inference.detector import Detector
from hub.inference.outputs import KINDS, save_prediction
from hub.inference.prediction import Prediction
from hub.inference.scanning.networks import TOLERANCE, is_half
from hub.inference.scanning.windows import Cancelled, Mosaic, product_corners
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene, make_scene

ROOT = Path(__file__).resolve().parents[2]
FRAME, SMALL = (2500, 3000), (512, 512)
QUICK = (800, 900)
_BARE = 128
"""Windows of a bare measurement: in fewer, the fastest form is the one that luck favours."""

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
    frame = _frame(root, QUICK if quick else FRAME)
    found, timings = _whole_frame(detector, frame, 1 if quick else 3)
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


def _frame(root: Path, shape: tuple[int, int]) -> Scene:
    """A simulated pair, mirrored to a frame's size."""
    cubes = root / "waiting"
    if not (cubes / "annotations.json").exists():
        shutil.rmtree(cubes, ignore_errors=True)
        synthesize(cubes, 1, 0, height=500, width=600, acquisitions=12, progress=False)
    (cube,) = cubes.glob("*.zarr")
    pair = sorted(path.name for path in (cube / "insar_difference").glob("[0-9]*"))[0]
    store = zarr.open_group(cube, mode="r")
    primary, secondary = map(int, pair.split(".")[:2])

    def whole(raster: np.ndarray) -> np.ndarray:
        wide = [(0, size - own) for size, own in zip(shape, raster.shape, strict=True)]
        return np.pad(raster, wide, mode="symmetric")

    rasters = [store[name][primary, secondary] for name in ("insar_difference", "insar_coherence")]
    return make_scene("frame", whole(rasters[0]), whole(rasters[1]), whole(store["dem"][:]))


def _whole_frame(
    detector: Detector, frame: Scene, rounds: int
) -> tuple[list[Goal], dict[str, Timing]]:
    """`predict`, the same model as it was run before, and bare passes, on the same windows."""
    model = detector._windows
    side = model.facts.image_size
    corners = product_corners(frame.height, frame.width, side)
    wanted = [corner for corner in corners if model.data_share(frame, corner) > 0]
    answers: dict[str, np.ndarray] = {}

    def ours() -> int:
        answers["ours"] = detector.predict(frame).probability
        return len(wanted)

    def before() -> int:
        mosaic = Mosaic(corners, (frame.height, frame.width), side)
        for start in range(0, len(wanted), 2):
            batch = wanted[start : start + 2]
            found, _ = model.asking(frame, [0], batch)(batch)
            for corner, value in zip(batch, found, strict=True):
                mosaic.add(corner, value)
        answers["before"] = mosaic.blended()[0]
        return len(wanted)

    planes = model.facts.planes_per_step
    batches: dict[str, Callable[[], int]] = {}
    forms = {"float32": model.networks.folded, "bfloat16": model.networks.half}
    for form, network in forms.items():
        for size in (4, 8, 16):
            if network is not None:
                batches[f"bare, {form}, {size} at once"] = _bare(network, planes, side, size)
    timings = interleave(
        {"ours": ours, "as before": before, **batches},
        rounds,
        warm_up=False,
        clock=time.process_time,
    )
    rate = {name: timing.rate for name, timing in timings.items()}
    bare = max((name for name in rate if name.startswith("bare")), key=rate.__getitem__)
    share = rate["ours"] / rate[bare]
    gain = rate["ours"] / rate["as before"]
    off = float(np.nanmax(np.abs(answers["ours"] - answers["before"])))
    size = f"{frame.height} x {frame.width}"
    seconds = len(wanted) / rate["ours"]
    begun = time.process_time()
    _first_look(detector, frame)
    look = time.process_time() - begun
    return [
        Goal(
            f"predict, {size}, against the fastest passes",
            "within 10%",
            f"{share - 1:+.0%} ({bare}; {1000 / rate['ours']:.1f} ms a window)",
            share >= 0.9,
        ),
        Goal(
            f"predict, {size}, against the same model as before",
            "2 times",
            f"{gain:.1f} times ({seconds:.0f} s of a core for {len(wanted)} windows)",
            gain >= 2,
        ),
        Goal(
            "the same, pixels' probabilities against before",
            f"within {TOLERANCE:g}",
            f"{off:.4f}",
            off <= TOLERANCE,
        ),
        Goal(
            "the same, first look",
            "under 10 s",
            f"{look:.1f} s of a core, {look / seconds:.0%} of the whole",
            look < 10,
        ),
    ], timings


def _bare(network: torch.nn.Module, planes: int, side: int, size: int) -> Callable[[], int]:
    images = torch.randn(size, 1, planes, side, side)
    if is_half(network):  # in the type and the order of memory that it takes without a copy
        images = images[:, 0].to(torch.bfloat16, memory_format=torch.channels_last)[:, None]

    @torch.inference_mode()
    def work() -> int:
        for _ in range(_BARE // size):
            network(images)
        return _BARE // size * size

    return work


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
    answer = _first_look(detector, scene)
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


def _first_look(detector: Detector, scene: Scene) -> Prediction:
    """A first look, and no more."""
    looks: list[Prediction] = []
    with contextlib.suppress(Cancelled):
        detector.predict(scene, first_look=looks.append, cancel=lambda: bool(looks))
    return looks[0]


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
    bare = _bare(
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
