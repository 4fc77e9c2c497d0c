"""Tensors in torch's own file format, written and read without torch and without unpickling.

`torch.save` makes a zip: `data.pkl` describes the object, `data/<key>` holds the raw numbers of
each tensor. The description is a pickle; reading it with pickle itself would run whatever code a
stranger put there. The reader below knows tensors, numpy scalars and plain containers, and
refuses every other name.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from typing import Any

import numpy as np

_STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_STORAGE_NAMES = {np.dtype(code): name for name, code in _STORAGES.items()}

# What unpickling nonsense raises, beside UnpicklingError.
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def loads(content: bytes) -> Any:
    """Read what `torch.save` wrote, tensors as numpy arrays.

    Args:
        content: The file.

    Returns:
        The object; of plain Python containers, texts, numbers and numpy arrays.

    Raises:
        ValueError: If the file is damaged, not in the zip format (that is, of torch before 1.6),
            or asks for anything but data.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        described = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    except (zipfile.BadZipFile, *_MALFORMED):
        raise ValueError("it is not in torch's zip format, or is truncated") from None
    if len(described) != 1:
        raise ValueError("it is a zip, but not one that torch.save wrote")
    try:
        return _Reader(archive, described[0]).load()
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is damaged ({error})") from None
    except pickle.UnpicklingError as error:
        raise ValueError(str(error)) from None
    except _MALFORMED as error:
        raise ValueError(f"its description is malformed ({error})") from None


def dumps(value: Any, name: str = "archive") -> bytes:
    """Write a tensor or plain Python data as `torch.save` does.

    Args:
        value: A numpy array, or containers of texts and numbers without arrays.
        name: The file's inner folder.

    Returns:
        The file, the same for the same value; `torch.load(weights_only=True)` reads it.
    """
    storages = {}
    if isinstance(value, np.ndarray):
        value = np.asarray(value, order="C")
        description = _describe(value)
        storages["data/0"] = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
    else:
        description = pickle.dumps(value, protocol=2)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        members = {"data.pkl": description, "byteorder": b"little", **storages, "version": b"3\n"}
        for member, content in members.items():
            # ZipInfo's own date is 1980 for all: the same value gives the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}/{member}"), content)
    return buffer.getvalue()


class _Known:
    """Stands for one of the callables that a description may name."""

    __slots__ = ("call",)

    def __init__(self, call: Any):
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it tries to alter a constructor")


class _NumpyType:
    """Stands for `numpy.dtype`, of plain numbers only."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: Any):
        self.code, self.order = str(code), "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = str(state[1])

    @property
    def dtype(self) -> np.dtype:
        if self.code[:1] not in "biuf":
            raise pickle.UnpicklingError(f"it holds numpy's {self.code}, which is no number")
        return np.dtype(self.code).newbyteorder(self.order.replace("|", "="))  # type: ignore[arg-type]


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, description: str):
        super().__init__(io.BytesIO(archive.read(description)))
        self._archive = archive
        self._folder = description.removesuffix("data.pkl")
        names = archive.namelist()
        order = f"{self._folder}byteorder"
        big = order in names and archive.read(order) == b"big"
        self._order = ">" if big else "<"

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("collections", "OrderedDict"): OrderedDict,
            ("numpy", "dtype"): _NumpyType,
            ("numpy.core.multiarray", "scalar"): _scalar,
            ("numpy._core.multiarray", "scalar"): _scalar,
            ("_codecs", "encode"): _latin1,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")
        return _Known(known[module, name])

    def persistent_load(self, identity: Any) -> np.ndarray:
        kind, code, key, _, count = identity
        if kind != "storage" or code not in _STORAGES.values() or not str(key).isalnum():
            raise pickle.UnpicklingError(f"unknown storage {identity!r:.80}")
        dtype = np.dtype(code).newbyteorder(self._order)
        content = self._archive.read(f"{self._folder}data/{key}")
        if len(content) != count * dtype.itemsize:
            raise pickle.UnpicklingError(f"storage {key} has {len(content)} bytes")
        return np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))


def _tensor(
    storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> np.ndarray:
    count = math.prod(size)
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if min((offset, *size, *stride), default=0) < 0 or (count and reach > len(storage)):
        raise pickle.UnpicklingError(f"a tensor {size} reaches outside its storage")
    if count > len(storage):
        raise pickle.UnpicklingError(f"a tensor {size} repeats its storage")
    strides = [step * storage.itemsize for step in stride]
    view = np.lib.stride_tricks.as_strided(storage[offset:], size, strides, writeable=False)
    return np.ascontiguousarray(view).reshape(size)


def _scalar(kind: _NumpyType, content: bytes) -> Any:
    return np.frombuffer(content, kind.dtype)[0].item()


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"unknown encoding {encoding}")
    return text.encode("latin1")


def _describe(array: np.ndarray) -> bytes:
    """The pickle of a contiguous tensor whose numbers lie in storage 0."""

    def text(value: str) -> bytes:
        content = value.encode()
        return pickle.BINUNICODE + struct.pack("<I", len(content)) + content

    def integers(values: tuple[int, ...]) -> bytes:
        return b"".join(pickle.BININT + struct.pack("<i", value) for value in values)

    if array.dtype not in _STORAGE_NAMES:
        raise ValueError(f"torch has no tensor of {array.dtype}")
    strides = tuple(step // array.itemsize for step in array.strides)
    return b"".join(
        (
            pickle.PROTO + b"\x02",
            pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n",
            pickle.MARK,
            pickle.MARK + text("storage"),
            pickle.GLOBAL + f"torch\n{_STORAGE_NAMES[array.dtype]}\n".encode(),
            text("0") + text("cpu") + integers((array.size,)) + pickle.TUPLE + pickle.BINPERSID,
            integers((0,)),
            pickle.MARK + integers(array.shape) + pickle.TUPLE,
            pickle.MARK + integers(strides) + pickle.TUPLE,
            pickle.NEWFALSE,
            pickle.GLOBAL + b"collections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE,
            pickle.TUPLE + pickle.REDUCE + pickle.STOP,
        )
    )
