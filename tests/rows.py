"""Small made-up datasets in the exported layout, for tests that need rows but no physics.

A positive row carries a bright blob of phase and a mask under it, so that a tiny model can learn
it in a few steps.
"""

import datetime
import json
import shutil
from pathlib import Path

import numpy as np
import yaml
from datasets import Dataset, Features

from dataset_script.channels import ATMOSPHERIC_CHANNELS, CHANNEL_NAMES, select
from dataset_script.labels import FLAGS
from dataset_script.rows.features import row_features
from dataset_script.shards.writers import rows_file

SPLIT_YEARS = {"train": 2017, "validation": 2019, "test": 2020}


def make_row(rng, index, steps, size, channels=CHANNEL_NAMES, nodes=None, positive=None, year=2017):
    """One row as a dict of numpy arrays and Python values."""
    positive = bool(index % 2) if positive is None else positive
    y, x = np.mgrid[:size, :size] / size
    centre_y, centre_x = rng.uniform(0.35, 0.65, 2)
    blob = np.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / 0.02) * positive
    growth = np.linspace(0.5, 1.0, steps)[:, None, None]
    phase = rng.normal(0, 0.3, (steps, size, size)) + 2.5 * growth * blob
    mask = ((blob > 0.3) & (growth > 0)).astype("uint8")
    row = {}
    for channel in select(channels):
        side = nodes if nodes and channel.name in ATMOSPHERIC_CHANNELS else size
        shape = (steps, side, side) if channel.per_step else (side, side)
        if channel.name == "insar_difference":
            row[channel.name] = np.angle(np.exp(1j * phase)).astype("float32")
        elif channel.name == "insar_coherence":
            row[channel.name] = rng.integers(80, 256, shape).astype("uint8")
        else:
            row[channel.name] = rng.normal(channel.mean, channel.std / 4, shape).astype("float32")
    row["deformation_mask"] = mask
    row["activity_type_mask"] = mask * (1 + index % 5)
    row["intensity_level_mask"] = mask * (1 + index % 3)
    primary = datetime.date(year, 1 + index % 5, 1 + index % 28)
    secondary = [primary + datetime.timedelta(12 * (step + 1)) for step in range(steps)]
    row |= {
        "sample_id": f"frame{index % 3}/{primary:%Y%m%d}/{index:05d}",
        "frame_id": f"00{index % 3}D_00000_000000",
        "volcanoes": ["Testvolcano"],
        "primary_date": primary,
        "secondary_dates": secondary,
        "unique_ids": [100 * index + step for step in range(steps)],
        "label": int(positive),
        "labels": [["Deformation" if positive else "Non_Deformation"]] * steps,
        "activity_types": [[["Sill", "Dyke", "Mogi", "Spheroid", "Earthquake"][index % 5]]] * steps
        if positive
        else [[]] * steps,
        "intensity_levels": [[["Low", "Medium", "High"][index % 3]]] * steps
        if positive
        else [[]] * steps,
        "phases": ["Unrest" if positive else "Rest"] * steps,
        "confidence": [0.8] * steps,
        **{flag: [0] * steps for flag in FLAGS},
        "atmospheric_fringes": [(index + step) % 3 for step in range(steps)],
        "captions": ["A deformation pattern." if positive else "No deformation."] * steps,
        "segmentation_mask": [[[1.0, 1.0, 5.0, 1.0, 5.0, 5.0]] if positive else []] * steps,
        "bounds": [10.0, 20.0 - size * 0.001, 10.0 + size * 0.001, 20.0],
        "crs": "EPSG:4326",
        "pixel_size": [0.001, 0.001],
        "window": [0, 0, size, size],
    }
    return row


def make_dataset(count, steps=3, size=32, channels=CHANNEL_NAMES, nodes=None, seed=0, year=2017):
    """A `datasets.Dataset` of made-up rows."""
    rng = np.random.default_rng(seed)
    rows = [make_row(rng, i, steps, size, channels, nodes, year=year) for i in range(count)]
    return Dataset.from_list(rows, features=row_features(steps, size, channels, nodes))


def make_dataset_folder(
    root, steps=3, size=32, counts=(16, 8, 8), channels=CHANNEL_NAMES, nodes=None, seed=0
):
    """An exported dataset folder with one config, `ts<steps>`, as `export` lays it out."""
    folder = Path(root) / "hephaestus-minicubes"
    config = f"ts{steps}"
    (folder / "data" / config).mkdir(parents=True)
    files = []
    facts = {
        "timeseries_length": steps,
        "image_size": size,
        "split": "paper",
        "channels": list(channels),
        "atmosphere_nodes": nodes,
        "seed": seed,
        "counts": {},
    }
    for number, (split, count) in enumerate(zip(SPLIT_YEARS, counts, strict=True)):
        dataset = make_dataset(
            count, steps, size, channels, nodes, seed + number, SPLIT_YEARS[split]
        )
        path = f"data/{config}/{split}-00000-of-00001.parquet"
        dataset.to_parquet(folder / path, batch_size=4)
        files.append({"split": split, "path": path})
        positives = sum(dataset["label"])
        facts["counts"][split] = {"samples": count, "positives": positives}
    front = yaml.safe_dump(
        {"configs": [{"config_name": config, "data_files": files, "default": True}]}
    )
    (folder / "README.md").write_text(f"---\n{front}---\n# Made-up rows\n")
    (folder / "metadata.json").write_text(
        json.dumps({"name": "made-up rows", "configs": {config: facts}}, indent=1)
    )
    return folder


def with_another(dataset, root, split, column, value):
    """A copy of a dataset folder, of which each row of a split has another value in a column."""
    folder = Path(shutil.copytree(dataset, Path(root) / Path(dataset).name))
    (path,) = folder.glob(f"data/*/{split}-*.parquet")
    rows = Dataset.from_parquet(str(path), cache_dir=str(Path(root) / "cache"))

    def change(row):
        return {column: np.full_like(row[column], value)}

    changed = rows.with_format("numpy").map(change, features=rows.features, keep_in_memory=True)
    changed.to_parquet(path, batch_size=4)
    return folder


def write_tar(path, rows):
    """A WebDataset shard of rows, as an export writes one; returns the number of samples."""
    rows = list(rows)
    with rows_file(path, Features()) as writer:
        for row in rows:
            writer.write(row)
    return len(rows)
