"""Archives that a visitor sends: too much, out of themselves, damaged, or made to trap."""

import json
import os
import stat
import zipfile

import numpy as np
import pytest

from tests.spaces import scenes


def test_a_bomb_in_a_folder_in_a_zip(refuse, tmp_path):
    bomb = scenes.zip_bomb(tmp_path / "bomb.npz", megabytes=150)
    path = tmp_path / "product.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bomb, "product/scene.npz")
    assert "unpacks to" in refuse(path, max_unpacked_bytes=100 * 2**20)


def test_zip_bomb(refuse, tmp_path):
    path = scenes.zip_bomb(tmp_path / "bomb.npz", megabytes=150)
    assert path.stat().st_size < 2**20
    assert "unpacks to" in refuse(path, max_unpacked_bytes=100 * 2**20)


def test_npz_with_a_large_array_inside_the_limit(refuse, tmp_path):
    path = tmp_path / "wide.npz"
    np.savez_compressed(path, insar_difference=np.zeros((5000, 4000), "float32"))
    assert "at most 16 million" in refuse(path)


def test_npz_with_objects(refuse, tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, insar_difference=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "never unpickled" in refuse(path)


@pytest.mark.parametrize("name", ["../../evil.npy", "/etc/evil.npy", "a/../../b.npy", "C:\\x.npy"])
def test_archive_names_outside_itself(refuse, tmp_path, name):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    assert "outside itself" in refuse(path)


def test_archive_with_a_link(refuse, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("frame.zarr/.zgroup")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "holds a link" in refuse(path)


def test_archive_with_too_many_members(refuse, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(f"f/{number}", b"")
    assert "members" in refuse(path)


def test_archive_of_something_else(refuse, tmp_path):
    path = scenes.write_zip(tmp_path / "photos.zip", **{"a.jpg": b"x"})
    assert "stands for nothing" in refuse(path)


def test_damaged_archive(refuse, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\x03\x04" + os.urandom(500))
    assert "damaged" in refuse(path)


def _array(**changes):
    record = {
        "zarr_format": 2,
        "shape": [1],
        "chunks": [1],
        "dtype": "<f4",
        "compressor": None,
        "filters": None,
        "fill_value": 0,
        "order": "C",
    }
    return json.dumps(record | changes)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (_array(filters=[{"id": "pickle"}], dtype="|O"), "codec 'pickle'"),
        (_array(compressor={"id": "pickle"}), "codec 'pickle'"),
        (_array(chunks=[1, 1, 200_000, 200_000]), "chunks of"),
        (_array(chunks="many"), "not Zarr v2"),
        (_array(dtype="nonsense"), "unknown dtype"),
        (_array(shape=[200_000, 200_000], dtype="|b1"), "more than are read"),
        (_array(shape=[4000, 4000], dtype="<U999"), "more than are read"),
        (_array(shape=None), "not Zarr v2"),
        ("[]", "not Zarr metadata"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_cube_whose_metadata_asks_for_trouble(refuse, tmp_path, metadata, said):
    path = scenes.write_zip(
        tmp_path / "f.zarr.zip", **{"f.zarr__.zgroup": "{}", "f.zarr__dem__.zarray": metadata}
    )
    assert said in refuse(path)


def test_pickle_codec_hidden_in_consolidated_metadata(refuse, tmp_path):
    inner = {"metadata": {"dem/.zarray": json.loads(_array(filters=[{"id": "pickle"}]))}}
    path = scenes.write_zip(tmp_path / "f.zarr.zip", **{"f.zarr__.zmetadata": json.dumps(inner)})
    assert "codec 'pickle'" in refuse(path)


def test_consolidated_metadata_of_another_shape(refuse, tmp_path):
    path = scenes.write_zip(tmp_path / "f.zarr.zip", **{"f.zarr__.zmetadata": '{"metadata": []}'})
    assert "not Zarr metadata" in refuse(path)


def test_zarr_v3_beside_v2_metadata_is_not_read_in_its_place(refuse, tmp_path):
    members = {"f.zarr__.zgroup": '{"zarr_format": 2}', "f.zarr__zarr.json": "{}"}
    assert "Zarr v2" in refuse(scenes.write_zip(tmp_path / "f.zarr.zip", **members))


def test_metadata_that_unpacks_to_much_is_not_unpacked(refuse, tmp_path, monkeypatch):
    path = tmp_path / "f.zarr.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.zarr/.zattrs", bytes(9 * 2**20))

    def read(*arguments):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "read", read)
    assert "too large for metadata" in refuse(path)


def test_archive_with_damage_inside(refuse, tmp_path):
    npz, cube, name = (tmp_path / name for name in ("a.npz", "b.zarr.zip", "c.npz"))
    np.savez_compressed(npz, insar_difference=scenes.make_phase())
    with zipfile.ZipFile(cube, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.zarr/.zgroup", json.dumps({str(i): i * i for i in range(999)}))
    for path in (npz, cube):
        content = bytearray(path.read_bytes())
        content[200:1200] = b"\xff" * 1000
        path.write_bytes(content)
    scenes.write_zip(name, **{"é.npy": b"x"})
    name.write_bytes(name.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert "not a readable .npz" in refuse(npz)
    assert "damaged" in refuse(cube)
    assert "damaged" in refuse(name)
