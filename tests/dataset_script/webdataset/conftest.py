"""Samples of a made-up cube, as the authors' shards and as our rows."""

import numpy as np
import pytest

from dataset_script.annotations.record import from_record
from dataset_script.annotations.series import derive_groups, make_samples
from dataset_script.channels import CHANNELS, MASKS
from dataset_script.rows.encoding import describe
from dataset_script.webdataset.shards import shard_path
from tests.cubes import make_cube, make_records
from tests.dataset_script.webdataset.theirs import SIZE, theirs, write_theirs


@pytest.fixture(scope="module")
def source():
    """Cube, annotations, and samples of three steps by split."""
    records = make_records()
    annotations = {int(n): from_record(r) for n, r in records.items()}
    return make_cube(records), make_samples(derive_groups(annotations), 3, "train")


@pytest.fixture(scope="module")
def released(source, tmp_path_factory):
    """A WebDataset in the authors' layout."""
    cube, samples = source
    root = tmp_path_factory.mktemp("released")
    tensors = [theirs(cube, sample) for sample in samples]
    for split, chosen in (("train", tensors[:1]), ("validation", tensors[1:2]), ("test", tensors)):
        write_theirs(root / shard_path(3, split, True, 0), chosen)
    write_theirs(root / shard_path(3, "train", False, 0), tensors[1:2])
    write_theirs(root / shard_path(3, "train", False, 1), tensors[1:2])
    return root


@pytest.fixture(scope="module")
def rows(source):
    """Rows as our own export has them, of another window of the same cube."""
    cube, samples = source
    made = []
    for sample in samples:
        window = cube.isel(latitude=slice(2, 2 + SIZE), longitude=slice(4, 4 + SIZE))
        steps = [
            window.sel(primary_date=str(a.primary_date), secondary_date=str(a.secondary_date))
            for a in sample.annotations
        ]
        row = describe(sample, ["Cerro Azul"])
        for channel in CHANNELS:
            series = np.stack([step[channel.name].values for step in steps]).astype(channel.dtype)
            row[channel.name] = series if channel.per_step else series[0]
        for mask in MASKS:
            row[mask] = np.stack([step[mask].values for step in steps]).astype("uint8")
        row |= {"bounds": [-92.0, -0.4, -91.9, -0.3], "crs": "EPSG:4326"}
        row |= {"pixel_size": [0.001, 0.001], "window": [2, 4, SIZE, SIZE]}
        made.append(row)
    return made
