"""A frame's Zarr cube in the archive's own layout, as a folder or packed into a zip or tar file."""

from __future__ import annotations

import datetime
import json
import os
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc
from pyproj import CRS

from dataset_script.channels import MASKS, PUBLISHED
from dataset_script.synthetic.ground.grid import FrameGrid

PAIR_DIMS = ("primary_date", "secondary_date")
RASTER_DIMS = ("latitude", "longitude")
PAIR_RASTERS = {
    **{channel.name: "float32" for channel in PUBLISHED if channel.kind != "static"},
    **dict.fromkeys(MASKS, "int32"),
}
PAIR_FIELDS = {
    "atmospheric_fringes": "int32",
    "glacier_fringes": "int32",
    "orbital_fringes": "int32",
    "corrupted": "bool",
    "is_crowd": "bool",
    "low_coherence": "bool",
    "no_info": "bool",
    "processing_error": "bool",
    "valid_date_pair": "bool",
    "confidence": "float32",
    "caption": "<U572",
    "phase": "<U10",
    "unique_id": "<U10",
}
_EPOCH = datetime.date(2014, 1, 1)
_COMPRESSOR = Blosc("lz4", 5, Blosc.SHUFFLE)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class CubeWriter:
    """Writes one frame's cube: the frame first, then primary date by primary date, then `close`.

    Whole-number and text arrays carry no fill value, since xarray would decode them to floats. So
    every chunk of theirs is written: what a missing one holds, each reader makes up for itself (one
    of zarr 2 is memory as it lay there). Of the others only the pairs that there are have chunks.
    """

    def __init__(
        self,
        path: Path,
        frame_id: str,
        description: str,
        grid: FrameGrid,
        dem: np.ndarray,
        pairs: Sequence[tuple[datetime.date, datetime.date]],
    ) -> None:
        """Create the cube.

        Args:
            path: Folder to write; it must not exist.
            frame_id: The frame's name.
            description: What it shows.
            grid: Its pixels.
            dem: Elevation in metres, (H, W).
            pairs: Primary and secondary date of every interferogram.
        """
        self.path = path
        self.primary = sorted({pair[0] for pair in pairs})
        self.secondary = sorted({pair[1] for pair in pairs})
        shape = (len(self.primary), len(self.secondary))
        self.group = zarr.open_group(path, mode="w-", zarr_format=2)
        self.group.attrs.update(
            {
                "title": f"Hephaestus minicube of frame {frame_id}",
                "frame_id": frame_id,
                "description": description,
            }
        )
        for name, dates in zip(PAIR_DIMS, (self.primary, self.secondary), strict=True):
            days = np.array([(date - _EPOCH).days for date in dates], np.int64)
            units = {"units": f"days since {_EPOCH}", "calendar": "proleptic_gregorian"}
            self._whole(name, days, (name,), units)
        for name in RASTER_DIMS:
            self._whole(name, getattr(grid, name), (name,))
        wkt = CRS.from_epsg(4326).to_wkt()
        self._whole("spatial_ref", np.int64(0), (), {"crs_wkt": wkt, "spatial_ref": wkt})
        mapped = {"grid_mapping": "spatial_ref"}
        self._whole("dem", dem.astype(np.float32), RASTER_DIMS, mapped)
        self.rasters = {
            name: self._array(
                name, (*shape, *grid.shape), (1, 1, *grid.shape), dtype, PAIR_DIMS + RASTER_DIMS
            )
            for name, dtype in PAIR_RASTERS.items()
        }
        for array in self.rasters.values():
            array.attrs.update(mapped)
        self.fields = {name: np.zeros(shape, dtype) for name, dtype in PAIR_FIELDS.items()}

    def write(
        self,
        primary: datetime.date,
        secondaries: Sequence[datetime.date],
        rasters: Sequence[Mapping[str, np.ndarray]],
        fields: Sequence[Mapping[str, Any]],
    ) -> None:
        """Write the pairs of a primary date, which is faster than one by one.

        Args:
            primary: Primary date.
            secondaries: Its secondary dates, adjoining ones of the cube's.
            rasters: Every one of `PAIR_RASTERS`, (H, W), for each secondary date.
            fields: Every one of `PAIR_FIELDS` except `valid_date_pair`.
        """
        row, first = self.primary.index(primary), self.secondary.index(secondaries[0])
        columns = slice(first, first + len(secondaries))
        if self.secondary[columns] != list(secondaries):
            raise ValueError(f"the secondary dates of {primary} do not adjoin: {secondaries}")
        for name, array in self.rasters.items():
            array[row, columns] = np.stack([each[name] for each in rasters]).astype(array.dtype)
        for name, values in self.fields.items():
            valid = name == "valid_date_pair"
            values[row, columns] = True if valid else [each[name] for each in fields]

    def close(self) -> None:
        """Write what there is one number of a pair, and consolidate the metadata."""
        valid = self.fields["valid_date_pair"]
        nowhere = [tuple(place) for place in np.argwhere(~valid).tolist()]
        for name, values in self.fields.items():
            self._array(name, values.shape, (1, 1), values.dtype, PAIR_DIMS)
            for place in map(tuple, np.argwhere(valid).tolist()):
                # Not the value alone: a text is then of a type as short as itself.
                chunk = _COMPRESSOR.encode(np.asarray(values[(*place, None)]))
                self._chunk(name, place).write_bytes(chunk)
            self._repeat(name, np.zeros(1, values.dtype), nowhere)
        for name, array in self.rasters.items():
            if array.fill_value is None:
                places = [(*place, 0, 0) for place in nowhere]
                self._repeat(name, np.zeros(array.chunks, array.dtype), places)
        zarr.consolidate_metadata(self.group.store, zarr_format=2)
        # zarr lists members in the file system's order; sorted keys make the same bytes anywhere.
        metadata = self.path / ".zmetadata"
        metadata.write_text(json.dumps(json.loads(metadata.read_text()), indent=1, sort_keys=True))

    def _whole(
        self,
        name: str,
        values: np.ndarray | np.generic,
        dims: tuple[str, ...],
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        array = self._array(name, values.shape, values.shape, values.dtype, dims)
        array.attrs.update(attributes or {})
        array[...] = values

    def _chunk(self, name: str, place: Sequence[int]) -> Path:
        return self.path / name / ".".join(map(str, place))

    def _repeat(self, name: str, values: np.ndarray, places: Sequence[Sequence[int]]) -> None:
        """Write one chunk for all places between which there is no pair.

        They are links to one file, as there are hundreds of thousands of them: a link takes an
        eighth of a file's time and no room. Readers and packers see files like any other.
        """
        encoded = _COMPRESSOR.encode(values)
        first: Path | None = None
        for place in places:
            path = self._chunk(name, place)
            if first is not None:
                try:
                    os.link(first, path)
                    continue
                except OSError:  # a file system without links, or too many of this file
                    first = None
            path.write_bytes(encoded)
            first = path

    def _array(
        self,
        name: str,
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: Any,
        dims: tuple[str, ...],
    ) -> zarr.Array:
        return self.group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            fill_value=np.nan if np.dtype(dtype).kind == "f" else None,
            compressors=_COMPRESSOR,
            config={"write_empty_chunks": True},
            attributes={"_ARRAY_DIMENSIONS": list(dims)},
        )


def pack(folder: Path, target: Path, top: str, kind: str) -> None:
    """Pack a cube with its folder as the archive's top, as the authors' downloads are.

    Members are sorted and undated, so that equal cubes give equal bytes.

    Args:
        folder: The cube.
        target: File to write.
        top: Name of the folder inside.
        kind: "zip" or "tar".
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    members = [(f"{top}/{path.relative_to(folder).as_posix()}", path) for path in files]
    if kind == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, path in members:
                archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), path.read_bytes())
        return
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in members:
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)
