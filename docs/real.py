"""Predict on the real crops, score the answers, and draw all of them: `python docs/real.py`.

Needs the crops in ../shared/real/crops, or in `--crops FOLDER`, with `score.py` in the folder above
them. The answers go to runs/real, the pictures to docs/figures.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from cmcrameri import cm  # noqa: E402
from PIL import Image  # noqa: E402
from scipy import ndimage  # noqa: E402

from hub.inference.batch import predict_many  # noqa: E402
from hub.repos.loading import IN_THE_BOX  # noqa: E402

CROPS = ROOT.parent / "shared" / "real" / "crops"
FIGURES = ROOT / "docs" / "figures"
FRONT = ("erta_ale_01", "piton_03", "sierra_negra_03", "sierra_negra_05")
"""A few of different kinds, with and without false alarms, for the project's front page."""
ATTRIBUTION = (
    "Interferograms: COMET LiCSAR, contain modified Copernicus Sentinel data; "
    "dataset: Hephaestus Minicubes, Orion Lab"
)
COLUMNS = 4


def score(crops: Path, predictions: Path) -> str:
    """What `score.py` beside the crops says of the answers, and its numbers as Markdown."""
    found = predictions / "score.json"
    command = [sys.executable, str(crops.parent / "score.py"), str(crops), str(predictions)]
    done = subprocess.run(
        [*command, "--json", str(found)], check=True, capture_output=True, text=True
    )
    numbers = json.loads(found.read_text())
    clear = numbers["clear"]
    windows = ("window_auroc", "window_recall", "window_false_alarms")
    rows = {
        "deformation said": f"{numbers['called_deformation_of_clear']} of {clear}",
        "peak inside the outline": f"{numbers['peak_inside_of_clear']} of {clear}",
        "IoU over 0.3 / 0.5 / median": f"{numbers['iou_over_0.3_of_clear']} / "
        f"{numbers['iou_over_0.5_of_clear']} / {numbers['median_iou_of_clear']:.2f}",
        "false blobs (crops)": f"{numbers['false_blobs']} ({numbers['crops_with_false_blobs']})",
        "windows: AUROC, recall, false alarms": ", ".join(f"{numbers[key]:.2f}" for key in windows),
    }
    table = [f"| {name} | {value} |" for name, value in rows.items()]
    listed = done.stdout.split("{")[0].rstrip()
    return "\n".join([listed, "", "| clear crops | |", "| --- | --- |", *table])


def false_patches(paths: Sequence[Path], predictions: Path) -> int:
    """Patches of the masks of 100 pixels or more that lie apart from every outline, by 3 pixels."""
    found = 0
    for path in paths:
        with np.load(path) as crop, rasterio.open(predictions / f"{path.stem}_mask.tif") as file:
            outlined, mask = crop["outline"] | crop["secondary_outline"], file.read(1) == 1
        patches, _ = ndimage.label(mask)
        near = np.unique(patches[ndimage.binary_dilation(outlined, iterations=3)])
        sizes = np.bincount(patches.ravel())[1:]
        found += sum(size >= 100 and at not in near for at, size in enumerate(sizes, 1))
    return found


def draw(paths: Sequence[Path], predictions: Path, picture: Path) -> None:
    """Phase, probability, the drawn outline and the model's own, for every crop."""
    rows = -(-len(paths) // COLUMNS)
    figure, axes = plt.subplots(
        2 * rows, COLUMNS, figsize=(3 * COLUMNS, 6.2 * rows), layout="constrained"
    )
    for axis in axes.ravel():
        axis.set_axis_off()
    for number, path in enumerate(paths):
        row, column = divmod(number, COLUMNS)
        above, below = axes[2 * row, column], axes[2 * row + 1, column]
        with np.load(path) as crop:
            phase, outline, nodata = crop["insar_difference"], crop["outline"], crop["nodata"]
        summary = json.loads((predictions / f"{path.stem}.json").read_text())
        with rasterio.open(predictions / f"{path.stem}_probability.tif") as file:
            probability = file.read(1)
        with rasterio.open(predictions / f"{path.stem}_mask.tif") as file:
            said = file.read(1) == 1
        shown = np.where(nodata, np.nan, phase)
        above.imshow(shown, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi, interpolation="nearest")
        below.imshow(probability, cmap=cm.batlow, vmin=0, vmax=1)
        for axis, colour in ((above, "black"), (below, "white")):
            axis.contour(outline, [0.5], colors=colour, linewidths=0.8, linestyles="dashed")
        if said.any():
            above.contour(said, [0.5], colors="red", linewidths=1.2)
        above.set_title(path.stem.replace("_", " "), fontsize=9)
        below.set_title(f"{summary['decision']}, {summary['probability']:.2f}", fontsize=8)
    figure.supxlabel(
        f"dashed: outlined by hand; red: by the model; below: its probability\n{ATTRIBUTION}",
        fontsize=7,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=75)
    plt.close(figure)
    # Noise does not compress; a palette of its own colours halves the file.
    Image.open(buffer).convert("RGB").quantize(224).save(picture, optimize=True)
    print(picture)


def main() -> None:
    """Predict, score, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crops", type=Path, default=CROPS, help="folder of real crops")
    parser.add_argument("--model", default=IN_THE_BOX, help="a packaged model instead")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "real", help="answers")
    parser.add_argument("--pictures", type=Path, default=FIGURES, help="where to draw")
    options = parser.parse_args()
    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
    paths = sorted(options.crops.glob("*.npz"))
    if not paths:
        sys.exit(f"error: no crops in {options.crops}")
    batch = predict_many(options.model, paths, options.output)
    batch.require_success()
    print(score(options.crops, options.output))
    print(f"| false patches of the masks | {false_patches(paths, options.output)} |")
    options.pictures.mkdir(parents=True, exist_ok=True)
    draw(paths, options.output, options.pictures / "real.png")
    if front := [path for path in paths if path.stem in FRONT]:
        draw(front, options.output, options.pictures / "real_front.png")


if __name__ == "__main__":
    main()
