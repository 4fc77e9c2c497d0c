"""To the training's pixels and back: any CRS, any pixel size.

Wrapped phase is never interpolated as a number: its cosine and sine are, and the angle is taken
of the result, so that the jump from pi to -pi stays where it belongs. GDAL widens its bilinear
kernel when pixels grow, which makes a coarser phase the multilooked one.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject, transform_bounds

from hub.scenes.checks import SceneError, require_size
from hub.scenes.scene import Scene

TRAINING_CRS = "EPSG:4326"
RESAMPLED = 3
"""Factor between the input's pixels and the training's beyond which an answer says so."""

PixelGrid = tuple[Affine, str, tuple[int, int]]
"""Transform, CRS, and (height, width)."""


def on_training_pixels(scene: Scene, pixel_size: float) -> bool:
    """Whether a scene's pixels are the training's: north up, in degrees, within 1 % in size.

    A scene without georeference is taken to be so.
    """
    if scene.transform is None or scene.crs is None:
        return True
    a, b, _, d, e, _ = scene.transform[:6]
    square = b == d == 0 and abs(a / pixel_size - 1) < 0.01 and abs(-e / pixel_size - 1) < 0.01
    return square and CRS.from_user_input(scene.crs) == CRS.from_string(TRAINING_CRS)


def size_notes(scene: Scene, worked: Scene, window: int) -> list[str]:
    """What a scene's size or pixels take from an answer.

    Args:
        scene: As it came.
        worked: On the training's pixels.
        window: Side of a window of the model, in training pixels.
    """
    notes = []
    if worked.height < window or worked.width < window:
        notes.append(
            f"the scene has {worked.height} x {worked.width} of the training's pixels, less than "
            f"one window of the model ({window} x {window}): what lies around it is unknown"
        )
    factor = math.sqrt(worked.height * worked.width / (scene.height * scene.width))
    if not 1 / RESAMPLED < factor < RESAMPLED:
        how, times = ("coarser", factor) if factor > 1 else ("finer", 1 / factor)
        notes.append(
            f"the input's pixels are {times:.1f} times {how} than the training's: "
            + ("fringes may be lost" if factor > 1 else "small deformation may be averaged out")
        )
    return notes


def to_training_pixels(scene: Scene, pixel_size: float, max_pixels: int) -> Scene:
    """Resample a scene to training pixels.

    Args:
        scene: Any scene.
        pixel_size: Side of a training pixel in degrees.
        max_pixels: Largest height x width to make.

    Returns:
        The scene itself if it is on such pixels, else a new one whose grid starts at multiples
        of `pixel_size`, so that neighbouring scenes share it. The reference mask stays behind.

    Raises:
        SceneError: If the scene lies nowhere on Earth, or the result is too large.
    """
    if on_training_pixels(scene, pixel_size):
        return scene
    grid = _covering_grid(scene, pixel_size)
    _, _, (height, width) = grid
    require_size(f"{scene.name} on the training's pixels", height, width, max_pixels)
    phase = np.zeros((scene.steps, height, width), np.float32)
    coherence = None if scene.insar_coherence is None else np.zeros(phase.shape, np.uint8)
    absent = np.zeros(phase.shape, bool)
    for step in range(scene.steps):
        angle = scene.insar_difference[step]
        planes = [np.cos(angle), np.sin(angle)]
        if scene.insar_coherence is not None:
            planes.append(scene.insar_coherence[step].astype(np.float32))
        warped = _warp(np.where(scene.absent(step), np.float32(np.nan), planes), scene, grid)
        absent[step] = np.isnan(warped[0])
        phase[step] = np.nan_to_num(np.arctan2(warped[1], warped[0]))
        if coherence is not None:
            coherence[step] = np.rint(np.nan_to_num(warped[2]))
    # A warped angle of exactly 0 would read as no data where there is no coherence.
    phase[~absent & (phase == 0)] = np.float32(1e-6)
    return dataclasses.replace(
        scene,
        insar_difference=phase,
        insar_coherence=coherence,
        dem=None if scene.dem is None else _warp(scene.dem[None], scene, grid)[0],
        nodata=np.logical_and.reduce(absent),
        atmosphere={
            name: _warp(field.reshape(-1, scene.height, scene.width), scene, grid).reshape(
                *field.shape[:-2], height, width
            )
            for name, field in scene.atmosphere.items()
        },
        reference=None,
        transform=grid[0],
        crs=grid[1],
    )


def to_input_pixels(planes: np.ndarray, worked: Scene, scene: Scene) -> np.ndarray:
    """Bring values on the training's pixels back to the input's grid.

    Args:
        planes: float32 [C, H, W] on the pixels of `worked`.
        worked: The scene that the values are of.
        scene: The scene as it came.

    Returns:
        float32 [C, H, W] on the pixels of `scene`, NaN where it has no data.
    """
    if worked is not scene:
        assert scene.transform is not None and scene.crs is not None
        grid = (scene.transform, scene.crs, (scene.height, scene.width))
        planes = _warp(planes, worked, grid)
    planes[:, scene.nodata] = np.nan
    return planes


def world_origin(scene: Scene, pixel_size: float) -> tuple[int, int]:
    """Row and column of a scene's first pixel on the world's grid of training pixels."""
    if scene.transform is None:
        return 0, 0
    return round(-scene.transform.f / pixel_size), round(scene.transform.c / pixel_size)


def _covering_grid(scene: Scene, pixel_size: float) -> PixelGrid:
    edges = [scene.place(x, y) for x in (0, scene.width) for y in (0, scene.height)]
    xs, ys = zip(*edges, strict=True)
    west, south, east, north = transform_bounds(
        scene.crs, TRAINING_CRS, min(xs), min(ys), max(xs), max(ys)
    )
    if not all(map(math.isfinite, (west, south, east, north))):
        raise SceneError(f"{scene.name}: its corners have no longitude and latitude")
    if east < west:  # across the antimeridian, longitudes go on beyond 180
        east += 360
    column, row = math.floor(west / pixel_size + 1e-6), math.ceil(north / pixel_size - 1e-6)
    width = math.ceil(east / pixel_size - 1e-6) - column
    height = row - math.floor(south / pixel_size + 1e-6)
    transform = Affine(pixel_size, 0, column * pixel_size, 0, -pixel_size, row * pixel_size)
    return transform, TRAINING_CRS, (max(height, 1), max(width, 1))


def _warp(planes: np.ndarray, scene: Scene, grid: PixelGrid) -> np.ndarray:
    """Bilinear values of planes [C, H, W], NaN being no data, on another grid."""
    transform, crs, shape = grid
    out = np.full((len(planes), *shape), np.nan, np.float32)
    reproject(
        np.ascontiguousarray(planes, np.float32),
        out,
        src_transform=scene.transform,
        src_crs=scene.crs,
        src_nodata=np.nan,
        dst_transform=transform,
        dst_crs=crs,
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
        tolerance=0,
    )
    return out
