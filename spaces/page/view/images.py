"""Rasters as small pictures: cyclic phase, coherence, probability, terrain and mask outline.

Every picture is an indexed PNG in memory; its sides are at most `LONGEST_SIDE` pixels. Colour
maps are Crameri's: perceptually even and safe for colour-blind
eyes; the outline is drawn light on dark so that it stands out from any of them.
"""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
from PIL import Image
from scipy import ndimage

from dataset_script.pictures.colours import colour_map
from dataset_script.pictures.relief import hillshade

LONGEST_SIDE = 768
NOTHING = 255
"""Palette index of a pixel without data: transparent."""

_CASING, _CORE, _KNOWN = (16, 16, 16), (255, 255, 255), (255, 207, 51)


@cache
def palette(name: str) -> np.ndarray:
    """Colours of a map of cmcrameri, uint8 [255, 3]."""
    colours = colour_map(name)(np.linspace(0, 1, NOTHING))[:, :3]
    return (colours * 255).round().astype(np.uint8)


def gradient(name: str, stops: int = 13) -> str:
    """The map as a CSS gradient, left to right, for a legend."""
    colours = palette(name)[np.linspace(0, NOTHING - 1, stops).round().astype(int)]
    return (
        f"linear-gradient(to right, {', '.join(f'#{bytes(colour).hex()}' for colour in colours)})"
    )


def shrink(raster: np.ndarray) -> np.ndarray:
    """Every n-th pixel of [H, W], so that no side exceeds `LONGEST_SIDE`.

    Picking pixels is the one reduction that is right for phase, masks and noise alike: it
    averages nothing across a wrap.
    """
    stride = -(-max(raster.shape) // LONGEST_SIDE)
    return raster[::stride, ::stride]


def data_uri(png: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def coloured(
    raster: np.ndarray, nodata: np.ndarray, low: float, high: float, colours: str
) -> Image.Image:
    """A raster through a colour map.

    Args:
        raster: Values [H, W].
        nodata: True where transparent, bool [H, W].
        low: Value of the first colour.
        high: Value of the last.
        colours: Name of the map.

    Returns:
        An indexed image, at most `LONGEST_SIDE` long.
    """
    values, hidden = shrink(raster).astype(np.float32), shrink(nodata)
    scaled = np.clip((values - low) / (high - low), 0, 1) * (NOTHING - 1)
    hidden = hidden | ~np.isfinite(scaled)
    indices = np.where(hidden, NOTHING, np.nan_to_num(scaled).round()).astype(np.uint8)
    image = Image.fromarray(indices)
    image.putpalette([*palette(colours).ravel().tolist(), 0, 0, 0])
    image.info["transparency"] = NOTHING
    return image


def phase(raster: np.ndarray, nodata: np.ndarray) -> bytes:
    """Wrapped phase, radians [H, W], on the cyclic map romaO over [-pi, pi]."""
    return _png(coloured(raster, nodata, -np.pi, np.pi, "romaO"), transparency=NOTHING)


def coherence(raster: np.ndarray, nodata: np.ndarray) -> bytes:
    """Coherence on the 0..255 scale [H, W], black to white."""
    return _png(coloured(raster, nodata, 0, 255, "grayC"), transparency=NOTHING)


def probability(raster: np.ndarray, nodata: np.ndarray) -> bytes:
    """Probability 0..1 [H, W], dark to light."""
    return _png(coloured(raster, nodata, 0, 1, "lajolla"), transparency=NOTHING)


def phase_over_terrain(
    raster: np.ndarray, dem: np.ndarray | None, nodata: np.ndarray, pixel_metres: float
) -> bytes:
    """Translucent phase over the hillshade; terrain alone where there is no phase.

    Args:
        raster: Wrapped phase in radians [H, W].
        dem: Elevation in metres [H, W], or None: the phase is then drawn on flat grey.
        nodata: True where there is no phase, bool [H, W].
        pixel_metres: Side of a pixel on the ground.
    """
    shade = np.full(raster.shape, 0.5)
    if dem is not None:
        # Twice the height: a volcano's flank of 10 degrees is otherwise hard to see.
        shade = np.nan_to_num(hillshade(dem, pixel_metres, exaggeration=2), nan=0.5)
    grey = np.repeat(shrink(shade)[..., None] * 255, 3, axis=2)
    over = coloured(raster, nodata, -np.pi, np.pi, "romaO").convert("RGB")
    opacity = np.where(shrink(nodata), 0.0, 0.55)[..., None]
    mixed = (1 - opacity) * grey + opacity * np.asarray(over)
    return _png(Image.fromarray(mixed.round().astype(np.uint8)).quantize(256))


def outline(mask: np.ndarray, reference: np.ndarray | None = None) -> bytes:
    """The borders of masks on a transparent ground, each light in a dark casing.

    Args:
        mask: Drawn as a white line, bool [H, W].
        reference: Drawn as a yellow, dashed line below it, bool [H, W].

    Returns:
        A picture of at least half of `LONGEST_SIDE`, so that lines are thin on small crops too.
    """
    core, casing = _border(mask)
    layers, values = [core, casing], [2, 1]
    if reference is not None:
        known, around = _border(reference)
        rows, columns = np.indices(known.shape)
        dashes = (rows + columns) // 8 % 2 == 0
        layers += [known & dashes, around & dashes]
        values += [3, 1]
    image = Image.fromarray(np.select(layers, values, 0).astype(np.uint8))
    image.putpalette([0, 0, 0, *_CASING, *_CORE, *_KNOWN])
    return _png(image, transparency=0)


def _border(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line just inside a mask, closed at the picture's edge, and its casing on both sides."""
    small = shrink(mask)
    factor = max(1, LONGEST_SIDE // max(small.shape))
    large = np.kron(small, np.ones((factor, factor), bool))
    inner = ndimage.binary_erosion(large, iterations=2)
    inmost = ndimage.binary_erosion(large, iterations=4)
    outer = ndimage.binary_dilation(large, iterations=2)
    return large & ~inner, (outer & ~large) | (inner & ~inmost)
