"""A cube's Zarr arrays as they are stored: raw values, fill values, and which chunks are there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset_script.cubes.archives import OpenStore
from dataset_script.cubes.faults import refuse_passing
from dataset_script.problems import Problem, ProblemError

if TYPE_CHECKING:
    import xarray as xr
    import zarr


class CubeArrays:
    """The arrays of one Zarr group, and its coordinates through xarray.

    Attributes:
        dataset: The group as xarray sees it, fill values undecoded.
    """

    def __init__(self, opened: OpenStore, path: str):
        import xarray as xr

        self._opened = opened
        self._pieces = functools.cache(self._find_pieces)
        # xarray makes a new array at every access, which takes a twentieth of a millisecond.
        self._variable = functools.cache(lambda name: self.dataset[name].variable)
        group, self._arrays = _open_group(opened, path)
        _refuse_pickles(self._arrays, path)
        try:
            self.dataset: xr.Dataset = xr.open_zarr(
                opened.store,
                consolidated=group.metadata.consolidated_metadata is not None,
                chunks=None,
                mask_and_scale=False,
            )
        except Exception as error:  # Whatever xarray makes of malformed coordinates.
            raise _unreadable(error, path) from error

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def dims(self, name: str) -> tuple[Hashable, ...]:
        """Names of an array's dimensions."""
        return self._variable(name).dims

    def fill_value(self, name: str) -> Any:
        """The declared fill value of an array, or None."""
        attributes = self._variable(name).attrs
        return attributes.get("_FillValue", attributes.get("missing_value"))

    def raw(self, name: str, place: tuple[int, ...] = ()) -> np.ndarray:
        """Stored values at a place along the leading dimensions; everything without one."""
        array = self._arrays[name]
        if read := self._pieces(name, len(place)):
            return np.asarray(read(*place))
        if not place and array.ndim == 2 and (read := self._pieces(name, 2)):
            return self._joined(name, read)
        return np.asarray(array[place if place else ...])

    def unpacked(self, name: str, values: np.ndarray) -> np.ndarray:
        """Values of an array with its scale and offset applied, as CF packs them.

        Returns:
            float32 where a scale or an offset is declared, else the values themselves.
        """
        attributes = self._variable(name).attrs
        if "scale_factor" not in attributes and "add_offset" not in attributes:
            return values
        scale, offset = attributes.get("scale_factor", 1.0), attributes.get("add_offset", 0.0)
        return (values * np.float64(scale) + np.float64(offset)).astype(np.float32)

    def one_by_one(self, name: str) -> bool:
        """Whether each place along the two leading dimensions is a chunk of its own."""
        return self._arrays[name].chunks[:2] == (1, 1)

    def missing_chunk(self, name: str, place: tuple[int, ...] = ()) -> str | None:
        """The first chunk at a place that is not stored, so that reading it would make up values.

        Args:
            name: Array.
            place: Indices along the leading dimensions.

        Returns:
            The chunk's key in the store, or None where all are stored.
        """
        array = self._arrays[name]
        stored = array.shards or array.chunks
        ranges = [range(i // size, i // size + 1) for i, size in zip(place, stored, strict=False)]
        rest = zip(array.shape[len(place) :], stored[len(place) :], strict=True)
        ranges += [range(-(-extent // size)) for extent, size in rest]
        for position in product(*ranges):
            key = f"{array.path}/{array.metadata.encode_chunk_key(position)}"
            if not self._stored(key):
                return key
        return None

    def _find_pieces(self, name: str, lead: int) -> Callable[..., Any] | None:
        """Reads one chunk past Zarr, where each place has one chunk; None where only Zarr can.

        A real cube has 36,000 such chunks of a field, for which Zarr takes ten seconds, and of a
        raster's chunk Zarr's threads and copies take longer than its decompression.

        Args:
            name: Array.
            lead: Leading dimensions along which it is cut into chunks; 0 asks for all of it.
        """
        from zarr.core.metadata import ArrayV2Metadata

        array, fetch = self._arrays[name], self._opened.fetch
        metadata, inner = array.metadata, array.shape[lead:]
        if fetch is None or not isinstance(metadata, ArrayV2Metadata):
            return None
        if (
            not array.ndim
            or array.ndim < lead
            or array.chunks != (1,) * lead + inner
            or metadata.order != "C"
        ):
            return None
        kind = metadata.dtype.to_native_dtype()
        if metadata.filters or kind.kind not in "biufU":
            return None
        codec, separator = metadata.compressor, metadata.dimension_separator
        absent = np.zeros((), kind) if metadata.fill_value is None else metadata.fill_value

        def key(place: tuple[int, ...]) -> str:
            return f"{name}/{separator.join(map(str, place + (0,) * len(inner)))}"

        decoded = dict[bytes, Any]()

        def values(content: bytes) -> np.ndarray:
            return np.frombuffer(codec.decode(content) if codec else content, kind)

        def read_raster(*place: int) -> np.ndarray:
            content = fetch(key(place))
            if content is None:
                return np.full(inner, absent, kind)
            return values(content).reshape(inner)

        def read_value(*place: int) -> Any:
            content = fetch(key(place))
            if content is None:
                return absent
            if content not in decoded:  # most are equal
                decoded[content] = values(content)[0]
            return decoded[content]

        return read_raster if inner else read_value

    def _joined(self, name: str, read: Callable[[int, int], Any]) -> np.ndarray:
        values = np.empty(self._arrays[name].shape, self._arrays[name].dtype)
        for place in np.ndindex(values.shape):
            values[place] = read(*place)
        return values

    def _stored(self, key: str) -> bool:
        from zarr.core.sync import sync
        from zarr.storage import LocalStore

        store = self._opened.store
        if isinstance(store, LocalStore):  # a hundred times faster than through the event loop
            return (store.root / key).is_file()
        return sync(store.exists(key))

    def close(self) -> None:
        """Let go of the archive."""
        self._opened.close()


def _open_group(opened: OpenStore, path: str) -> tuple[zarr.Group, dict[str, zarr.Array[Any]]]:
    import zarr

    try:
        group = zarr.open_group(opened.store, mode="r")
        return group, dict(group.arrays())
    except Exception as error:  # Whatever Zarr makes of malformed metadata.
        if "pickle" in str(error):  # Zarr knows no type that this codec would yield.
            raise _pickling("an array", path) from error
        raise _unreadable(error, path) from error


def _unreadable(error: Exception, path: str) -> ProblemError:
    refuse_passing(error, path)
    what = f"the cube's metadata cannot be read ({type(error).__name__}: {error})"
    return ProblemError(Problem(what, "fetch the cube again", path))


def _refuse_pickles(arrays: dict[str, zarr.Array[Any]], path: str) -> None:
    # numcodecs has a codec that unpickles; data from outside must not run code.
    for name, array in arrays.items():
        for codec in (*array.filters, *array.compressors):
            if "pickle" in str(getattr(codec, "codec_id", type(codec).__name__)).lower():
                raise _pickling(name, path)


def _pickling(name: str, path: str) -> ProblemError:
    what = f"{name} is stored by pickling, which could run code"
    return ProblemError(Problem(what, "do not trust this cube", path))
