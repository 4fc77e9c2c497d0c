"""A window of a scene, to be judged before the rest of it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from affine import Affine

from hub.scenes.scene import Scene, apply
from page.errors import PageError

SMALLEST = 32
"""Fewest rows and columns of a part: less shows no deformation."""


def cut_part(scene: Scene, part: str) -> Scene:
    """Cut a window out of a scene.

    Args:
        scene: The scene.
        part: "TOP,LEFT,BOTTOM,RIGHT" in pixels of the scene; the last two are left out. What
            reaches beyond the scene is cut off.

    Returns:
        The window as a scene with a place of its own; it shares no memory with the whole.

    Raises:
        PageError: If it is no window, or too small.
    """
    if not re.fullmatch(r"-?\d{1,6}(,-?\d{1,6}){3}", part or ""):
        raise PageError("Draw a box on the picture first: press “Draw a box” and drag.")
    top, left, bottom, right = map(int, part.split(","))
    top, left = max(top, 0), max(left, 0)
    bottom, right = min(bottom, scene.height), min(right, scene.width)
    if bottom - top < SMALLEST or right - left < SMALLEST:
        raise PageError(
            f"The box has {max(bottom - top, 0)} × {max(right - left, 0)} pixels inside the scene; "
            f"draw one of at least {SMALLEST} × {SMALLEST}."
        )
    rows, columns = slice(top, bottom), slice(left, right)

    def cut(raster: Any) -> Any:
        return None if raster is None else raster[..., rows, columns].copy()

    nodata = cut(scene.nodata)
    if nodata.all():
        raise PageError("There is no data in the box: draw it where the picture shows some.")
    moved = scene.transform
    if moved is not None:
        x, y = apply(moved, left, top)
        moved = Affine(moved.a, moved.b, x, moved.d, moved.e, y)
    return dataclasses.replace(
        scene,
        name=f"{scene.name}_rows{top}-{bottom}_columns{left}-{right}",
        insar_difference=cut(scene.insar_difference),
        insar_coherence=cut(scene.insar_coherence),
        dem=cut(scene.dem),
        nodata=nodata,
        atmosphere={name: cut(field) for name, field in scene.atmosphere.items()},
        reference=cut(scene.reference),
        transform=moved,
        warnings=(*scene.warnings, "only a part of the scene was judged"),
    )
