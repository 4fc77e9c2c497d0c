"""Files that a visitor might send: good ones, and each of the bad ones."""

import io
import struct
import zipfile

import numpy as np
import rasterio
from affine import Affine

PLACE = Affine(0.001, 0, 40.5, 0, -0.001, 13.7)
RNG = np.random.default_rng(7)


def make_phase(size=64):
    """A random phase."""
    return np.random.default_rng(3).uniform(-3, 3, (size, size)).astype("float32")


def write_tiff(path, values, crs="EPSG:4326", transform=None, **profile):
    """A GeoTIFF of one band."""
    values = np.asarray(values)
    options = {} if crs is None else {"crs": crs}
    transform = transform or PLACE
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=1,
        dtype=values.dtype,
        transform=transform,
        **options,
        **profile,
    ) as file:
        file.write(values, 1)
    return path


def licsar(folder, steps=1, size=64):
    """Phase, coherence and elevation of one primary date, named as LiCSAR names them."""
    paths = []
    y, x = np.mgrid[:size, :size] / size - 0.5
    for step in range(steps):
        pair = f"20210101_202101{13 + 12 * step if step < 2 else 30}"
        phase = np.angle(np.exp(1j * (9 * (step + 1) * np.exp(-(x**2 + y**2) / 0.02))))
        phase = (phase + RNG.normal(0, 0.2, (size, size))).astype("float32")
        phase = np.angle(np.exp(1j * phase)).astype("float32")
        paths.append(write_tiff(folder / f"{pair}.geo.diff_pha.tif", phase))
        coherence = RNG.integers(120, 255, (size, size)).astype("uint8")
        paths.append(write_tiff(folder / f"{pair}.geo.cc.tif", coherence))
    height = (800 + 600 * np.exp(-(x**2 + y**2) / 0.1)).astype("float32")
    paths.append(write_tiff(folder / "079D_07694_131313.geo.hgt.tif", height))
    return paths


def huge_header(path):
    """A TIFF of a few hundred bytes that claims 100 000 x 100 000 pixels."""
    tags = [
        (256, 4, 1, 100_000),
        (257, 4, 1, 100_000),
        (258, 3, 1, 32),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, 100_000),
        (279, 4, 1, 4),
        (339, 3, 1, 3),
    ]
    body = struct.pack("<H", len(tags))
    body += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 12) + b"\0\0\0\0" + body)
    return path


def zip_bomb(path, megabytes):
    """An `.npz` that unpacks to a thousand times its size."""
    header = io.BytesIO()
    side = int((megabytes * 2**20 / 4) ** 0.5)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (side, side)}
    )
    block = bytes(2**20)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("insar_difference.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(megabytes):
            member.write(block)
    return path


def write_zip(path, **members):
    """A zip archive of the members given as `name=bytes`; "__" in a name is "/"."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return path
