"""Tiny minicubes in the real layout, written with xarray alone: none of our code is in them.

Three primary dates, one in each period of the paper's split, with four secondary dates each, in a
sparse date grid. The numbers are made up but lie in the real ranges; every raster of every pair
is different, so that a mix-up cannot go unnoticed.
"""

import functools
import json
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import xarray as xr

FRAME = "106A_09090_000404"
PRIMARIES = ("20180105", "20190704", "20200301")
HEIGHT, WIDTH = 40, 56
NORTH, WEST, STEP = -0.3508334, -92.0, 0.001
PAIR = ("primary_date", "secondary_date")
GRID = ("latitude", "longitude")
ATMOSPHERE = {
    "total_column_water_vapour": (22.5, 5.0),
    "surface_pressure": (93000.0, 3000.0),
    "vertical_integral_of_temperature": (2.4e6, 1e5),
}
WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)


def day(text):
    return np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}")


def compact(date):
    return str(np.datetime64(date, "D")).replace("-", "")


def make_records(frame=FRAME, first_id=1, primaries=PRIMARIES, secondaries=4, positive=(0, 2)):
    """Annotation records in the authors' schema; the groups at `positive` deform from step 1 on."""
    records = {}
    for p, primary in enumerate(primaries):
        for step in range(secondaries):
            deforms = p in positive and step > 0
            quake = deforms and p == 0 and step == secondaries - 1
            top, left = 8 + 2 * p, 10 + 3 * step
            corners = [left, top, left + 10, top, left + 10, top + 8, left, top + 8]
            kind = "Earthquake" if quake else ("Sill", "Mogi", "Dyke")[p % 3]
            number = first_id + len(records)
            records[str(number)] = {
                "uniqueID": number,
                "frameID": frame,
                "primary_date": primary,
                "secondary_date": compact(day(primary) + np.timedelta64(12 * (step + 1), "D")),
                "corrupted": 0,
                "processing_error": 0,
                "glacier_fringes": 0,
                "orbital_fringes": step % 2,
                "atmospheric_fringes": step % 4,
                "low_coherence": 0,
                "no_info": 0,
                "image_artifacts": 0,
                "label": (["Earthquake"] if quake else ["Deformation"])
                if deforms
                else ["Non_Deformation"],
                "activity_type": [kind] if deforms else [],
                "intensity_level": [["Low", "Medium", "High"][step % 3]] if deforms else [],
                "phase": "Unrest" if deforms else "Rest",
                "confidence": 0.8 if not deforms else 0.6,
                "segmentation_mask": [[0.3 * value for value in corners]] if deforms else [],
                "is_crowd": 0,
                "caption": f"Pair {number} of {frame}: {'a pattern' if deforms else 'nothing'}.",
            }
    return records


def make_cube(records=None, frame=FRAME, seed=0, height=HEIGHT, width=WIDTH):
    """The xarray dataset of one frame, everything filled in for the pairs of the records."""
    records = make_records(frame) if records is None else records
    rng = np.random.default_rng(seed)
    primaries = sorted({record["primary_date"] for record in records.values()})
    secondaries = sorted({record["secondary_date"] for record in records.values()})
    shape = (len(primaries), len(secondaries))
    y, x = np.mgrid[:height, :width]
    outside = x + 0.5 * y < 12

    def rasters(fill, dtype):
        return np.full((*shape, height, width), fill, dtype)

    cube = {
        "insar_difference": rasters(np.nan, "float32"),
        "insar_coherence": rasters(np.nan, "float32"),
        "deformation_mask": rasters(0, "int32"),
        "activity_type_mask": rasters(0, "int32"),
        "intensity_level_mask": rasters(0, "int32"),
    }
    for name in ATMOSPHERE:
        for date in PAIR:
            cube[f"{date}_{name}"] = rasters(np.nan, "float32")
    flags = ("atmospheric_fringes", "glacier_fringes", "orbital_fringes")
    truths = ("corrupted", "is_crowd", "low_coherence", "no_info", "processing_error")
    fields = {
        **{name: np.zeros(shape, "int32") for name in flags},
        **{name: np.zeros(shape, bool) for name in (*truths, "valid_date_pair")},
        "confidence": np.zeros(shape, "float32"),
        "caption": np.full(shape, "", "U572"),
        "phase": np.full(shape, "", "U10"),
        "unique_id": np.full(shape, "", "U10"),
    }
    at_primary = {}
    for record in sorted(records.values(), key=lambda record: record["uniqueID"]):
        if record["frameID"] != frame:
            continue
        at = primaries.index(record["primary_date"]), secondaries.index(record["secondary_date"])
        phase = rng.uniform(-np.pi, np.pi, (height, width)).astype("float32")
        cube["insar_difference"][at] = np.where(outside, 0, np.clip(phase, -3.14159, 3.14159))
        coherence = rng.integers(1, 256, (height, width))
        cube["insar_coherence"][at] = np.where(outside, 0, coherence)
        for name, (mean, spread) in ATMOSPHERE.items():
            key = record["primary_date"], name
            if key not in at_primary:
                at_primary[key] = rng.normal(mean, spread, (height, width))
            cube[f"primary_date_{name}"][at] = at_primary[key]
            cube[f"secondary_date_{name}"][at] = rng.normal(mean, spread, (height, width))
        for polygon in record["segmentation_mask"]:
            left, top, right, _, _, bottom = (round(value / 0.3) for value in polygon[:6])
            inside = np.s_[(*at, slice(top, bottom), slice(left, right))]
            cube["deformation_mask"][inside] = 2 if "Earthquake" in record["label"] else 1
            cube["activity_type_mask"][inside] = 1 + record["uniqueID"] % 5
            cube["intensity_level_mask"][inside] = 1 + record["uniqueID"] % 3
        for name in (*flags, *truths, "confidence", "caption", "phase"):
            fields[name][at] = record[name]
        fields["unique_id"][at] = str(record["uniqueID"])
        fields["valid_date_pair"][at] = True
    attributes = {"grid_mapping": "spatial_ref"}
    return xr.Dataset(
        {
            **{name: ((*PAIR, *GRID), values, attributes) for name, values in cube.items()},
            **{name: (PAIR, values) for name, values in fields.items()},
            "dem": (GRID, (30.0 * y + 7 * x).astype("float32"), attributes),
            "spatial_ref": ((), np.int64(0), {"crs_wkt": WKT, "spatial_ref": WKT}),
        },
        coords={
            "primary_date": np.array([day(text) for text in primaries], "datetime64[ns]"),
            "secondary_date": np.array([day(text) for text in secondaries], "datetime64[ns]"),
            "latitude": NORTH - STEP * np.arange(height),
            "longitude": WEST + STEP * np.arange(width),
        },
        attrs={"title": "Minicube", "frame_id": frame, "description": "Made up."},
    )


