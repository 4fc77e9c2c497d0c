"""Scenes from an `.npz`, a row of the dataset, or the pairs of a minicube."""

from __future__ import annotations

import datetime
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from dataset_script.channels import ATMOSPHERIC_CHANNELS
from dataset_script.rows.node_grid import from_nodes
from hub.scenes.checks import as_steps
from hub.scenes.scene import Scene, SceneError, make_scene, require_size

NO_PLACE = "no georeference: pixels are taken to be the training's, and areas and maps are left out"
_ARRAYS = ("insar_difference", "insar_coherence", "dem", "nodata", *ATMOSPHERIC_CHANNELS)
_REFERENCES = ("deformation_mask", "label_consensus")
_PLACE = ("transform", "bounds", "crs", "primary_date", "secondary_dates")


def read_npz(path: Path, name: str | None, max_pixels: int) -> Scene:
    """Read an `.npz` of plain arrays; keys are those of `SPECIFICATIONS`.

    A scaled elevation (`dem_minmax_u8`) has lost its height and is left out, with a warning.

    Raises:
        SceneError: If it is no such archive, holds pickles, lacks the phase or is too large.
    """
    with _readable_archive(path):
        with zipfile.ZipFile(path) as archive:
            _check_headers(path, archive, max_pixels)
        with np.load(path, allow_pickle=False) as file:
            keys = (*_ARRAYS, *_REFERENCES, *_PLACE)
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
    said = [] if place.get("crs") else [NO_PLACE]
    if has_scaled_dem and "dem" not in arrays:
        said.append("dem_minmax_u8 has lost its absolute height and is not used as elevation")
    reference = next((arrays[key] for key in _REFERENCES if key in arrays), None)
    return make_scene(
        name or path.stem,
        arrays["insar_difference"],
        arrays.get("insar_coherence"),
        arrays.get("dem"),
        atmosphere=_atmosphere(arrays, height, width),
        nodata=arrays.get("nodata"),
        reference=_union(reference),
        warnings=said,
        **place,
    )


def read_row(row: Mapping[str, Any], name: str | None = None) -> Scene:
    """Make a scene of a row of the dataset, whatever its columns' format.

    Raises:
        SceneError: If it has no phase, or one of another shape than [H, W] or [T, H, W].
    """
    if row.get("insar_difference") is None:
        raise SceneError("the row has no insar_difference, the wrapped phase in radians")
    arrays = {key: np.asarray(row[key]) for key in _ARRAYS if row.get(key) is not None}
    phase = as_steps("the row", "insar_difference", arrays["insar_difference"])
    height, width = phase.shape[1:]
    place: dict[str, Any] = {}
    if row.get("bounds") is not None and row.get("crs"):
        place = {
            "crs": str(row["crs"]),
            "transform": _from_bounds([float(edge) for edge in row["bounds"]], height, width),
        }
    if row.get("primary_date") is not None:
        place["primary_date"] = _date("the row", row["primary_date"])
    if row.get("secondary_dates") is not None:
        place["secondary_dates"] = tuple(_date("the row", date) for date in row["secondary_dates"])
    coherence = arrays.get("insar_coherence")
    return make_scene(
        name or str(row.get("sample_id") or "row"),
        phase,
        None if coherence is None else coherence.astype(np.uint8),
        arrays.get("dem"),
        atmosphere=_atmosphere(arrays, height, width),
        reference=_union(row.get("deformation_mask")),
        warnings=() if "crs" in place else (NO_PLACE,),
        **place,
    )


