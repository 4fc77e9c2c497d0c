"""Scenes from the pairs of a minicube, whole frame."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import numpy as np

from dataset_script.channels import BY_NAME, FIELD_CHANNELS
from dataset_script.cubes.minicube import Minicube
from hub.scenes.checks import SceneError, require_size
from hub.scenes.readers.conversions import any_step, parse_date, transform_of
from hub.scenes.scene import Scene, make_scene


def read_minicube(path: str, dates: str | None, name: str | None, max_pixels: int) -> Scene:
    """Read pairs of one primary date of a minicube, whole frame.

    Args:
        path: The cube: a directory, a `.zarr.zip`, a `.zarr.tar` or a URL.
        dates: "PRIMARY_SECONDARY[,SECONDARY...]", "PRIMARY" for all its secondaries, or None
            where the cube has a single primary date.
        name: Name of the scene.
        max_pixels: Largest height x width that is read.

    Raises:
        SceneError: If the cube has no such pair.
    """
    with Minicube.open(path) as cube:
        require_size(path, cube.height, cube.width, max_pixels)
        primary, secondaries = choose_pairs(path, cube.pairs, dates)

        def read(variable: str) -> np.ndarray:
            return np.stack([cube.read(variable, primary, second) for second in secondaries])

        def read_field(name: str) -> np.ndarray:
            if BY_NAME[name].per_step:
                return read(name)
            if BY_NAME[name].kind == "static":
                return cube.read_static(name)
            return cube.read(name, primary, secondaries[0])

        present = [n for n in FIELD_CHANNELS if n in (*cube.rasters, *cube.static_rasters)]
        atmosphere = {name: read_field(name) for name in present}
        joined = "-".join(f"{second:%Y%m%d}" for second in secondaries)
        return make_scene(
            name or f"{cube.frame_id}_{primary:%Y%m%d}_{joined}",
            read("insar_difference"),
            # Bytes say that the scale is 0..255 even where no value exceeds 1.
            read("insar_coherence").astype(np.uint8),
            cube.read_static("dem"),
            atmosphere=atmosphere,
            reference=any_step(read("deformation_mask"))
            if "deformation_mask" in cube.rasters
            else None,
            crs=cube.crs,
            transform=transform_of(cube.bounds(None), cube.height, cube.width),
            primary_date=primary,
            secondary_dates=secondaries,
        )


def choose_pairs(
    path: str, pairs: Collection[tuple[datetime.date, datetime.date]], dates: str | None
) -> tuple[datetime.date, tuple[datetime.date, ...]]:
    """Resolve the dates of a minicube's specification.

    Args:
        path: The cube, for messages.
        pairs: The cube's valid (primary, secondary) pairs.
        dates: See `read_minicube`.

    Returns:
        The primary date and its secondary dates in order.

    Raises:
        SceneError: If the dates are not those of valid pairs, or are missing though needed.
    """
    primaries = sorted({pair[0] for pair in pairs})
    if dates is None:
        if len(primaries) != 1:
            listed = ", ".join(f"{date:%Y%m%d}" for date in primaries[:5])
            raise SceneError(
                f"{path} holds {len(primaries)} primary dates ({listed}, ...): "
                "say which as CUBE@PRIMARY_SECONDARY[,SECONDARY]"
            )
        dates = f"{primaries[0]:%Y%m%d}"
    primary_text, _, secondary_text = dates.partition("_")
    primary = parse_date(path, primary_text)
    valid = tuple(sorted(second for first, second in pairs if first == primary))
    if not valid:
        raise SceneError(f"{path} has no pair with primary date {primary_text}")
    if not secondary_text:
        return primary, valid
    wanted = tuple(sorted(parse_date(path, text) for text in secondary_text.split(",")))
    for date in wanted:
        if date not in valid:
            listed = ", ".join(f"{other:%Y%m%d}" for other in valid[:8])
            raise SceneError(
                f"{path} has no pair {primary_text}_{date:%Y%m%d}; "
                f"the secondaries of {primary_text} are {listed}"
            )
    return primary, wanted