def write_cube(
    cube,
    folder,
    form="directory",
    zarr_format=2,
    consolidated=True,
    top_folder=True,
    mask_fill=None,
):
    """Write a cube as `<frame>.zarr`, `.zarr.zip` or `.zarr.tar`, one chunk a pair.

    `mask_fill` is declared as the integer masks' fill value and stands where a pair is not there,
    so that xarray decodes those masks to float with NaN.
    """
    name = f"{cube.attrs['frame_id']}.zarr"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    height, width = cube.sizes["latitude"], cube.sizes["longitude"]
    encoding = {
        variable: {"chunks": (1, 1, height, width)} for variable in cube if cube[variable].ndim == 4
    }
    if mask_fill is not None:
        for variable in ("deformation_mask", "activity_type_mask", "intensity_level_mask"):
            there = cube["valid_date_pair"]
            cube = cube.assign({variable: cube[variable].where(there, mask_fill).astype("int32")})
            encoding[variable]["_FillValue"] = mask_fill
    path = folder / name
    with warnings.catch_warnings():
        # Zarr v3 has no settled type for fixed-length text, nor consolidated metadata.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", FutureWarning)
        cube.to_zarr(
            path, mode="w", zarr_format=zarr_format, consolidated=consolidated, encoding=encoding
        )
    return path if form == "directory" else pack(path, form, top_folder)


def pack(path, form, top_folder=True):
    """Turn a cube's folder into an archive beside it; the folder is removed."""
    archive = path.with_name(f"{path.name}.{form}")
    prefix = f"{path.name}/" if top_folder else ""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    names = [f"{prefix}{file.relative_to(path).as_posix()}" for file in files]
    if form == "tar":
        with tarfile.open(archive, "w") as packed:
            for file, name in zip(files, names, strict=True):
                packed.add(file, name)
    else:
        # Zarr's own zips are stored, those of the zip command deflated: have both.
        kind = zipfile.ZIP_DEFLATED if top_folder else zipfile.ZIP_STORED
        with zipfile.ZipFile(archive, "w", kind) as packed:
            for file, name in zip(files, names, strict=True):
                packed.write(file, name)
    shutil.rmtree(path)
    return archive


def write_minicubes(folder, frames=(FRAME,), **kind):
    """A folder of cubes with `annotations.json` and `frame_names.json`; returns the records.

    `kind` is given to `write_cube`. Many tests ask for the same cubes: they are made once, and
    copied.
    """
    shutil.copytree(_made(tuple(frames), **kind), folder, dirs_exist_ok=True)
    return json.loads((Path(folder) / "annotations.json").read_text())


_MADE = tempfile.TemporaryDirectory(prefix="minicubes-")


@functools.cache
def _made(frames, **kind):
    folder = Path(tempfile.mkdtemp(dir=_MADE.name))
    records = {}
    for number, frame in enumerate(frames):
        mine = make_records(frame, 1 + 100 * number)
        write_cube(make_cube(mine, frame, number), folder, **kind)
        records |= mine
    (folder / "annotations.json").write_text(json.dumps(records))
    names = {frame: f"Volcano {number}" for number, frame in enumerate(frames)}
    (folder / "frame_names.json").write_text(json.dumps(names))
    return folder


def rewrite(source, folder, **changes):
    """A cube with some variables changed, as a directory."""
    return write_cube(source.assign(changes), folder)
