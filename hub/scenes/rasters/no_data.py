"""Pixels without data, however a file marks them: never to be taken for a phase."""

from __future__ import annotations

import numpy as np

SENTINELS = (-9999.0, -99999.0, -999.0, -32768.0, -32767.0, 9999.0, 99999.0, 32767.0)
"""Values that stand for no data by habit, where a file carries no tag. No float phase is a whole
number by chance, and no coherence is any of them."""

LIMITS = {"phase": 1e5, "coherence": 1e4, "elevation": 12_000.0, "amplitude": 1e15}
"""Beyond these nothing is a measurement: 1e20, -3.4e38 and 9.97e36 (netCDF's) are fill values."""


_APART = 0.01
"""Share of the range of all other values by which a stored fill value lies beyond them."""


def stored_fill(values: np.ndarray) -> np.ndarray:
    """Where stored numbers that a scale turns into others are fill values.

    Any whole number may be a measurement there: 9999 of 10,000 is a coherence. So a sentinel counts
    where it lies beyond all other values.

    Args:
        values: As they are stored, real, [H, W].

    Returns:
        bool [H, W].
    """
    fill = ~np.isfinite(values)
    if values.dtype.kind == "i":
        fill |= values == np.iinfo(values.dtype).min
    for sentinel in SENTINELS:
        at = values == sentinel
        if not at.any():
            continue
        rest = values[~(at | fill)].astype(np.float64)
        gap = _APART * np.ptp(rest) if rest.size else 0.0
        if not rest.size or sentinel < rest.min() - gap or sentinel > rest.max() + gap:
            fill |= at
    return fill


_REPEATED = 0.01
"""Share of the pixels from which on one exact value, where no other repeats so, is a fill value."""
_LOOKED_AT = 1_000_000


def repeated_value(values: np.ndarray) -> float | None:
    """A number other than 0 that stands where a continuous field would never repeat it, or None.

    Fields of few different values, as those that were 8 bits once, repeat all of them: in those
    nothing is found.

    Args:
        values: In floating point, [H, W].
    """
    rows = max(1, values.size // _LOOKED_AT)
    seen = values[::rows]
    seen = seen[np.isfinite(seen) & (seen != 0)]
    if seen.size < 1000:
        return None
    found, counts = np.unique(seen, return_counts=True)
    if len(found) < 2:
        return None
    second, most = np.partition(counts, -2)[-2:]
    if most < _REPEATED * seen.size or second > 0.02 * most:
        return None
    return float(found[counts.argmax()])


def without_sentinels(values: np.ndarray, role: str, unit: float = 1.0) -> np.ndarray:
    """Values with NaN in the place of infinities, fill values and untagged sentinels.

    Args:
        values: Real numbers of any type, [H, W].
        role: A key of `LIMITS`; the real and the imaginary part are an "amplitude".
        unit: What 1 is in the unit of the limit: 0.3048 of an elevation in feet.

    Returns:
        The array itself where it has none, else a copy in floating point.
    """
    if values.dtype.kind == "b" or values.dtype == np.uint8:
        return values
    sentinels = SENTINELS[:5] if role == "elevation" else SENTINELS
    with np.errstate(invalid="ignore"):
        # Of whole numbers the least has no absolute value of its own type.
        real = values if values.dtype.kind == "f" else values.astype(np.float64)
        bad = ~(np.abs(real) <= LIMITS[role] / unit)
        low, high = (values.min(), values.max()) if values.size else (0, 0)
        for sentinel in sentinels:
            # What lies outside of the range is not looked for: a frame is large.
            if not (sentinel < low or sentinel > high):
                bad |= values == sentinel
    if not bad.any():
        return values
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)
    return np.where(bad, kind.type(np.nan), values.astype(kind))
