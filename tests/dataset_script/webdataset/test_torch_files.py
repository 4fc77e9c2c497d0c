"""torch's file format without torch: equal both ways, and deaf to anything but data."""

import collections
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dataset_script.webdataset.torch_files import dumps, loads

DTYPES = ["f4", "f8", "f2", "i8", "i4", "i2", "i1", "u1", "?"]


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, max_side=5))
    )
)
def test_arrays_survive_both_ways(array):
    ours = torch.load(io.BytesIO(dumps(array)), weights_only=True).numpy()
    theirs = loads(saved(torch.from_numpy(array.copy())))
    for found in (ours, theirs, loads(dumps(array))):
        assert found.dtype == array.dtype and found.shape == array.shape
        np.testing.assert_array_equal(found, array)


def test_views_and_shared_storages_are_read_as_torch_means_them():
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    value = {"a": base.permute(2, 0, 1), "b": base[1, ::2, 1:], "c": base[:0]}
    found = loads(saved(value))
    for name, tensor in value.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_plain_data_survives_both_ways():
    value = {"frame_id": "é", "label": [["Deformation"], []], "n": [1, 2.5, None, True, -(10**12)]}
    assert torch.load(io.BytesIO(dumps(value)), weights_only=True) == value
    assert loads(saved(value)) == value
    mixed = {"number": np.int64(3), "share": np.float32(0.5), "order": collections.OrderedDict(a=1)}
    assert loads(saved(mixed)) == mixed


def test_the_same_value_gives_the_same_bytes():
    array = np.arange(6, dtype="f4")
    assert dumps(array) == dumps(array.copy())


class Evil:
    ran = False

    def __reduce__(self):
        return exec, (
            "import tests.dataset_script.webdataset.test_torch_files as t; t.Evil.ran = True",
        )


def archive(description, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("archive/data.pkl", description)
        for name, content in members.items():
            packed.writestr(f"archive/data/{name}", content)
    return buffer.getvalue()


def test_code_is_refused_and_does_nothing():
    content = saved({"frame_id": Evil()})
    with pytest.raises(ValueError, match=r"exec, which is not data"):
        loads(content)
    assert not Evil.ran
    pickle.loads(pickle.dumps(Evil()))  # The bait does bite where it is let.


@pytest.mark.parametrize(
    "description",
    [
        b"cos\nsystem\n(Vtrue\ntR.",
        b"cbuiltins\neval\n(V1\ntR.",
        b"ctorch._utils\n_rebuild_parameter\n.",
        b"cnumpy\nload\n(Vx\ntR.",
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        b"(Vtrue\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x82\x01.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(dVa\nVb\nsb.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(dVcall\nVb\nsb0.",
        b"P1\n.",
        b"garbage",
        b"",
    ],
)
def test_anything_but_data_is_refused(description):
    with pytest.raises(ValueError, match=r"asks for|malformed|alter|unknown|pickle"):
        loads(archive(description))


@pytest.mark.parametrize(
    ("count", "offset", "size", "stride"),
    [(4, 0, (5,), (1,)), (4, 2, (3,), (1,)), (4, 0, (2, 2), (3, 1)), (4, -1, (2,), (1,)),
     (4, 0, (10**6,), (0,)), (5, 0, (2,), (1,)), (4, 0, (2,), (-1,))],
)  # fmt: skip
def test_tensors_that_reach_outside_their_storage_are_refused(count, offset, size, stride):
    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Storage(), offset, size, stride, False, {})

    class Storage:
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                return ("storage", torch.FloatStorage, "0", "cpu", count)
            return None

    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(Tensor())
    with pytest.raises(ValueError, match="storage"):
        loads(archive(buffer.getvalue(), **{"0": bytes(16)}))


@pytest.mark.parametrize("content", [b"", b"PK", saved(torch.ones(3))[:200], b"\x80\x02}q\x00."])
def test_damaged_and_old_files_are_errors(content):
    with pytest.raises(ValueError, match="zip format"):
        loads(content)


def test_a_zip_of_another_kind_is_an_error():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("a.txt", "hello")
    with pytest.raises(ValueError, match=r"not one that torch\.save wrote"):
        loads(buffer.getvalue())


def test_a_corrupted_storage_is_an_error():
    content = bytearray(saved(torch.ones(100)))
    at = bytes(content).index(np.ones(100, "f4").tobytes())
    content[at] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        loads(bytes(content))


def test_types_that_torch_lacks_are_an_error():
    with pytest.raises(ValueError, match="no tensor of complex64"):
        dumps(np.zeros(2, "c8"))
