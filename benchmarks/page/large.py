"""A scene of 3500 x 3000 pixels on the page: `python -m benchmarks.page.large --cancel-after 20`.

Prints, and writes as JSON, the seconds from the file to its preview, to the first windows, to
the end (or to Cancel), and how much of a processor the page still uses five seconds after Cancel.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "spaces"))


def main() -> None:
    """Run it and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=3500)
    parser.add_argument("--width", type=int, default=3000)
    parser.add_argument("--cancel-after", type=float, help="seconds; the whole scene if left out")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/space_large.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = make_scene(Path(folder), args.height, args.width)
        report = measure(path, args.cancel_after)
    report["pixels"] = [args.height, args.width]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=1) + "\n")
    for key, value in report.items():
        print(f"{key:>24}  {value}")


def make_scene(folder: Path, height: int, width: int) -> Path:
    """A phase with one uplift in noise, as a GeoTIFF."""
    y, x = np.mgrid[:height, :width].astype("float32")
    away = ((y - height / 2) ** 2 + (x - width / 2) ** 2) / 60.0**2
    noise = np.random.default_rng(3).normal(0, 0.3, (height, width))
    phase = np.angle(np.exp(1j * (12 * np.exp(-away) + noise))).astype("float32")
    path = folder / "20200101_20200113.geo.diff_pha.tif"
    place = {"transform": Affine(0.001, 0, 10, 0, -0.001, 20), "crs": "EPSG:4326"}
    shape = {"height": height, "width": width, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", compress="deflate", **shape, **place) as file:
        file.write(phase, 1)
    return path


def measure(path: Path, cancel_after: float | None) -> dict[str, object]:
    """Analyse it as the page does, and read the clock at each change of the page."""
    from page.handlers import Handlers
    from page.settings import Settings
    from page.view.parts import OUTPUTS

    handlers = Handlers(Settings.from_environment())
    handlers.warm_up()
    sent = Path(tempfile.mkdtemp()) / path.name
    shutil.copyfile(path, sent)
    visitor = types.SimpleNamespace(session_hash="one", query_params={})
    settings = handlers.settings
    started = time.monotonic()
    report: dict[str, object] = {}

    def note(what: str) -> None:
        report.setdefault(what, round(time.monotonic() - started, 2))

    for values in handlers.from_upload(
        [str(sent)], settings.segmenter, settings.classifier, 1, visitor
    ):
        shown = dict(zip(OUTPUTS, values, strict=False))
        if isinstance(shown["picture"], str) and "data-facts" in shown["picture"]:
            note("preview_s")
        notice = shown["notice"] if isinstance(shown["notice"], str) else ""
        if "window" in notice:
            note("first_windows_s")
        if "ready" in notice:
            note("end_s")
        if cancel_after and time.monotonic() - started > cancel_after and "cancel_s" not in report:
            note("cancel_s")
            handlers.cancel(2, visitor)
    time.sleep(5)
    before = time.process_time()
    time.sleep(2)
    report["cpu_share_5s_later"] = round((time.process_time() - before) / 2, 3)
    return report


if __name__ == "__main__":
    main()
