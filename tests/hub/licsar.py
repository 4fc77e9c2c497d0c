"""A small LiCSAR-like frame on disk, written with rasterio alone."""

import numpy as np
import rasterio
from affine import Affine

FRAME = "079D_07694_131313"
PRIMARY = "20170103"
SECONDARIES = ("20170115", "20170127", "20170208")
DEGREES = Affine(0.001, 0, 40.6, 0, -0.001, 13.9)


def make_phase(height, width, seed=0, fringes=3.0):
    """Wrapped phase of a smooth hill over a tilt, with a swath edge of zeros on the left."""
    y, x = np.mgrid[:height, :width]
    hill = np.exp(-((y - height * 0.45) ** 2 + (x - width * 0.55) ** 2) / (0.01 * height * width))
    noise = np.random.default_rng(seed).normal(0, 0.05, (height, width))
    phase = np.angle(np.exp(1j * (2 * np.pi * fringes * hill + 0.01 * x + noise)))
    phase[x < 0.1 * width + 0.1 * y] = 0
    return phase.astype("float32")


def write_tif(path, values, transform=DEGREES, crs="EPSG:4326", nodata=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=bands.shape[1],
        width=bands.shape[2],
        count=len(bands),
        dtype=bands.dtype,
        transform=transform,
        crs=crs,
        nodata=nodata,
    ) as file:
        file.write(bands)
    return path


def write_frame(root, height=90, width=120, secondaries=SECONDARIES, transform=DEGREES, **place):
    """A frame's folder as LiCSAR lays it out; returns the phase files."""
    paths = []
    y, x = np.mgrid[:height, :width]
    for number, secondary in enumerate(secondaries):
        pair = f"{PRIMARY}_{secondary}"
        phase = make_phase(height, width, number, 1.0 + number)
        coherence = np.where(phase == 0, 0, 90 + (x + y + number) % 100).astype("uint8")
        folder = root / FRAME / "interferograms" / pair
        paths.append(write_tif(folder / f"{pair}.geo.diff_pha.tif", phase, transform, **place))
        write_tif(folder / f"{pair}.geo.cc.tif", coherence, transform, **place)
    height_m = (500 + 2000 * np.hypot(y / height - 0.5, x / width - 0.5)).astype("float32")
    metadata = root / FRAME / "metadata" / f"{FRAME}.geo.hgt.tif"
    write_tif(metadata, height_m, transform, **place)
    return paths
