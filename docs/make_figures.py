"""Draw the figures of docs/physics.md: `python docs/make_figures.py`.

They compare the synthetic physics with closed forms, and show how an interferogram is composed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from cmcrameri import cm  # noqa: E402
from PIL import Image  # noqa: E402
from realism import REAL, Crop, measure, real_crops, simulated_crops  # noqa: E402
from scipy.integrate import quad  # noqa: E402
from scipy.special import gamma, hyp2f1  # noqa: E402

from dataset_script.synthetic.air.turbulence import draw_turbulence  # noqa: E402
from dataset_script.synthetic.frames import plan_frames  # noqa: E402
from dataset_script.synthetic.ground.grid import FrameGrid  # noqa: E402
from dataset_script.synthetic.labels.annotating import annotate  # noqa: E402
from dataset_script.synthetic.radar.processor import LOOKS, draw_looks  # noqa: E402
from dataset_script.synthetic.scene import Scene  # noqa: E402
from dataset_script.synthetic.sources.compound import Spheroid  # noqa: E402
from dataset_script.synthetic.sources.elastic import Dislocation, Mogi  # noqa: E402
from dataset_script.wrapping import wrap  # noqa: E402
from tests.okada import okada  # noqa: E402

FIGURES = ROOT / "docs" / "figures"
COMPONENTS = ("east", "north", "up")


def draw_sources() -> None:
    """Triangles against Okada's and Mogi's closed forms along a profile."""
    east = np.linspace(-12_000, 12_000, 241) + 13.0
    north = np.full_like(east, 700.0)
    opening = (0.0, 0.0, 1.0)
    sill = Dislocation(0, 0, 2000, 3000, 2500, 20, 0, opening)
    dyke = Dislocation(0, 0, 2200, 4000, 2600, 20, 90, opening)
    fault = Dislocation(0, 0, 3000, 6000, 4000, 20, 55, (0.5, -1.0, 0.0))
    side = 300.0
    spheroid = Spheroid(0, 0, 3500, (side / 2,) * 3)
    point = Mogi(0, 0, 3500, volume=5 / 3 * side**2)
    cases = {
        "sill (opening)": (sill, okada(east, north, sill)),
        "dyke (opening)": (dyke, okada(east, north, dyke)),
        "earthquake (shear)": (fault, okada(east, north, fault)),
        "small equal spheroid, Mogi": (spheroid, point.displacement(east, north)),
    }
    figure, axes = plt.subplots(1, 4, figsize=(13, 2.9), layout="constrained")
    for axis, (title, (source, closed)) in zip(axes, cases.items(), strict=True):
        ours = source.displacement(east, north)
        error = np.abs(ours - closed).max() / np.abs(closed).max()
        for component, name in enumerate(COMPONENTS):
            (line,) = axis.plot(east / 1e3, 1e3 * ours[:, component], lw=1, label=name)
            axis.plot(
                east[::12] / 1e3, 1e3 * closed[::12, component], "o", ms=3, color=line.get_color()
            )
        axis.set_title(f"{title}\nlargest difference {error:.0e}", fontsize=9)
        axis.set_xlabel("east, km", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("displacement, mm", fontsize=8)
    axes[0].legend(fontsize=7)
    _save(figure, "physics_sources.png")


def draw_noise() -> None:
    """Phase noise against its density, and turbulence against its power laws."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    levels = np.linspace(0.02, 0.97, 40)
    theory = [_deviation(level, LOOKS) for level in levels]
    left.semilogy(levels, theory, lw=1, label=f"Just & Bamler, {LOOKS} looks")
    rng = np.random.default_rng(0)
    drawn = [
        np.angle(draw_looks(rng, np.full((100, 200), level)).cross).std() for level in levels[::3]
    ]
    left.semilogy(levels[::3], drawn, "o", ms=3, label="drawn")
    left.set_xlabel("coherence")
    left.set_ylabel("phase deviation, rad")
    left.legend(fontsize=8)
    grid = FrameGrid.around(13.6, 40.6, 512, 512)
    pixel_km = grid.pixel_m[0] / 1e3
    lags = np.unique(np.geomspace(1, 300, 24).astype(int))
    structure = np.zeros(len(lags))
    for _ in range(8):
        delay = draw_turbulence(rng, grid)
        structure += [np.mean((delay[lag:] - delay[:-lag]) ** 2) for lag in lags]
    distance = lags * pixel_km
    deviation = 1e3 * np.sqrt(structure / 8)
    right.loglog(distance, deviation, "o", ms=3, label="eight drawn dates")
    near = np.argmin(np.abs(distance - 1))
    scale = deviation[near] * (distance / distance[near]) ** (5 / 6)
    right.loglog(distance, scale, "--", lw=1, label="distance$^{5/6}$ (spectrum $k^{-8/3}$)")
    far = np.argmin(np.abs(distance - 12))
    scale = deviation[far] * (distance / distance[far]) ** (1 / 3)
    right.loglog(distance, scale, ":", lw=1, label="distance$^{1/3}$ (spectrum $k^{-5/3}$)")
    right.set_xlabel("distance, km")
    right.set_ylabel("rms difference of delay, mm")
    right.legend(fontsize=8)
    _save(figure, "physics_noise.png")


