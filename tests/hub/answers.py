"""Predictions made by hand, for what is said of them."""

import dataclasses

import numpy as np

from hub.inference.prediction import Prediction
from hub.scenes.scene import make_scene
from tests.hub.facts import make_facts
from tests.hub.licsar import DEGREES

CORNER = (DEGREES.c, DEGREES.f)


def predicted(probability, limits, *, kind="smp", placed=True, threshold=0.5):
    """One model's answer on a scene of 12 by 14 pixels, with or without a place on Earth."""
    place = {"transform": DEGREES, "crs": "EPSG:4326"} if placed else {}
    scene = make_scene("made", np.full((12, 14), 0.5, "float32"), **place)
    pixels = None
    if kind == "smp":
        pixels = np.full((12, 14), probability / 2, "float32")
        pixels[2:6, 3:8] = probability
    x, y = 5.5, 3.5
    return Prediction(
        scene,
        make_facts(kind, unsure=limits),
        f"NS/{kind}",
        "0123456789abcdef",
        "",
        pixels,
        probability,
        {"Non_Deformation": 1 - probability, "Deformation": probability},
        threshold,
        limits,
        scene.place(x, y),
    )


def both(first, second):
    """A segmentation model's answer with a classifier's beside it."""
    return dataclasses.replace(first, second=dataclasses.replace(second, scene=first.scene))
