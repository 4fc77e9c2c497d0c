"""The planted scene of the products' tests: uplift in one place, subsidence in another.

The phase is positive where the range increases, as every one of the products has it; uplift,
which comes nearer, is negative.
"""

import numpy as np
import rasterio
from affine import Affine

HEIGHT, WIDTH = 120, 150
GRID = Affine(0.001, 0, 40.5, 0, -0.001, 13.5)
UTM_GRID = Affine(100, 0, 660_000, 0, -100, 1_490_000)
UTM = "EPSG:32637"
UPLIFT, SUBSIDENCE = (45, 100), (80, 40)
FIRST, SECOND = "20170103", "20170115"
PAIR = f"{FIRST}_{SECOND}"

_y, _x = np.mgrid[:HEIGHT, :WIDTH]


def _bump(at, width=12):
    return np.exp(-((_y - at[0]) ** 2 + (_x - at[1]) ** 2) / (2 * width**2))


PHASE = (2.8 * (_bump(SUBSIDENCE) - _bump(UPLIFT)) + 0.02).astype("float32")
TURNS = (PHASE + 14 * _bump(SUBSIDENCE, 15)).astype("float32")
COHERENCE = (0.6 + 0.2 * np.sin(_x / 20)).astype("float32")
HEIGHTS = (300 + 10 * _y).astype("float32")
ABSENT = _x < 10
PHASE[ABSENT] = TURNS[ABSENT] = COHERENCE[ABSENT] = 0
INTERFEROGRAM = (np.where(ABSENT, 0, 50 * COHERENCE) * np.exp(1j * PHASE)).astype("complex64")
AMPLITUDE = (50 * COHERENCE).astype("float32")


def tif(path, *bands, grid=GRID, crs="EPSG:4326", driver="GTiff", nodata=None, **tags):
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver=driver,
        height=bands[0].shape[0],
        width=bands[0].shape[1],
        count=len(bands),
        dtype=bands[0].dtype,
        transform=grid,
        crs=crs,
        nodata=nodata,
    ) as file:
        for number, band in enumerate(bands, 1):
            file.write(band, number)
        file.update_tags(**tags)
    return path