def draw_interferograms() -> None:
    """A deforming and a quiet pair of one frame, taken apart."""
    (plan,) = plan_frames(1, seed=0, height=192, width=256, acquisitions=140, neighbours=4)
    scene = Scene(plan)
    summit = scene.terrain.dem > np.quantile(scene.terrain.dem, 0.97)

    def stratification(pair: tuple[int, int]) -> float:
        i, j = pair
        return float(np.ptp((scene.date(j).stratified - scene.date(i).stratified)[summit]))

    quiet = max(scene.quiet_pairs()[:60], key=stratification)
    moving = max(plan.pairs[:80], key=lambda p: np.abs(np.diff(scene.strengths[:, p])).max())
    figure, axes = plt.subplots(2, 6, figsize=(11, 3.1), layout="constrained")
    for row, pair in zip(axes, (moving, quiet), strict=True):
        made = scene.interferogram(pair)
        annotation, masks = annotate(scene, made, pair, 1, None)
        outside = ~scene.swath.inside
        parts = {
            "deformation": made.motion,
            "stratified air": made.stratified - made.stratified[scene.visible].mean(),
            "turbulent air": made.turbulent,
            "interferogram": made.phase,
        }
        for axis, (title, phase) in zip(row, parts.items(), strict=False):
            shown = np.where(outside & (title == "interferogram"), np.nan, wrap(phase))
            axis.imshow(shown, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi, interpolation="nearest")
            axis.set_title(title, fontsize=8)
        row[4].imshow(made.coherence, cmap="gray", vmin=0, vmax=255)
        row[4].set_title("coherence", fontsize=8)
        row[5].imshow(scene.terrain.dem, cmap=cm.grayC)
        row[5].imshow(
            np.where(masks["deformation_mask"] > 0, 1.0, np.nan), cmap="autumn", alpha=0.7
        )
        kinds = ", ".join(sorted(set(annotation.activity_types))) or "none"
        row[5].set_title(f"mask: {kinds}", fontsize=8)
    for axis in axes.ravel():
        axis.set_axis_off()
    _save(figure, "physics_interferograms.png")


def draw_simulated_beside_real() -> None:
    """Real crops, simulated ones, and each row of the table of `realism.py` for both."""
    real, simulated = real_crops(), simulated_crops(frames=6, pairs=2)
    if not real:
        print(f"no real crops in {REAL}: physics_real.png is left as it is")
        return
    figure = plt.figure(figsize=(12, 7.4), layout="constrained")
    pictures, rows = figure.subfigures(1, 2, width_ratios=[1.5, 1])
    axes = pictures.subplots(4, 4)
    for top, name, crops in ((0, "real", real), (2, "simulated", simulated)):
        for column, crop in enumerate(crops[:: len(crops) // 4][:4]):
            _show(axes[top, column], axes[top + 1, column], crop)
        axes[top, 0].text(
            -0.08, 0, name, rotation=90, va="center", ha="right", transform=axes[top, 0].transAxes
        )
    _compare_rows(rows.subplots(), [measure(c) for c in real], [measure(c) for c in simulated])
    pictures.supxlabel(
        "real ones: COMET LiCSAR, contain modified Copernicus Sentinel data; Hephaestus Minicubes, "
        "Orion Lab",
        fontsize=7,
    )
    _save(figure, "physics_real.png")


def _show(above: plt.Axes, below: plt.Axes, crop: Crop) -> None:
    """Phase above coherence, white outside the swath."""
    phase = np.where(crop.nodata, np.nan, crop.phase)
    above.imshow(phase, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi, interpolation="nearest")
    coherence = np.where(crop.nodata, np.nan, crop.coherence)
    below.imshow(coherence, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    above.set_title(crop.name.replace("_", " "), fontsize=7)
    for axis in (above, below):
        axis.set_axis_off()


def _compare_rows(axis: plt.Axes, real: list[dict], simulated: list[dict]) -> None:
    """For each row its 10 to 90 % quantiles, with the median, where the real ones span 0 to 1."""
    names = list(simulated[0])
    for place, name in enumerate(reversed(names)):
        spans = [
            np.nanpercentile([row[name] for row in crops], [10, 50, 90])
            for crops in (real, simulated)
        ]
        low, high = spans[0][0], spans[0][2]
        for shift, colour, span in ((0.15, "tab:blue", spans[0]), (-0.15, "tab:orange", spans[1])):
            start, middle, end = (span - low) / max(high - low, 1e-9)
            axis.plot([start, end], [place + shift] * 2, color=colour, lw=3, solid_capstyle="butt")
            axis.plot(middle, place + shift, "k|", ms=7)
    axis.axvspan(0, 1, color="0.93", zorder=0)
    axis.set_xlim(-1.5, 2.5)
    axis.set_yticks(range(len(names)), reversed(names), fontsize=7)
    axis.set_xticks([0, 1], ["real 10 %", "real 90 %"], fontsize=7)
    axis.set_title("blue: real, orange: simulated", fontsize=8)


def _deviation(c: float, looks: int) -> float:
    """Standard deviation of the phase by the density of Just & Bamler (1994)."""

    def density(phi: float) -> float:
        b = c * np.cos(phi)
        first = gamma(looks + 0.5) * (1 - c**2) ** looks * b
        first /= 2 * np.sqrt(np.pi) * gamma(looks) * (1 - b**2) ** (looks + 0.5)
        return first + (1 - c**2) ** looks / (2 * np.pi) * hyp2f1(looks, 1, 0.5, b**2)

    return float(np.sqrt(quad(lambda phi: phi**2 * density(phi), -np.pi, np.pi, limit=200)[0]))


def _save(figure: plt.Figure, name: str) -> None:
    FIGURES.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    # Noise does not compress; a palette of its own colours halves the file.
    Image.open(buffer).convert("RGB").quantize(224).save(FIGURES / name, optimize=True)
    print(FIGURES / name)


if __name__ == "__main__":
    draw_sources()
    draw_noise()
    draw_interferograms()
    draw_simulated_beside_real()