def read_dataset_row(specification: str, name: str | None = None) -> Scene:
    """Read "DATASET::CONFIG/SPLIT/INDEX", decoding only the row group that the row lies in.

    Raises:
        SceneError: If the specification is malformed or there is no such row.
    """
    from hub.scenes.dataset_rows import DatasetSplit

    parts = re.fullmatch(r"(.+)::([^/]+)/([^/]+)/(\d+)", specification)
    if not parts:
        raise SceneError(f"{specification}: a row is given as DATASET::CONFIG/SPLIT/INDEX")
    dataset, config, split, index = parts.groups()
    return read_row(DatasetSplit(dataset, config, split)[int(index)], name)


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
    from dataset_script.cubes.minicube import Minicube

    with Minicube.open(path) as cube:
        require_size(path, cube.height, cube.width, max_pixels)
        primary, secondaries = choose_pairs(path, cube.pairs, dates)

        def read(variable: str) -> np.ndarray:
            return np.stack([cube.read(variable, primary, second) for second in secondaries])

        atmosphere = {
            channel: cube.read(channel, primary, secondaries[0])
            if channel.startswith("primary")
            else read(channel)
            for channel in ATMOSPHERIC_CHANNELS
            if channel in cube.rasters
        }
        joined = "-".join(f"{second:%Y%m%d}" for second in secondaries)
        return make_scene(
            name or f"{cube.frame_id}_{primary:%Y%m%d}_{joined}",
            read("insar_difference"),
            # 0..255 whatever a pair's largest value is, which bytes say.
            read("insar_coherence").astype(np.uint8),
            cube.read_static("dem"),
            atmosphere=atmosphere,
            reference=_union(read("deformation_mask"))
            if "deformation_mask" in cube.rasters
            else None,
            crs=cube.crs,
            transform=_from_bounds(cube.bounds(None), cube.height, cube.width),
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
        SceneError: If the dates are not those of valid pairs, or are needed and absent.
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
    primary = _date(path, primary_text)
    valid = tuple(sorted(second for first, second in pairs if first == primary))
    if not valid:
        raise SceneError(f"{path} has no pair with primary date {primary_text}")
    if not secondary_text:
        return primary, valid
    wanted = tuple(sorted(_date(path, text) for text in secondary_text.split(",")))
    for date in wanted:
        if date not in valid:
            listed = ", ".join(f"{other:%Y%m%d}" for other in valid[:8])
            raise SceneError(
                f"{path} has no pair {primary_text}_{date:%Y%m%d}; "
                f"the secondaries of {primary_text} are {listed}"
            )
    return primary, wanted


def _atmosphere(arrays: Mapping[str, np.ndarray], height: int, width: int) -> dict[str, np.ndarray]:
    fields = {name: arrays[name] for name in ATMOSPHERIC_CHANNELS if name in arrays}
    return {
        name: from_nodes(field, height, width).astype(np.float32)
        if field.ndim > 1 and field.shape[-2:] != (height, width)
        else field
        for name, field in fields.items()
    }


def _union(mask: Any) -> np.ndarray | None:
    if mask is None:
        return None
    mask = np.asarray(mask) > 0
    return mask.any(axis=0) if mask.ndim == 3 else mask


def _from_bounds(bounds: Sequence[float], height: int, width: int) -> Affine:
    west, south, east, north = bounds
    return Affine((east - west) / width, 0, west, 0, (south - north) / height, north)


def _date(where: object, value: Any) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]").item()
    try:
        return datetime.datetime.strptime(str(value).replace("-", "")[:8], "%Y%m%d").date()
    except ValueError:
        raise SceneError(f"{where}: {value} is no date; dates are YYYYMMDD") from None


def _npz_place(
    path: Path, arrays: Mapping[str, np.ndarray], height: int, width: int
) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if "crs" in arrays:
        place["crs"] = str(arrays["crs"])
        if "transform" in arrays:
            place["transform"] = Affine(*map(float, arrays["transform"].ravel()[:6]))
        elif "bounds" in arrays and arrays["bounds"].shape == (4,):
            place["transform"] = _from_bounds(arrays["bounds"].tolist(), height, width)
        else:
            raise SceneError(f"{path} has a crs but neither transform nor bounds")
    if "primary_date" in arrays:
        place["primary_date"] = _date(path, arrays["primary_date"].item())
    if "secondary_dates" in arrays:
        dates = np.atleast_1d(arrays["secondary_dates"])
        place["secondary_dates"] = tuple(_date(path, date) for date in dates)
    return place


def _check_headers(path: Path, archive: zipfile.ZipFile, max_pixels: int) -> None:
    """Read the arrays' headers alone, for what an archive unpacks to may be any size."""
    for key in (*_ARRAYS, *_REFERENCES, *_PLACE):
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
