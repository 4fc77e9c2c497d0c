"""A record as `watch` makes one, without a model: rasters, quicklooks, JSON files and rows."""

import json

import numpy as np
from PIL import Image

from hub.record.table import Record
from tests.hub.licsar import DEGREES, write_tif
from tests.hub.record.answers import answer, many

SIZE = (120, 160)
STRONG = "079D_07694_131313_20170304_20170316"
"""The only alarm of `make_record`, of its sixth pair."""


def add_pair(folder, made):
    """Files of an answer, then its row."""
    scene = made["scene"]
    mask = np.zeros(SIZE, "uint8")
    mask[40:70, 60:110] = made["probability"] > 0.5
    mask[:, :20] = 255
    write_tif(folder / f"{scene}_mask.tif", mask, DEGREES, nodata=255)
    probability = np.where(mask == 1, made["probability"], 0.01).astype("float32")
    probability[:, :20] = np.nan
    write_tif(folder / f"{scene}_probability.tif", probability, DEGREES, nodata=np.nan)
    Image.new("RGB", (64, 64), "navy").save(folder / f"{scene}_quicklook.png")
    (folder / f"{scene}.csv").write_text("scene,warnings\na,/srv/secret/in.tif: odd\n")
    kinds = {"mask": "_mask.tif", "probability": "_probability.tif", "csv": ".csv"}
    kinds["quicklook"] = "_quicklook.png"
    made = {**made, "files": {kind: f"{scene}{end}" for kind, end in kinds.items()}}
    (folder / f"{scene}.json").write_text(json.dumps(made))
    Record(folder).add(made)


def make_record(folder):
    """Eight pairs of one frame, of which one deforms and one is pale, and what came before it."""
    pairs = many(8)
    odd = {"warnings": ["/srv/secret/20170304.cc.tif: left out"]}
    for number, made in enumerate(pairs):
        days = (made["primary_date"], made["secondary_dates"][0])
        if number == 5:
            add_pair(folder, answer(*days, 0.2, weights="w0"))  # superseded by the next
            made = answer(*days, 0.97, **odd)
        if number == 2:
            made = answer(*days, 0.05, mean_coherence=0.08)
        add_pair(folder, made)
    Record(folder).flush()
    return folder
