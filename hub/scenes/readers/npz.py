"""Scenes from an `.npz` of plain arrays."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from hub.scenes.checks import SceneError, as_steps, require_size
from hub.scenes.products.product import ReadOptions
from hub.scenes.rasters.coherence import to_bytes
from hub.scenes.rasters.no_data import without_sentinels
from hub.scenes.rasters.raster import WGS84, Raster
from hub.scenes.rasters.units import in_radians
from hub.scenes.readers.conversions import (
    ARRAYS,
    NO_PLACE,
    any_step,
    full_size_atmosphere,
    parse_date,
    transform_of,
)
from hub.scenes.scene import Scene, make_scene

_REFERENCES = ("deformation_mask", "label_consensus")
_PLACE = ("transform", "bounds", "crs", "primary_date", "secondary_dates")


def read_npz(
    path: Path, name: str | None, max_pixels: int, options: ReadOptions | None = None
) -> Scene:
    """Read an `.npz` of plain arrays; keys are those of `SPECIFICATIONS`.

    A scaled elevation (`dem_minmax_u8`) has lost its height and is left out, with a warning.

    Raises:
        SceneError: If it is no such archive, holds pickles, lacks the phase or is too large.
    """
    with _readable_archive(path):
        with zipfile.ZipFile(path) as archive:
            _check_headers(path, archive, max_pixels)
        with np.load(path, allow_pickle=False) as file:
            keys = (*ARRAYS, *_REFERENCES, *_PLACE)
            arrays = {key: file[key] for key in keys if key in file}
            has_scaled_dem = "dem_minmax_u8" in file
    if "insar_difference" not in arrays:
        raise SceneError(f"{path} has no array insar_difference, the wrapped phase in radians")
    height, width = as_steps(path.stem, "insar_difference", arrays["insar_difference"]).shape[1:]
    try:
        place = _npz_place(path, arrays, height, width)
    except (TypeError, ValueError) as error:
        raise SceneError(
            f"{path}: its transform, its bounds or a date is not what it should be: {error}"
        ) from None
    notes = [] if place.get("crs") else [NO_PLACE]
    if has_scaled_dem and "dem" not in arrays:
        notes.append("dem_minmax_u8 has lost its absolute height and is not used as elevation")
    phase, coherence, more = _measured(path, arrays, options or ReadOptions())
    notes += [*more, *_doubts_of_dates(place)]
    reference = next((arrays[key] for key in _REFERENCES if key in arrays), None)
    return make_scene(
        name or path.stem,
        phase,
        coherence,
        without_sentinels(arrays["dem"], "elevation") if "dem" in arrays else None,
        atmosphere=full_size_atmosphere(arrays, height, width),
        nodata=arrays.get("nodata"),
        reference=any_step(reference),
        warnings=notes,
        **place,
    )


def _measured(
    path: Path, arrays: Mapping[str, np.ndarray], options: ReadOptions
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Phase and coherence by the rules of any raster: radians, and a scale that is known."""
    steps = as_steps(path.stem, "insar_difference", arrays["insar_difference"])
    read = [
        in_radians(
            Raster(
                f"{path}: insar_difference",
                without_sentinels(step, "phase"),
                Affine.identity(),
                WGS84,
                step.dtype.name,
            ),
            "wrapped",
            options.units,
        )
        for step in steps
    ]
    notes = list(dict.fromkeys(note for step in read for note in step.notes))
    coherence = arrays.get("insar_coherence")
    if coherence is not None and coherence.ndim in (2, 3) and coherence.dtype.kind in "iuf":
        stored = Raster(
            f"{path}: insar_coherence",
            without_sentinels(coherence, "coherence"),
            Affine.identity(),
            WGS84,
            coherence.dtype.name,
        )
        brought = to_bytes(stored, options.coherence_scale)
        coherence = brought.values
        notes += brought.notes
    return np.stack([step.values for step in read]), coherence, notes


def _npz_place(
    path: Path, arrays: Mapping[str, np.ndarray], height: int, width: int
) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if "crs" in arrays:
        place["crs"] = str(arrays["crs"])
        if "transform" in arrays:
            place["transform"] = Affine(*map(float, arrays["transform"].ravel()[:6]))
        elif "bounds" in arrays and arrays["bounds"].shape == (4,):
            place["transform"] = transform_of(arrays["bounds"].tolist(), height, width)
        else:
            raise SceneError(f"{path} has a crs but neither transform nor bounds")
    if "primary_date" in arrays:
        place["primary_date"] = parse_date(path, arrays["primary_date"].item())
    if "secondary_dates" in arrays:
        dates = np.atleast_1d(arrays["secondary_dates"])
        place["secondary_dates"] = tuple(parse_date(path, date) for date in dates)
    return place


def _doubts_of_dates(place: Mapping[str, Any]) -> list[str]:
    primary, secondary = place.get("primary_date"), place.get("secondary_dates", ())
    notes = []
    if primary is not None and any(day < primary for day in secondary):
        notes.append("the primary date is the later one: the sign is of time reversed")
    if list(secondary) != sorted(secondary):
        notes.append(
            "the secondary dates are not in order: the file's last step is taken for the latest"
        )
    return notes


def _check_headers(path: Path, archive: zipfile.ZipFile, max_pixels: int) -> None:
    """Read the arrays' headers alone, for what an archive unpacks to may be any size."""
    for key in (*ARRAYS, *_REFERENCES, *_PLACE):
        if f"{key}.npy" not in archive.namelist():
            continue
        with archive.open(f"{key}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read = np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        if dtype.hasobject:
            raise SceneError(f"{path}: {key} holds Python objects, which are never unpickled")
        if key not in _PLACE and dtype.kind not in "biufc":
            raise SceneError(f"{path}: {key} is {dtype}; a raster holds numbers")
        if len(shape) >= 2:
            require_size(f"{path}: {key}", shape[-2], shape[-1], max_pixels)
        if np.prod(shape[:-2], dtype=float) > 1000 or (len(shape) == 1 and shape[0] > 10_000):
            raise SceneError(f"{path}: {key} has shape {shape}, far more than a time series needs")


@contextmanager
def _readable_archive(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
        OSError,
        KeyError,
    ) as error:
        raise SceneError(f"{path} is not a readable .npz of plain arrays: {error}") from None
