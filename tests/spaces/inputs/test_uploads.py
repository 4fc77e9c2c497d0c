"""What a visitor sends is looked at before it is read, and is gone afterwards."""

import zipfile

import numpy as np

from tests.cubes import make_cube, write_cube
from tests.spaces import scenes


def test_licsar_files_of_three_dates_are_one_scene(send, tmp_path):
    scene = send(*scenes.licsar(tmp_path, steps=3))
    assert scene.insar_difference.shape == (3, 64, 64)
    assert scene.insar_coherence.dtype == np.uint8
    assert scene.dem.max() > 1000
    assert scene.crs == "EPSG:4326"
    assert [f"{date:%d}" for date in scene.secondary_dates] == ["13", "25", "30"]


def test_a_lone_tiff_is_phase_whatever_its_name(send, tmp_path):
    phase = scenes.make_phase()
    scene = send(scenes.write_tiff(tmp_path / "my phase.TIFF", phase))
    np.testing.assert_array_equal(scene.insar_difference[0], phase)


def test_elevation_that_lies_about_on_the_server_is_not_found(send, tmp_path):
    """The reader looks for companions in the folders above; those must be the upload's own."""
    scenes.write_tiff(tmp_path / "other.geo.hgt.tif", np.ones((64, 64), "float32"))
    assert send(scenes.write_tiff(tmp_path / "a.tif", scenes.make_phase())).dem is None


def test_npz(send, tmp_path):
    path = tmp_path / "scene.npz"
    np.savez_compressed(
        path, insar_difference=scenes.make_phase(), insar_coherence=np.full((64, 64), 200, "u1")
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
    path = scenes.write_tiff(tmp_path / "cut.tif", scenes.make_phase())
    path.write_bytes(path.read_bytes()[:9000])
    assert "cut" in refuse(path)


def test_complex_raster(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "complex.tif", scenes.make_phase().astype("complex64"))
    assert "complex" in refuse(path)


def test_raster_of_nan(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "nan.tif", np.full((32, 32), np.nan, "float32"))
    assert "no pixel holds data" in refuse(path)


def test_partly_nan_is_no_data(send, tmp_path):
    phase = scenes.make_phase()
    phase[:10] = np.nan
    scene = send(scenes.write_tiff(tmp_path / "part.tif", phase))
    assert scene.nodata[:10].all() and not scene.nodata[10:].any()
    assert np.isfinite(scene.insar_difference).all()


def test_tiff_without_crs(refuse, tmp_path):
    path = scenes.write_tiff(tmp_path / "nocrs.tif", scenes.make_phase(), crs=None)
    assert "coordinate reference system" in refuse(path)


def test_rotated_grid(refuse, tmp_path):
    from affine import Affine

    turned = Affine(0.00094, 0.00034, 40, 0.00034, -0.00094, 13)
    path = scenes.write_tiff(tmp_path / "turned.tif", scenes.make_phase(), transform=turned)
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


def test_too_many_bytes(refuse, tmp_path):
    assert "MB are read" in refuse(*scenes.licsar(tmp_path), max_upload_bytes=2000)


def test_too_many_files(refuse, tmp_path):
    paths = [scenes.write_tiff(tmp_path / f"{i}.tif", scenes.make_phase(8)) for i in range(41)]
    assert "at most 40" in refuse(*paths)


def test_kinds_that_do_not_belong_together(refuse, tmp_path):
    tiff = scenes.write_tiff(tmp_path / "a.tif", scenes.make_phase(8))
    path = scenes.write_zip(tmp_path / "b.npz", **{"a.npy": b"x"})
    assert "do not belong together" in refuse(tiff, path)


def test_a_name_that_would_climb_is_made_harmless(send, tmp_path):
    path = scenes.write_tiff(tmp_path / "..geo tiff$(rm).tif", scenes.make_phase())
    assert "/" not in send(path).name
