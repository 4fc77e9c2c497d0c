"""The scale of a coherence, decided for each file by all its pixels; and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hub.scenes.checks import SceneError
from hub.scenes.rasters.raster import Raster

_FEW = 0.001
"""Share of pixels that may lie above the scale, by rounding or resampling."""

_INSIST = "say which with --coherence-scale"


@dataclass(frozen=True, eq=False)
class Coherence:
    """A coherence on the scale of training.

    Attributes:
        values: uint8 [H, W], 0..255; 0 where it is unknown.
        notes: What was odd and what was done about it.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()


def to_bytes(raster: Raster, scale: float | None = None) -> Coherence:
    """Bring a coherence to 0..255.

    Whole numbers are on 0..255 and fractions on 0..1 or 0..255; a few pixels above are clipped.
    What fills 0..100 or 0..1000 is refused by name, for 0..255 would halve or quarter it silently.

    Args:
        raster: As read, NaN for no data.
        scale: What a coherence of 1 is stored as, to insist on it.

    Raises:
        SceneError: If the scale is none that is known, or values are negative.
    """
    values = raster.values
    if values.dtype == np.bool_:
        raise SceneError(f"{raster.shown} holds true and false, so it is no coherence")
    data = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not data.size:
        return Coherence(np.zeros(values.shape, np.uint8), (f"{raster.shown} has no data",))
    low, high = _but_few(data)
    if low < -0.01 * max(high, 1):
        raise SceneError(
            f"{raster.shown}: coherence runs from {float(data.min()):g} to {float(data.max()):g}; "
            f"it is 0..1 or 0..255, never negative; {_INSIST}"
        )
    notes: list[str] = []
    if scale is None:
        scale, notes = _scale_of(raster, data, high)
    over = int((data > scale * 1.0000001).sum())
    if over and float(data.max()) > scale * 1.001:
        notes.append(
            f"coherence: {over} pixel{'s' if over > 1 else ''} above {scale:g} "
            f"(up to {float(data.max()):g}) set to {scale:g} ({raster.shown})"
        )
    if values.dtype == np.uint8 and scale == 255:
        return Coherence(values, tuple(notes))
    brought = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    brought = np.clip(brought * np.float32(255 / scale), 0, 255)
    return Coherence(np.rint(brought).astype(np.uint8), tuple(notes))


def _but_few(data: np.ndarray) -> tuple[float, float]:
    """The range of all but a few pixels: three at least are never believed alone."""
    spare = max(3, int(_FEW * data.size)) if data.size > 100 else 0
    if not spare:
        return float(data.min()), float(data.max())
    ordered = np.partition(data, (spare, data.size - 1 - spare))
    return float(ordered[spare]), float(ordered[data.size - 1 - spare])


def _scale_of(raster: Raster, data: np.ndarray, high: float) -> tuple[float, list[str]]:
    most = float(data.max())
    runs = f"{raster.shown}: coherence runs up to {most:g}"
    if raster.whole:
        if high > 1000:
            raise SceneError(f"{runs} in whole numbers, on a scale that is not known; {_INSIST}")
        if high > 255:
            raise SceneError(f"{runs} in whole numbers, so it is on 0..1000, not 0..255; {_INSIST}")
        # Percent pile up below 100; on 0..255 no ground stops there.
        if 80 <= high <= 100 and most <= 100:
            raise SceneError(f"{runs} in whole numbers, so it is on 0..100, not 0..255; {_INSIST}")
        if 1 < high < 80:
            return 255.0, [
                f"coherence reaches only {high:g} of 255; if it is in percent, say "
                f"--coherence-scale 100 ({raster.shown})"
            ]
        return 255.0, []
    if high <= 1.05:
        return 1.0, []
    if high <= 100.5:
        raise SceneError(f"{runs}, so it is on 0..100, not on 0..1 or 0..255; {_INSIST}")
    if high <= 255.5:
        return 255.0, []
    if high <= 1000.5:
        raise SceneError(f"{runs}, so it is on 0..1000, not on 0..1 or 0..255; {_INSIST}")
    raise SceneError(f"{runs}; it is 0..1 or 0..255; {_INSIST}")


def doubts_of(coherence: np.ndarray, phase: np.ndarray) -> str | None:
    """Why a coherence contradicts its phase, or None.

    Decorrelated ground is rough: a phase that is smooth where the coherence is 0 has another
    coherence, on another scale or of another pair.

    Args:
        coherence: uint8 [H, W].
        phase: Wrapped phase in radians [H, W], NaN for no data.
    """
    valid = np.isfinite(phase) & (phase != 0)
    if valid.sum() < 16:
        return None
    counts = np.bincount(coherence[valid], minlength=256)
    levels = np.flatnonzero(counts).tolist()
    if levels == [0]:
        return "it is 0 wherever there is phase"
    if levels[-1] == 1:
        return "it holds only 0 and 1 of 255"
    if levels == [0, 255]:
        return "it holds only 0 and 1, a mask"
    if 2 * counts[0] < counts.sum():
        return None
    zero = valid & (coherence == 0)
    pairs = zero[:, 1:] & zero[:, :-1]
    steps = np.diff(phase, axis=1)[pairs]
    if steps.size < 16:
        return None
    roughness = float(np.median(np.abs(np.arctan2(np.sin(steps), np.cos(steps)))))
    # Noise steps by pi / 2 in the median; filtered noise still by a good part of it.
    return "it is 0 at most pixels where the phase is smooth" if roughness < 0.4 else None
