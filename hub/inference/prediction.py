"""What is known of a scene once models were asked. Files and figures are made of it elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pyproj import Transformer
from scipy import ndimage

from dataset_script.errors import ConfigError
from hub.inference.polygons import MAX_POLYGONS, Region, bounds_degrees, find_regions, mask_area_km2
from hub.inference.verdict import Opinion, Verdict
from hub.record.volcanoes import volcanoes_within
from hub.scenes.scene import Scene, apply
from training.facts import ModelFacts

LOW_COHERENCE = 0.2
"""Mean coherence (0..1) below which an answer carries a warning."""


def require_threshold(threshold: float | None) -> None:
    """Refuse a threshold that is no probability.

    Raises:
        ConfigError: If it is not between 0 and 1.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold {threshold} is not between 0 and 1")


def _turned(longitude: float) -> float:
    """A longitude in -180..180: grids go on beyond, at the antimeridian or from 0 to 360."""
    return (longitude + 180) % 360 - 180 if abs(longitude) > 180 else longitude


@dataclass(frozen=True)
class Caption:
    """A sentence that a model wrote about a scene. It is no part of the verdict.

    Attributes:
        text: The sentence.
        model: Who wrote it.
        bounds: West, south, east and north of what it was shown, in degrees, which "top-left" and
            the like are of; None without georeference.
    """

    text: str
    model: str
    bounds: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer of one model on one scene.

    Attributes:
        scene: The scene as it came.
        facts: The model's facts.
        model: The model's name: repository or folder.
        revision: The commit of the model's repository, or "local".
        weights: Digest of the weights, which tells two local models of one name apart.
        probability: Probability of deformation of each pixel of the scene's grid, float32
            [H, W], NaN where there is no data; None for a classification model.
        image_probability: Probability that the scene shows deformation. Segmentation: the
            largest mean over 9 x 9 training pixels, about a square kilometre. Classification:
            the largest of all windows.
        class_probabilities: Probability of each class. Segmentation into several types: the mean
            over that same square kilometre. Classification: those of the winning window.
        threshold: Smallest probability of a pixel that the mask holds.
        limits: Probabilities of the scene below which it is quiet, and from which on it deforms.
        place: Longitude and latitude, or column and row without georeference, of the middle of
            the square kilometre or window that `image_probability` is of.
        evidence: Of each pixel, the largest mean of `probability` over a square kilometre that it
            lies in, float32 [H, W]; None for a classification model.
        by_date: Probability of each pixel at each of the scene's dates, float16 [T, H, W]; None
            unless it was asked for and the model judged each of several dates alone.
        warnings: What the reader must know to trust the answer.
        second: A classifier's prediction for the same scene beside a segmentation model's.
        caption: What a captioner wrote of it, if one was asked.
    """

    scene: Scene
    facts: ModelFacts
    model: str
    revision: str
    weights: str
    probability: np.ndarray | None
    image_probability: float
    class_probabilities: Mapping[str, float]
    threshold: float
    limits: tuple[float, float]
    place: tuple[float, float]
    evidence: np.ndarray | None = None
    by_date: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    second: Prediction | None = None
    caption: Caption | None = None

    def with_threshold(self, threshold: float) -> Prediction:
        """The same answer, its mask drawn at another threshold; the verdict stays as it is."""
        return dataclasses.replace(self, threshold=threshold)

    @property
    def opinion(self) -> Opinion:
        """What this model alone says."""
        return Opinion(self.facts.objective, self.model, self.image_probability, self.limits)

    @property
    def verdict(self) -> Verdict:
        """What is said of the scene, wherever it is said."""
        x, y = self.place
        if self.scene.georeferenced:
            place = {"longitude": _turned(x), "latitude": y}
        else:
            if self.scene.transform is not None:
                x, y = apply(~self.scene.transform, x, y)
            place = {"row": y - 0.5, "column": x - 0.5}
        return Verdict(self.opinion, self.second.opinion if self.second else None, place)

    @property
    def place_pixel(self) -> tuple[float, float]:
        """Row and column of the verdict's place on the scene's own grid."""
        x, y = self.place
        scene = self.scene
        if scene.transform is not None:
            if scene.crs is not None:
                x, y = Transformer.from_crs("EPSG:4326", scene.crs, always_xy=True).transform(x, y)
            x, y = apply(~scene.transform, x, y)
        return y - 0.5, x - 0.5

    @cached_property
    def mask(self) -> np.ndarray | None:
        """The patches that deform, bool [H, W]; None for a classification model.

        They are the connected pixels (also across corners) at and above the threshold, where
        somewhere the probability holds over a square kilometre at the lower of the limits: a patch
        that alone would make a quiet scene is none. So a mask is empty where the verdict is "no
        deformation".
        """
        if self.probability is None:
            return None
        found = np.nan_to_num(self.probability, nan=-1.0) >= self.threshold
        if self.evidence is None or not found.any():
            return found
        if self.image_probability < self.limits[0]:
            return np.zeros_like(found)
        patches, _ = ndimage.label(found, np.ones((3, 3)))
        held = np.zeros(patches.max() + 1, bool)
        held[patches[found & (self.evidence >= self.limits[0])]] = True
        return held[patches]

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The mask's connected patches, the largest first; none without georeference."""
        scene = self.scene
        if self.mask is None or self.probability is None or not scene.georeferenced:
            return ()
        assert scene.transform is not None and scene.crs is not None
        return tuple(find_regions(self.mask, self.probability, scene.transform, scene.crs))

    @cached_property
    def area_km2(self) -> float | None:
        """Geodesic area of the mask; None without a mask or a georeference."""
        if self.mask is None or self.scene.transform is None or self.scene.crs is None:
            return None
        return mask_area_km2(self.mask, self.scene.transform, self.scene.crs)

    @property
    def centroid(self) -> tuple[float, float] | None:
        """Longitude and latitude of the middle of the largest patch; None if there is none."""
        if not self.regions:
            return None
        middle = self.regions[0].polygon.centroid
        return _turned(middle.x), middle.y

    @property
    def most_probable_at(self) -> list[float] | None:
        """Longitude and latitude of the verdict's place; None without georeference."""
        if not self.scene.georeferenced:
            return None
        place = self.verdict.place
        return [place["longitude"], place["latitude"]]

    @cached_property
    def mean_coherence(self) -> float | None:
        """Mean coherence (0..1) in the mask, or over all data where there is no mask."""
        coherence = self.scene.insar_coherence
        if coherence is None:
            return None
        inside = ~self.scene.nodata
        if self.mask is not None and self.mask.any():
            inside = self.mask
        return float(np.mean([step[inside].mean() for step in coherence])) / 255

    @cached_property
    def max_coherence(self) -> float | None:
        """Largest coherence (0..1) of any pixel and step of the scene."""
        coherence = self.scene.insar_coherence
        if coherence is None:
            return None
        return max(float(step.max()) for step in coherence) / 255

    @cached_property
    def reference_iou(self) -> float | None:
        """Intersection over union with the scene's own mask.

        None where either is missing, and where both are empty: then there is nothing to compare.
        """
        reference = self.scene.reference
        if self.mask is None or reference is None:
            return None
        union = int((self.mask | reference).sum())
        return int((self.mask & reference).sum()) / union if union else None

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """The warnings, and those that depend on the threshold, of both models, each once."""
        notes = list(self.warnings)
        if self.mean_coherence is not None and self.mean_coherence < LOW_COHERENCE:
            where = "in the mask" if self.mask is not None and self.mask.any() else "of the scene"
            notes.append(
                f"the mean coherence {where} is {self.mean_coherence:.2f}: phase is mostly noise"
            )
        if len(self.regions) == MAX_POLYGONS:
            notes.append(f"only the {MAX_POLYGONS} largest patches of the mask are outlined")
        if self.second is not None:
            notes += self.second.warnings
        return tuple(dict.fromkeys(notes))

    def volcanic_place(self) -> dict[str, Any]:
        """The scene's bounds, the volcanoes in it, and the one near the verdict's place."""
        bounds = bounds_degrees(self.scene)
        near = self.verdict.near
        return {
            "volcano": near and near.volcano.name,
            "volcano_number": near and near.volcano.number,
            "volcano_distance_km": near and near.distance_km,
            "volcano_bearing": near and near.bearing,
            "volcanoes": [item.name for item in volcanoes_within(bounds)] if bounds else [],
            "bounds": list(bounds) if bounds else None,
        }

    def summary(self) -> dict[str, Any]:
        """Everything but the rasters, as plain JSON types; what is unknown is None."""
        scene = self.scene
        longitude, latitude = self.centroid or (None, None)
        return {
            "scene": scene.name,
            **self.verdict.to_dict(),
            "threshold": self.threshold,
            "most_probable_at": self.most_probable_at,
            "class_probabilities": dict(self.class_probabilities),
            "area_km2": self.area_km2,
            "patches": len(self.regions) if scene.georeferenced and self.mask is not None else None,
            "centroid_longitude": longitude,
            "centroid_latitude": latitude,
            **self.volcanic_place(),
            "mean_coherence": self.mean_coherence,
            "max_coherence": self.max_coherence,
            "nodata_fraction": float(scene.nodata.mean()),
            "iou_with_reference": self.reference_iou,
            "primary_date": scene.primary_date and f"{scene.primary_date:%Y%m%d}",
            "secondary_dates": [f"{date:%Y%m%d}" for date in scene.secondary_dates],
            "product": scene.product,
            "range_increase": scene.range_increase,
            "crs": scene.crs,
            "model": self.model,
            "revision": self.revision,
            "weights": self.weights,
            "objective": self.facts.objective,
            "task": self.facts.task,
            "dataset": self.facts.dataset,
            "warnings": list(self.all_warnings),
            "caption": self.caption and self.caption.text,
            "caption_model": self.caption and self.caption.model,
            "caption_bounds": self.caption and self.caption.bounds and list(self.caption.bounds),
            "notice": "research, not an alert",
        }
