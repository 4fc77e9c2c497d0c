"""What says that a raster's pixel holds nothing: a mask of its own, a tag, NaN, or a sentinel."""

import numpy as np
import pytest
import rasterio

from hub.scenes.load import load_scene
from tests.hub.licsar import DEGREES, make_phase, write_tif

HEIGHT, WIDTH = 60, 70
OWN = make_phase(HEIGHT, WIDTH) == 0  # the fields that are written have no-data zeros already
ABSENT = OWN.copy()
ABSENT[:, :9] = ABSENT[20:24, 30:40] = True


@pytest.mark.parametrize("internal", [True, False])
def test_a_mask_of_the_file_counts(tmp_path, internal):
    path = write_tif(tmp_path / "a.tif", make_phase(HEIGHT, WIDTH), DEGREES)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal), rasterio.open(path, "r+") as file:
        file.write_mask(~ABSENT)
    assert (tmp_path / "a.tif.msk").exists() != internal
    assert np.array_equal(load_scene(path).nodata, ABSENT)


@pytest.mark.parametrize("value", [np.nan, -9999.0, 1e20, -3.4e38, np.inf])
def test_an_untagged_sentinel_counts(tmp_path, value):
    phase = np.where(ABSENT, np.float32(value), make_phase(HEIGHT, WIDTH)).astype("float32")
    scene = load_scene(write_tif(tmp_path / "a.tif", phase, DEGREES))
    assert np.array_equal(scene.nodata, ABSENT)
    assert np.isfinite(scene.insar_difference).all()
