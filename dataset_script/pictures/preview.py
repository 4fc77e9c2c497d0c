"""Small pictures of a sample, for eyes and for the Hub's viewer."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from datasets import Features, Image, Value

from dataset_script.pictures.colour_tables import colour_table
from dataset_script.rows.features import annotation_features
from dataset_script.rows.tables import Row

PICTURE = 192
"""Most pixels along the side of one step's picture."""

_COLOURS, _NODATA, _OUTLINE = 254, 254, 255
"""Places in the palette."""

_WORDS = (
    "sample_id",
    "frame_id",
    "volcanoes",
    "primary_date",
    "secondary_dates",
    "label",
    "labels",
    "activity_types",
    "intensity_levels",
    "phases",
    "captions",
)

PREVIEW_FEATURES = Features(
    {
        "phase": Image(),
        "coherence": Image(),
        **{name: annotation_features()[name] for name in _WORDS},
        "deformed_pixels": Value("int32"),
    }
)
"""`phase`: the steps side by side, in cyclic colours, the deformation mask outlined; `coherence`:
the same steps in grey."""


def preview_row(row: Row) -> dict[str, Any]:
    """A row's pictures, labels, captions and dates.

    Args:
        row: A row of the dataset; phase and coherence may be missing.

    Returns:
        A row of `PREVIEW_FEATURES`.
    """
    mask = row["deformation_mask"]
    phase, coherence = row.get("insar_difference"), row.get("insar_coherence")
    return {
        "phase": None if phase is None else _image(phase_strip(phase, mask), palette()),
        "coherence": None if coherence is None else _image(_grey(coherence)),
        **{name: row[name] for name in _WORDS},
        "deformed_pixels": int((mask > 0).any(axis=0).sum()),
    }


def phase_strip(phase: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The steps of a series side by side, in cyclic colours, with the outline of the mask.

    Args:
        phase: (T, H, W) wrapped phase, rad; exactly 0 is outside the swath, and drawn grey.
        mask: (T, H, W), 0 where nothing deforms.

    Returns:
        uint8 (h, w), places in `palette`; each step has at most `PICTURE` pixels a side.
    """
    east, north = _shrink(np.cos(phase)), _shrink(np.sin(phase))
    turn = np.arctan2(north, east) / (2 * np.pi) + 0.5
    places = (np.floor(turn * _COLOURS) % _COLOURS).astype(np.uint8)
    places[_shrink(phase == 0, np.logical_and)] = _NODATA
    places[edge_pixels(_shrink(mask > 0, np.logical_or))] = _OUTLINE
    return _strip(places)


@functools.cache
def palette() -> np.ndarray:
    """The colours of a phase picture: Crameri's romaO from -pi to pi, then grey and black.

    Returns:
        uint8 (256, 3).
    """
    table = colour_table("romaO")
    cyclic = table[np.arange(_COLOURS) * len(table) // _COLOURS]
    return np.round(255 * np.concatenate([cyclic, [[0.5] * 3, [0.0] * 3]])).astype(np.uint8)


def _grey(coherence: np.ndarray) -> np.ndarray:
    sums = _shrink(coherence.astype(np.float32))
    return _strip(sums / (_shrink(np.ones((1, *coherence.shape[1:]), np.float32)))[0, 0, 0])


def edge_pixels(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask that touch a pixel outside it, by (H, W) plane of a (T, H, W) mask."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return mask & ~inner


def _shrink(planes: np.ndarray, combine: np.ufunc = np.add) -> np.ndarray:
    """Combine blocks of pixels so that (T, H, W) planes fit the picture; a remainder is cut."""
    block = -(-max(planes.shape[1:]) // PICTURE)
    height, width = (side // block for side in planes.shape[1:])
    cut = planes[:, : height * block, : width * block]
    # Rows first: adding whole rows is fast, and leaves little for the columns.
    rows = combine.reduce(cut.reshape(len(cut), height, block, width * block), axis=2)
    return combine.reduce(rows.reshape(len(cut), height, width, block), axis=3)


def _strip(planes: np.ndarray) -> np.ndarray:
    return np.concatenate(list(planes), axis=1)


def _image(pixels: np.ndarray, colours: np.ndarray | None = None) -> dict[str, Any]:
    from PIL import Image as Picture

    picture = Picture.fromarray(pixels.astype(np.uint8))
    if colours is not None:
        picture.putpalette(colours.tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}
