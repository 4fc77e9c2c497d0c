"""Shards as the authors' scripts write and read them, by xarray, torch and webdataset alone."""

import io

import numpy as np
import torch
import webdataset

from dataset_script.annotations.record import to_record
from dataset_script.channels import CHANNEL_NAMES

SIZE = 32


def theirs(cube, sample):
    """A sample's tensors as the authors make them, by xarray and torch alone."""
    planes, masks = [], []
    for annotation in sample.annotations:
        dates = {"primary_date": str(annotation.primary_date)}
        dates["secondary_date"] = str(annotation.secondary_date)
        pair = cube.sel(dates).isel(latitude=slice(0, SIZE), longitude=slice(0, SIZE))
        planes += [pair[name].values for name in CHANNEL_NAMES]
        masks.append(pair.deformation_mask.values > 0)
    facts = {
        "frame_id": sample.frame_id,
        "annotation": [to_record(annotation) for annotation in sample.annotations],
        "label": [int("Non_Deformation" not in a.labels) for a in sample.annotations],
        "annotation_path": [f"{annotation.unique_id}.json" for annotation in sample.annotations],
    }
    image = torch.from_numpy(np.stack(planes).astype("float32"))
    return image, torch.from_numpy(np.stack(masks).astype("int64")), facts


def write_theirs(path, samples):
    """A shard as the authors' scripts write it: WebDataset's own writer over torch.save."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path)) as writer:
        for number, (image, labels, facts) in enumerate(samples):
            members = {"__key__": f"sample{number:06d}"}
            for name, value in (("image", image), ("labels", labels), ("sample", facts)):
                buffer = io.BytesIO()
                torch.save(value, buffer)
                members[f"{name}.pth"] = buffer.getvalue()
            writer.write(members)


def their_loader(shards):
    """What the authors' loader takes from shards: image, masks, a label of each step, and facts."""
    for sample in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False):
        image, masks, facts = (
            torch.load(io.BytesIO(sample[f"{name}.pth"]), weights_only=False)
            for name in ("image", "labels", "sample")
        )
        yield image, masks, torch.tensor(facts["label"]), facts
