"""LiCSAR GeoTIFFs: companions, order, no data, and everything that is not one."""

import datetime

import numpy as np
import pytest
import rasterio
from affine import Affine

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from hub.scenes.rasters.names import dates_in, frame_of
from tests.hub.licsar import (
    DEGREES,
    FRAME,
    PRIMARY,
    SECONDARIES,
    make_phase,
    write_frame,
    write_tif,
)


def test_a_pair_finds_its_companions(tmp_path):
    paths = write_frame(tmp_path)
    scene = load_scene(paths[1])
    with rasterio.open(paths[1]) as file:
        assert np.array_equal(scene.insar_difference[0], file.read(1))
        assert scene.transform == file.transform
    assert scene.crs == "EPSG:4326"
    assert scene.name == f"{FRAME}_{PRIMARY}_{SECONDARIES[1]}"
    assert scene.primary_date == datetime.date(2017, 1, 3)
    assert scene.insar_coherence.max() > 100 and scene.dem.min() >= 500
    assert np.array_equal(scene.nodata, scene.insar_difference[0] == 0)
    assert scene.warnings == ()


def test_three_pairs_in_any_order_with_companions_elsewhere(tmp_path):
    paths = write_frame(tmp_path / "frame")
    moved = []
    for number, path in enumerate(sorted((tmp_path / "frame").rglob("*.tif"))):
        target = tmp_path / f"upload{number}" / path.name
        target.parent.mkdir()
        moved.append(path.rename(target))
    scene = load_scene(moved[::-1])
    assert scene.steps == len(paths) == 3
    assert [f"{date:%Y%m%d}" for date in scene.secondary_dates] == list(SECONDARIES)
    for step in range(3):
        assert np.array_equal(scene.insar_difference[step], make_phase(90, 120, step, 1.0 + step))
    assert scene.insar_coherence.shape == (3, 90, 120) and scene.dem is not None


def test_what_is_missing_is_left_out(tmp_path):
    paths = write_frame(tmp_path)
    paths[0].with_name(paths[0].name.replace("diff_pha", "cc")).unlink()
    scene = load_scene(paths)
    assert scene.insar_coherence is None and "coherence is missing" in scene.warnings[0]
    alone = load_scene(write_tif(tmp_path / "alone" / "any.tif", make_phase(20, 20)))
    assert alone.insar_coherence is None and alone.primary_date is None
    assert alone.name == "any"


def test_a_tag_and_nan_are_no_data(tmp_path):
    phase = make_phase(20, 20) + 0.001
    phase[3, 3], phase[4, 4] = -9999, np.nan
    scene = load_scene(write_tif(tmp_path / "a.tif", phase, nodata=-9999))
    assert np.argwhere(scene.nodata).tolist() == [[3, 3], [4, 4]]


def test_a_dem_on_a_coarser_grid_is_resampled(tmp_path):
    path = write_tif(tmp_path / "20170103_20170115.geo.diff_pha.tif", make_phase(40, 40))
    x = np.arange(20, dtype="float32")
    coarse = Affine(0.002, 0, DEGREES.c, 0, -0.002, DEGREES.f)
    write_tif(tmp_path / "f.geo.hgt.tif", np.tile(x, (20, 1)), coarse)
    dem = load_scene(path).dem
    # The middle of fine column c lies at coarse column (c + 0.5) / 2 - 0.5.
    np.testing.assert_allclose(dem[20, 4:36], (np.arange(4, 36) + 0.5) / 2 - 0.5, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "place", "said"),
    [
        (np.zeros((9, 9), "complex64"), {}, "no pixel holds data"),
        (np.ones((3, 9, 9), "float32"), {}, "3 bands"),
        (np.ones((9, 9), "uint8"), {}, "radians in floating point"),
        (np.ones((9, 9), "float32"), {"crs": None}, "no coordinate reference system"),
        (np.full((9, 9), np.nan, "float32"), {}, "no pixel holds data"),
    ],
)
def test_wrong_rasters_are_refused_by_name(tmp_path, values, place, said):
    path = write_tif(tmp_path / "odd.tif", values, **place)
    with pytest.raises(SceneError, match="odd") as error:
        load_scene(path)
    assert said in str(error.value)


def test_what_only_looks_like_a_geotiff(tmp_path):
    text = tmp_path / "text.tif"
    text.write_text("not a raster")
    with pytest.raises(SceneError, match="not a readable GeoTIFF"):
        load_scene(text)
    # Another format in disguise may name any file of this machine as its source.
    secret = write_tif(tmp_path / "secret.tif", make_phase(9, 9))
    vrt = tmp_path / "vrt.tif"
    vrt.write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SceneError, match="not a readable GeoTIFF"):
        load_scene(vrt)
    whole = write_tif(tmp_path / "whole.tif", make_phase(200, 200))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(SceneError, match="not a readable GeoTIFF"):
        load_scene(cut)


def test_a_header_of_ten_gigapixels_is_refused_before_reading(tmp_path):
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=100_000,
        width=100_000,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=DEGREES,
        sparse_ok=True,
        bigtiff="yes",
        tiled=True,
    ):
        pass
    with pytest.raises(SceneError, match="100000 x 100000 pixels; at most 100 million"):
        load_scene(path)


def test_files_that_do_not_belong_together(tmp_path):
    paths = write_frame(tmp_path)
    other = write_tif(tmp_path / "20160103_20170115.geo.diff_pha.tif", make_phase(90, 120))
    with pytest.raises(SceneError, match="several primary dates"):
        load_scene([paths[0], other])
    small = write_tif(tmp_path / f"{PRIMARY}_20180101.geo.diff_pha.tif", make_phase(20, 20))
    with pytest.raises(SceneError, match="another grid"):
        load_scene([paths[0], small])
    with pytest.raises(SceneError, match="same dates"):
        load_scene([paths[0], write_tif(tmp_path / paths[0].name, make_phase(90, 120))])
    with pytest.raises(SceneError, match="does not exist"):
        load_scene([paths[0], tmp_path / "other.tif"])
    with pytest.raises(SceneError, match=r"coherence .* not a phase"):
        load_scene(sorted(tmp_path.rglob("*.cc.tif"))[:2])


def test_a_file_that_does_not_exist_is_named(tmp_path):
    paths = write_frame(tmp_path)
    with pytest.raises(SceneError, match=r"20170301\.geo\.diff_pha\.tif does not exist"):
        load_scene([*paths, tmp_path / "20170103_20170301.geo.diff_pha.tif"])


def test_names(tmp_path):
    assert dates_in("20170103_20170115.geo.cc.tif") == (
        datetime.date(2017, 1, 3),
        datetime.date(2017, 1, 15),
    )
    assert dates_in("20171303_20170115.tif") is None
    assert frame_of(tmp_path / FRAME / "x" / "y.tif") == FRAME
