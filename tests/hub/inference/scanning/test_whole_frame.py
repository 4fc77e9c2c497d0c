"""A frame of the size that LiCSAR serves, from GeoTIFF to GeoTIFF, in bounded memory."""

import os
import subprocess
import sys

import numpy as np
import rasterio
import torch
from affine import Affine

from hub.scenes.load import load_scene
from tests.hub.licsar import write_frame, write_tif
from tests.hub.pointwise import pointwise
from tests.places import ROOT

WHOLE_FRAME = """
import sys
from hub.inference.outputs import save_prediction
from hub.scenes.load import load_scene
from tests.hub.memory import peak_mib
from tests.hub.pointwise import pointwise

detector = pointwise(steps=3, image_size=256)
out, phases = sys.argv[1], sys.argv[2:]
# A small frame first: the libraries of files and figures take more than the frame itself.
for three in (phases[:3], phases[3:]):
    start = peak_mib()
    save_prediction(detector.predict(load_scene(three)), out)
print(peak_mib() - start)
"""


def test_a_whole_frame_in_bounded_memory(tmp_path):
    height, width = 1500, 1800
    phases = write_frame(tmp_path / "whole", height, width)
    small = write_frame(tmp_path / "small", 256, 256)
    done = subprocess.run(
        [sys.executable, "-c", WHOLE_FRAME, tmp_path / "out", *small, *phases],
        cwd=ROOT,
        env=os.environ | {"GDAL_CACHEMAX": "8", "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    # Phase, coherence and elevation of the three dates take 49 MiB, the answer 10 more, drawing 90,
    # and 80 stay with the allocator; a second copy of the three dates would be 49.
    assert int(done.stdout) < 270
    (mask,) = (tmp_path / "out").glob("*_mask.tif")
    (probability,) = (tmp_path / "out").glob("*_probability.tif")
    with rasterio.open(phases[0]) as source, rasterio.open(mask) as file:
        assert (file.shape, file.transform, file.crs) == (
            source.shape,
            source.transform,
            source.crs,
        )
        assert file.overviews(1)
    top, left, side = 420, 540, 720
    window = []
    frame = tmp_path / "whole"
    for path in (*phases, *sorted(frame.rglob("*.cc.tif")), *frame.rglob("*.hgt.tif")):
        with rasterio.open(path) as source:
            values = source.read(1)[top : top + side, left : left + side]
            a = source.transform
        place = Affine(a.a, 0, a.c + left * a.a, 0, a.e, a.f + top * a.e)
        window.append(write_tif(tmp_path / "window" / path.name, values, place))
    torch.set_num_threads(1)
    part = pointwise(steps=3, image_size=256).predict(load_scene(window)).probability
    with rasterio.open(probability) as file:
        whole = file.read(1)[top : top + side, left : left + side]
    inner = slice(256, side - 256)
    np.testing.assert_allclose(whole[inner, inner], part[inner, inner], atol=1e-5)
