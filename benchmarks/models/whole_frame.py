"""A whole frame: `predict` against the network's bare passes over the windows that hold data."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import zarr

from benchmarks.harness import Goal, Timing, interleave
from dataset_script.synthetic.pipeline import synthesize
from hub.inference.detector import Detector
from hub.inference.prediction import Prediction
from hub.inference.scanning.mosaic import Mosaic
from hub.inference.scanning.networks import TOLERANCE, is_half
from hub.inference.scanning.windows import Cancelled, product_corners
from hub.scenes.scene import Scene, make_scene

_BARE = 128
"""Windows of a bare measurement: among short ones the fastest form would be the luckiest."""


def simulated_frame(root: Path, shape: tuple[int, int]) -> Scene:
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


def whole_frame(
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
                batches[f"bare, {form}, {size} at once"] = bare_passes(network, planes, side, size)
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
    first_look_alone(detector, frame)
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


def bare_passes(network: torch.nn.Module, planes: int, side: int, size: int) -> Callable[[], int]:
    """Passes of a network over windows of noise, which returns how many.

    Args:
        network: In the form that is to be measured.
        planes: Of a window.
        side: Of a window in pixels.
        size: Windows at once.
    """
    images = torch.randn(size, 1, planes, side, side)
    if is_half(network):  # in the type and the order of memory that it takes without a copy
        images = images[:, 0].to(torch.bfloat16, memory_format=torch.channels_last)[:, None]

    @torch.inference_mode()
    def work() -> int:
        for _ in range(_BARE // size):
            network(images)
        return _BARE // size * size

    return work


def first_look_alone(detector: Detector, scene: Scene) -> Prediction:
    """A first look, and no more."""
    looks: list[Prediction] = []
    with contextlib.suppress(Cancelled):
        detector.predict(scene, first_look=looks.append, cancel=lambda: bool(looks))
    return looks[0]
