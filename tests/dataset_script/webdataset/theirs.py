"""Shards as the authors' scripts write them, by xarray, torch and webdataset alone."""

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
        masks.append(pair.deformation_mask.values)
    facts = {
        "frame_id": sample.frame_id,
        "annotation": [to_record(annotation) for annotation in sample.annotations],
        "label": [list(annotation.labels) for annotation in sample.annotations],
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
