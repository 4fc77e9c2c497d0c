"""HDF5 and netCDF files, opened so that nothing in them leads to another file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from hub.scenes.checks import SceneError, require_size
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.no_data import stored_fill
from hub.scenes.rasters.raster import Raster, plain_crs
from hub.scenes.rasters.units import measured, unit_in

if TYPE_CHECKING:
    import h5py

ENDINGS = (".h5", ".hdf5", ".he5", ".nc", ".nc4")


class Hdf5:
    """An open file; paths of datasets are as in `science/grids/data/unwrappedPhase`."""

    def __init__(self, file: StoredFile, root: h5py.File) -> None:
        self.file = file
        self._root = root

    def has(self, path: str) -> bool:
        """Whether there is such a dataset or group."""
        return self._get(path) is not None

    def names(self, path: str) -> list[str]:
        """What a group holds."""
        found = self._get(path)
        return list(found) if hasattr(found, "keys") else []

    def attributes(self, path: str = "/") -> dict[str, Any]:
        """Attributes of a group or dataset, text as `str`."""
        found = self._root if path == "/" else self._get(path)
        return {} if found is None else {key: _plain(value) for key, value in found.attrs.items()}

    def shape(self, path: str) -> tuple[int, ...]:
        """Shape of a dataset."""
        return tuple(self._dataset(path).shape or ())

    def read(self, path: str, at: int | None = None) -> np.ndarray:
        """A small dataset, or one plane of a stack."""
        found = self._dataset(path)
        return np.asarray(found[()] if at is None else found[at])

    def text(self, path: str) -> str:
        """A dataset of one text or number, as text."""
        return str(_plain(self._dataset(path)[()]))

    def raster(
        self,
        path: str,
        role: str,
        max_pixels: int,
        transform: Affine,
        crs: str,
        at: int | None = None,
    ) -> Raster:
        """A dataset, or one plane of a stack, as a raster, its first row in the north.

        No data is the dataset's `_FillValue` and what `no_data` says; `scale_factor` and
        `add_offset` are applied; of complex numbers the argument is taken.

        Raises:
            SceneError: If it has too many pixels or no two dimensions.
        """
        found = self._dataset(path)
        shown = f"{self.file}:{path}" if at is None else f"{self.file}:{path}[{at}]"
        shape = found.shape if at is None else found.shape[1:]
        if len(shape) != 2:
            raise SceneError(f"{shown} has shape {shape}; it must be [H, W]")
        require_size(shown, shape[0], shape[1], max_pixels)
        values = self.read(path, at)
        stored = values.dtype.name
        fill = found.attrs.get("_FillValue")
        masked = np.zeros(shape, bool)
        if fill is not None and values.dtype.kind in "fiu":
            masked |= values == np.ravel(fill)[0]
        if values.dtype.kind == "c":
            masked |= (values == 0) | ~np.isfinite(values)
            with np.errstate(invalid="ignore"):
                values = np.angle(values)
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                values = values.astype(np.float32)
        scale, offset = (
            float(np.ravel(found.attrs.get(name, plain))[0])
            for name, plain in (("scale_factor", 1), ("add_offset", 0))
        )
        scaled = values.dtype.kind != "c" and (scale, offset) != (1.0, 0.0)
        if scaled:
            masked |= stored_fill(values)
            values = values.astype(np.float32) * np.float32(scale) + np.float32(offset)
        unit = unit_in(self.attributes(path))
        values = measured(values, role, unit)
        if masked.any():
            values = np.where(masked, np.float32(np.nan), values.astype(np.float32))
        return Raster(
            shown, values, transform, plain_crs(crs), stored, scaled, unit=unit
        ).north_up()

    def _dataset(self, path: str) -> h5py.Dataset:
        found = self._get(path)
        if found is None or not hasattr(found, "shape"):
            raise SceneError(f"{self.file} has no dataset {path}")
        return found

    def _get(self, path: str) -> Any:
        """What lies at a path; `SceneError` for what leads out of the file."""
        import h5py

        here: Any = self._root
        for part in filter(None, path.split("/")):
            if not isinstance(here, h5py.Group) or part not in here.keys():  # noqa: SIM118
                return None
            if isinstance(here.get(part, getlink=True), h5py.ExternalLink):
                raise SceneError(f"{self.file}: {path} is a link to another file")
            here = here.get(part)
        if isinstance(here, h5py.Dataset) and (here.external or here.is_virtual):
            raise SceneError(f"{self.file}: {path} is stored in another file")
        return here


@contextmanager
def opened(file: StoredFile) -> Iterator[Hdf5]:
    """Open an HDF5 or netCDF-4 file.

    Raises:
        SceneError: If it is none, or reading breaks off.
    """
    import h5py

    try:
        with h5py.File(file.stream(), "r") as root:
            yield Hdf5(file, root)
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        reason = (str(error) or type(error).__name__).replace("\n", " ")
        raise SceneError(f"{file} is not a readable HDF5 file: {reason}") from None


def is_hdf5(file: StoredFile) -> bool:
    """Whether its name may be one's, and its first bytes are."""
    if not file.name.lower().endswith((*ENDINGS, ".grd")):
        return False
    return file.head(8) == b"\x89HDF\r\n\x1a\n"


def transform_of_centres(shown: str, x: np.ndarray, y: np.ndarray) -> Affine:
    """From pixel corners to the CRS, of evenly spaced coordinates of pixel centres.

    Raises:
        SceneError: If there are fewer than two of each, or they are not even.
    """
    steps = []
    for name, values in (("x", np.asarray(x, float)), ("y", np.asarray(y, float))):
        if values.ndim != 1 or values.size < 2:
            raise SceneError(f"{shown}: its {name} coordinates are {values.shape}, not a grid's")
        step = (values[-1] - values[0]) / (values.size - 1)
        even = values[0] + step * np.arange(values.size)
        if not np.isfinite(step) or not step or np.abs(values - even).max() > 0.1 * abs(step):
            raise SceneError(f"{shown}: its {name} coordinates are not evenly spaced")
        steps.append(step)
    return Affine(steps[0], 0, float(x[0]) - steps[0] / 2, 0, steps[1], float(y[0]) - steps[1] / 2)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.size == 1:
        return _plain(value.ravel()[0])
    return value.item() if isinstance(value, np.generic) and not isinstance(value, bytes) else value
