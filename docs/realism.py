"""Measure how far simulated interferograms are like real ones: `python docs/realism.py`.

Every row of the table is measured on each crop apart; what is printed are the 10, 50 and 90 %
quantiles over the crops. Real crops are those of `../shared/real/crops` or of `--real FOLDER`
(`.npz` with `insar_difference` in radians, `insar_coherence` 0..255, `nodata` and `outline`).
Simulated ones are pairs with deformation, of frames of their own seed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dataset_script.synthetic.frames import plan_frames  # noqa: E402
from dataset_script.synthetic.labels.annotating import annotate  # noqa: E402
from dataset_script.synthetic.scene import Scene  # noqa: E402

REAL = ROOT.parent / "shared" / "real" / "crops"
SIZE = 512
SEED = 7
SHOWN_FRINGES = 0.8
"""Simulated pairs whose deformation has a lower peak are passed over: all real crops show it."""
NEAR_PIXELS = 10
COHERENT = 64
PATCH = 64
LAGS = range(4, 200, 4)


@dataclass(frozen=True)
class Crop:
    """An interferogram with its deformation outlined; every array is (H, W).

    Attributes:
        name: What to call it.
        phase: Radians.
        coherence: 0..255, float32.
        nodata: Outside the swath.
        outline: Deforming ground.
    """

    name: str
    phase: np.ndarray
    coherence: np.ndarray
    nodata: np.ndarray
    outline: np.ndarray


def real_crops(folder: Path = REAL) -> list[Crop]:
    """Read the real crops; none where the folder does not exist."""
    crops = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            crops.append(
                Crop(
                    path.stem,
                    file["insar_difference"],
                    file["insar_coherence"].astype(np.float32),
                    file["nodata"],
                    file["outline"],
                )
            )
    return crops


def simulated_crops(frames: int, pairs: int, size: int = SIZE, seed: int = SEED) -> list[Crop]:
    """Simulate some pairs with visible deformation of each of some frames."""
    crops = []
    for plan in plan_frames(frames, seed, size, size, acquisitions=40, neighbours=4):
        scene = Scene(plan)
        change = [np.abs(scene.strengths[:, j] - scene.strengths[:, i]) for i, j in plan.pairs]
        moving = [p for p, c in zip(plan.pairs, change, strict=True) if c.max() > SHOWN_FRINGES]
        chosen = np.random.default_rng(seed).permutation(len(moving))[:pairs]
        for pair in (moving[k] for k in chosen):
            made = scene.interferogram(pair)
            mask = annotate(scene, made, pair, 1, None)[1]["deformation_mask"] > 0
            name = f"{plan.climate.name}, {(plan.dates[pair[1]] - plan.dates[pair[0]]).days} d"
            crops.append(Crop(name, made.phase, made.coherence, ~scene.swath.inside, mask))
    return crops


def measure(crop: Crop) -> dict[str, float]:
    """Measure the rows of the table on one crop; NaN where it has too few pixels for one."""
    phase, coherence = crop.phase.astype(float), crop.coherence.astype(float)
    valid, level = ~crop.nodata, coherence[~crop.nodata]
    median = ndimage.median_filter(coherence, 5)
    land = valid & (median >= 16)
    near = ndimage.binary_dilation(crop.outline, iterations=NEAR_PIXELS)
    unit = np.exp(1j * phase) * valid
    rows = {
        "coherence under 16, % of the data": 100 * np.mean(level < 16),
        "coherence 16 to 64, %": 100 * np.mean((level >= 16) & (level < 64)),
    }
    for quantile in (25, 50, 75, 95):
        rows[f"land coherence, quantile {quantile}"] = float(
            np.percentile(coherence[land], quantile)
        )
    jump = ndimage.maximum_filter(median, 5) - ndimage.minimum_filter(median, 5)
    rows["at a sharp coherence edge, %"] = 100 * np.mean(jump[valid] > 100)
    rest = coherence - ndimage.median_filter(coherence, 3)
    rows["coherence minus its 3 x 3 median, deviation"] = rest[valid].std()
    rows["coherence autocorrelation at 1 pixel"] = _autocorrelation(coherence, land, 1)
    rows["coherence autocorrelation 1/e, pixels"] = next(
        (lag for lag in LAGS if _autocorrelation(coherence, land, lag) < np.exp(-1)), LAGS[-1]
    )
    quiet = valid & ~near
    rows["phase noise, correlation of neighbours"] = _noise_correlation(
        unit, quiet & (coherence >= COHERENT)
    )
    second = np.angle(unit[:, 2:] * unit[:, :-2] * unit[:, 1:-1].conj() ** 2) / np.sqrt(6)
    inner = quiet[:, 1:-1] & valid[:, 2:] & valid[:, :-2]
    for low, high in ((32, 48), (192, 224)):
        chosen = inner & (median[:, 1:-1] >= low) & (median[:, 1:-1] < high)
        rows[f"phase noise at coherence {low}..{high}, rad"] = (
            second[chosen].std() if chosen.sum() > 200 else np.nan
        )
    rows["spectral power above 1/4 cycle, coherent land"] = _high_power(
        unit, quiet & (coherence >= 100)
    )
    fringes = _fringe_rate(unit)
    clear = coherence >= COHERENT
    for place, pixels in (("inside", crop.outline & valid & clear), ("outside", quiet & clear)):
        for quantile in (50, 90):
            rows[f"fringes per 100 pixels {place}, quantile {quantile}"] = (
                float(np.percentile(fringes[pixels], quantile)) if pixels.any() else np.nan
            )
    inside = crop.outline & valid
    ring = near & ~crop.outline & land
    rows["coherence inside the deformation"] = coherence[inside].mean() if inside.any() else np.nan
    rows["the same around it"] = coherence[ring].mean() if ring.any() else np.nan
    rows["nodata, %"] = 100 * crop.nodata.mean()
    return {name: float(value) for name, value in rows.items()}


def _autocorrelation(values: np.ndarray, where: np.ndarray, lag: int) -> float:
    rest = np.where(where, values - values[where].mean(), 0)
    products = []
    for field, mask in ((rest, where), (rest.T, where.T)):
        both = mask[:, lag:] & mask[:, :-lag]
        products.append(np.mean((field[:, lag:] * field[:, :-lag])[both]))
    return float(np.mean(products) / values[where].var())


def _noise_correlation(unit: np.ndarray, where: np.ndarray) -> float:
    """Correlation between columns of the phase minus its Gaussian mean (3 pixels)."""
    rest = np.angle(unit * _smooth(unit, 3).conj())
    both = where[:, 1:] & where[:, :-1]
    return float(np.corrcoef(rest[:, 1:][both], rest[:, :-1][both])[0, 1])


def _smooth(unit: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(unit.real, sigma) + 1j * ndimage.gaussian_filter(
        unit.imag, sigma
    )


def _high_power(unit: np.ndarray, where: np.ndarray) -> float:
    """Share of the power of exp(i phase) above 1/4 cycle a pixel, in patches that are whole."""
    taper = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    frequency = np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.fftfreq(PATCH)[None])
    shares = []
    for top in range(0, unit.shape[0] - PATCH + 1, PATCH // 2):
        for left in range(0, unit.shape[1] - PATCH + 1, PATCH // 2):
            part = np.s_[top : top + PATCH, left : left + PATCH]
            if where[part].mean() > 0.98:
                power = np.abs(np.fft.fft2(unit[part] * taper)) ** 2
                shares.append(power[frequency > 0.25].sum() / power.sum())
    return float(np.mean(shares)) if shares else np.nan


def _fringe_rate(unit: np.ndarray) -> np.ndarray:
    """Fringes per 100 pixels, by the steps of exp(i phase) averaged over 5 x 5 pixels."""
    mean = ndimage.uniform_filter(unit.real, 5) + 1j * ndimage.uniform_filter(unit.imag, 5)
    steps = [np.angle(np.roll(mean, -1, axis) * mean.conj()) for axis in (0, 1)]
    return np.hypot(*steps) * 100 / (2 * np.pi)


def table(real: list[dict[str, float]], simulated: list[dict[str, float]]) -> str:
    """Lay the rows out as Markdown.

    The last column says whether the simulated median lies between the real 10 and 90 % quantiles.
    """
    lines = [
        "| quantiles 10 / 50 / 90 % over the crops | real | simulated | within |",
        "| --- | --- | --- | --- |",
    ]
    for name in simulated[0]:
        spreads = [_spread(rows, name) for rows in (real, simulated)]
        columns = [" / ".join(f"{value:.3g}" for value in s) or "not at hand" for s in spreads]
        within = ""
        if all(spreads):
            within = "yes" if spreads[0][0] <= spreads[1][1] <= spreads[0][2] else "no"
        lines.append(f"| {name} | {columns[0]} | {columns[1]} | {within} |")
    return "\n".join(lines)


def _spread(rows: list[dict[str, float]], name: str) -> list[float]:
    """The 10, 50 and 90 % quantiles over the crops; nothing where no crop could be measured."""
    values = [row[name] for row in rows if np.isfinite(row[name])]
    return [float(q) for q in np.percentile(values, [10, 50, 90])] if values else []


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, default=REAL, help="folder of real crops")
    parser.add_argument("--frames", type=int, default=6, help="simulated frames")
    parser.add_argument("--pairs", type=int, default=2, help="pairs of each")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels along a side")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the simulated frames")
    options = parser.parse_args()
    real = real_crops(options.real)
    if not real:
        print(f"no real crops in {options.real}: the table has simulated ones alone\n")
    simulated = simulated_crops(options.frames, options.pairs, options.size, options.seed)
    print(table([measure(crop) for crop in real], [measure(crop) for crop in simulated]))


if __name__ == "__main__":
    main()
