"""What a visitor sends is looked at before it is read, and is gone afterwards."""

import dataclasses
import json
import os
import stat
import tempfile
import time
import zipfile

import numpy as np
import pytest

from tests.cubes import make_cube, write_cube
from tests.spaces import scenes


@pytest.fixture
def send(settings, tmp_path, monkeypatch):
    """Upload files as the server does; checks that nothing is left of them, whatever happens."""
    from page.inputs.uploads import read_upload

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def run(*paths, **changes):
        started = time.monotonic()
        try:
            return read_upload(
                [str(path) for path in paths], dataclasses.replace(settings, **changes)
            )
        finally:
            assert time.monotonic() - started < 5
            assert not any(path.exists() for path in paths)
            assert not any(scratch.iterdir())

    return run


@pytest.fixture
def refuse(send):
    """Upload files that must be refused; gives the message."""
    from page.errors import PageError

    def run(*paths, **changes):
        with pytest.raises(PageError) as caught:
            send(*paths, **changes)
        said = str(caught.value)
        assert "/tmp" not in said and "Traceback" not in said
        return said

    return run


def make_phase(size=64):
    return np.random.default_rng(3).uniform(-3, 3, (size, size)).astype("float32")


def test_licsar_files_of_three_dates_are_one_scene(send, tmp_path):
    scene = send(*scenes.licsar(tmp_path, steps=3))
    assert scene.insar_difference.shape == (3, 64, 64)
    assert scene.insar_coherence.dtype == np.uint8
    assert scene.dem.max() > 1000
    assert scene.crs == "EPSG:4326"
    assert [f"{date:%d}" for date in scene.secondary_dates] == ["13", "25", "30"]


def test_a_lone_tiff_is_phase_whatever_its_name(send, tmp_path):
    phase = make_phase()
    scene = send(scenes.write_tiff(tmp_path / "my phase.TIFF", phase))
    np.testing.assert_array_equal(scene.insar_difference[0], phase)


def test_elevation_that_lies_about_on_the_server_is_not_found(send, tmp_path):
    """The reader looks for companions in the folders above; those must be the upload's own."""
    scenes.write_tiff(tmp_path / "other.geo.hgt.tif", np.ones((64, 64), "float32"))
    assert send(scenes.write_tiff(tmp_path / "a.tif", make_phase())).dem is None


def test_npz(send, tmp_path):
    path = tmp_path / "scene.npz"
    np.savez_compressed(
        path, insar_difference=make_phase(), insar_coherence=np.full((64, 64), 200, "u1")
    )
    path = path.rename(tmp_path / "scene.dat")  # by content, not by name
    assert send(path).insar_coherence.mean() == 200


def test_zipped_minicube(send, tmp_path):
    path = write_cube(make_cube(), tmp_path, form="zip")
    scene = send(path)
    assert 1 <= scene.steps <= 3
    assert scene.primary_date is not None
    assert scene.crs == "EPSG:4326"


def test_a_zip_of_a_products_folder(send, tmp_path):
    path = tmp_path / "product.zip"
    folder = tmp_path / "product"
    folder.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for file in scenes.licsar(folder, steps=2):
            archive.write(file, f"079D_07694_131313/20210101/{file.name}")
    scene = send(path)
    assert scene.steps == 2 and scene.insar_coherence is not None and scene.dem is not None


def test_a_bomb_in_a_folder_in_a_zip(refuse, tmp_path):
    bomb = scenes.zip_bomb(tmp_path / "bomb.npz", megabytes=150)
    path = tmp_path / "product.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bomb, "product/scene.npz")
    assert "unpacks to" in refuse(path, max_unpacked_bytes=100 * 2**20)


def test_coherence_alone_is_not_judged_as_a_phase(refuse, tmp_path):
    path = scenes.write_tiff(
        tmp_path / "20210101_20210113.geo.cc.tif", np.full((64, 64), 0.7, "float32")
    )
    assert "is coherence" in refuse(path)


def test_text_named_tif(refuse, tmp_path):
    path = tmp_path / "phase.geo.diff_pha.tif"
    path.write_text("not an image at all\n" * 10)
    assert "neither a GeoTIFF nor a zip archive" in refuse(path)


def test_empty_file(refuse, tmp_path):
    path = tmp_path / "phase.tif"
    path.touch()
    assert "is empty" in refuse(path)


def test_ten_gigapixel_header(refuse, tmp_path):
    path = scenes.huge_header(tmp_path / "huge.tif")
    assert path.stat().st_size < 1000
    assert "100000 x 100000 pixels" in refuse(path)


def test_truncated_tiff(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "cut.tif", make_phase())
    path.write_bytes(path.read_bytes()[:9000])
    assert "cut" in refuse(path)


def test_complex_raster(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "complex.tif", make_phase().astype("complex64"))
    assert "complex" in refuse(path)


def test_raster_of_nan(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "nan.tif", np.full((32, 32), np.nan, "float32"))
    assert "no pixel holds data" in refuse(path)


def test_partly_nan_is_no_data(send, tmp_path):
    phase = make_phase()
    phase[:10] = np.nan
    scene = send(scenes.write_tiff(tmp_path / "part.tif", phase))
    assert scene.nodata[:10].all() and not scene.nodata[10:].any()
    assert np.isfinite(scene.insar_difference).all()


def test_tiff_without_crs(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "nocrs.tif", make_phase(), crs=None)
    assert "coordinate reference system" in refuse(path)


def test_rotated_grid(refuse, tmp_path):
    from affine import Affine

    turned = Affine(0.00094, 0.00034, 40, 0.00034, -0.00094, 13)
    path = scenes.write_tiff(tmp_path / "turned.tif", make_phase(), transform=turned)
    assert "rotated" in refuse(path)


def test_several_bands(refuse, tmp_path):
    import rasterio

    path = tmp_path / "rgb.tif"
    shape = {"height": 8, "width": 8, "count": 3, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", transform=scenes.PLACE, **shape) as file:
        file.write(np.ones((3, 8, 8), "float32"))
    assert "3 bands" in refuse(path)


def test_other_raster_formats_are_not_opened(refuse, tmp_path):
    """A VRT may refer to any file of the server."""
    path = tmp_path / "phase.tif"
    path.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    assert "neither a GeoTIFF" in refuse(path)


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
    np.savez_compressed(npz, insar_difference=make_phase())
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


def test_too_many_bytes(refuse, tmp_path):
    assert "MB are read" in refuse(*scenes.licsar(tmp_path), max_upload_bytes=2000)


def test_too_many_files(refuse, tmp_path):
    paths = [scenes.write_tiff(tmp_path / f"{i}.tif", make_phase(8)) for i in range(41)]
    assert "at most 40" in refuse(*paths)


def test_kinds_that_do_not_belong_together(refuse, tmp_path):
    tiff = scenes.write_tiff(tmp_path / "a.tif", make_phase(8))
    path = scenes.write_zip(tmp_path / "b.npz", **{"a.npy": b"x"})
    assert "do not belong together" in refuse(tiff, path)


def test_a_name_that_would_climb_is_made_harmless(send, tmp_path):
    path = scenes.write_tiff(tmp_path / "..geo tiff$(rm).tif", make_phase())
    assert "/" not in send(path).name
