"""Samples to rows: the pixels of a series of interferograms, cut to one crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset_script.annotations.record import Annotation, Pair
from dataset_script.annotations.series import Group, Sample
from dataset_script.channels import (
    ATMOSPHERIC_VARIABLES,
    COHERENCE,
    DEM,
    MASKS,
    PHASE,
    Channel,
    both_dates,
    select,
)
from dataset_script.cubes.layout import Window
from dataset_script.cubes.minicube import Minicube
from dataset_script.labels import ACTIVITY_TYPES, FLAGS, INTENSITY_LEVELS, LABELS, PHASES
from dataset_script.problems import Problem, ProblemError
from dataset_script.rows.crops import place_crop
from dataset_script.rows.node_grid import to_nodes
from dataset_script.rows.recipe import Recipe
from dataset_script.rows.stratification import remove_stratified
from dataset_script.rows.tables import Row
from dataset_script.seeding import generator
from dataset_script.source.checks import check_mask


@dataclass
class Encoder:
    """Encodes the samples of one open cube.

    Samples of a group share interferograms, and the cube keeps what it decoded of a primary date
    as long as later samples want it: encode the samples of a group one after the other.

    Attributes:
        cube: The cube.
        recipe: Parameters of the rows.
        volcanoes: Names of the volcanoes in the frame.
        warnings: What was odd so far but leaves pixels and labels usable, in the order it was met.
        atmosphere_error: Largest error that the node grid has made so far, by channel, in the
            channel's unit; empty at full resolution.
    """

    cube: Minicube
    recipe: Recipe
    volcanoes: Sequence[str] = ()
    warnings: dict[Problem, None] = field(default_factory=dict)
    atmosphere_error: dict[str, float] = field(default_factory=dict)

    def encode(self, sample: Sample, later: Sequence[Sample] = ()) -> Row:
        """Encode a sample.

        Args:
            sample: A sample of the cube's frame.
            later: Samples of the same group that will be encoded next; what they share with this
                one stays decoded.

        Returns:
            A row, columns as in `recipe.features`.

        Raises:
            DataError: If a chunk is missing or damaged, a value is out of range, a mask
                contradicts the labels, or the frame is smaller than the crop.
        """
        pairs = [annotation.pair for annotation in sample.annotations]
        coming = {annotation.pair for each in later for annotation in each.annotations}
        # Whether a step's rasters will be read again; a short group repeats interferograms.
        again = [pair in coming or pair in pairs[step:] for step, pair in enumerate(pairs, 1)]
        window = self._window(sample)
        row = describe(sample, self.volcanoes)
        row |= {
            "bounds": list(self.cube.bounds(window)),
            "crs": self.cube.crs,
            "pixel_size": list(self.cube.grid.pixel_size),
            "window": list(window),
        }
        for mask in MASKS:
            row[mask] = np.stack(
                [
                    self._mask(mask, annotation, window, more)
                    for annotation, more in zip(sample.annotations, again, strict=True)
                ]
            )
        for channel in select(self.recipe.channels):
            if channel.per_step:
                steps = zip(pairs, again, strict=True)
                row[channel.name] = np.stack([self._read(channel, *s, window) for s in steps])
            else:
                row[channel.name] = self._read(channel, pairs[0], bool(later), window)
        if self.recipe.correct_stratified and PHASE in row:
            phases = zip(row[PHASE], pairs, strict=True)
            row[PHASE] = np.stack([self._less_stratified(*each, window) for each in phases])
        self.warnings |= self.cube.warnings
        return row

    def sound(self, group: Group, problems: list[Problem]) -> Group:
        """A group without the interferograms that cannot be used.

        Args:
            group: A group of the cube's frame.
            problems: What is wrong with those is appended here.

        Returns:
            The rest of the group, as if they had never been annotated; it may be empty.
        """
        names = [c.name for c in select(self.recipe.channels) if c.kind != "static"]
        if self.recipe.correct_stratified:
            names += [name for field in ATMOSPHERIC_VARIABLES for name in both_dates(field)]
        kept, corner = [], Window(0, 0, 1, 1)
        for annotation in group.annotations:
            try:
                for name in dict.fromkeys([*names, COHERENCE]):
                    self.cube.read(name, *annotation.pair, corner)
                for mask in MASKS:
                    self._mask(mask, annotation, corner)
                check_mask(self.cube, annotation)
                kept.append(annotation)
            except ProblemError as error:
                problems.append(error.problem)
        return Group(group.frame_id, group.primary_date, tuple(kept))

    def _window(self, sample: Sample) -> Window:
        nodata = np.zeros((self.cube.height, self.cube.width), np.uint16)
        moved = np.zeros(nodata.shape, bool)
        steps = {annotation.pair: annotation for annotation in sample.annotations}
        for pair, annotation in sorted(steps.items()):
            nodata += self.cube.read(COHERENCE, *pair) == 0
            self.warnings |= dict.fromkeys(check_mask(self.cube, annotation))
            moved |= self._mask("deformation_mask", annotation) > 0
        rng = generator(self.recipe.seed, "crop", sample.sample_id)
        size = self.recipe.image_size
        try:
            corner = place_crop(moved, nodata, size, rng, self.recipe.crop)
        except ValueError as error:
            what = str(error)
            raise ProblemError(Problem(what, "", self.cube.path, self.cube.frame_id)) from None
        return Window(*corner, size, size)

    def _mask(
        self, name: str, annotation: Annotation, window: Window | None = None, again: bool = True
    ) -> np.ndarray:
        return self.cube.read(name, *annotation.pair, window, annotation.blank_masks, again)

    def _less_stratified(self, phase: np.ndarray, pair: Pair, window: Window) -> np.ndarray:
        before, after = (
            {
                name: self.cube.read(both_dates(name)[date], *pair, window)
                for name in ATMOSPHERIC_VARIABLES
            }
            for date in (0, 1)
        )
        return remove_stratified(phase, before, after, self.cube.read_static(DEM, window))

    def _read(self, channel: Channel, pair: Pair, again: bool, window: Window) -> np.ndarray:
        name, cube = channel.name, self.cube
        if channel.kind == "static":
            field = cube.read_static(name, window)
        else:  # the stratified part needs the weather once more
            again |= self.recipe.correct_stratified
            field = cube.read(name, *pair, window, again=again)
        nodes = self.recipe.atmosphere_nodes
        if nodes is None or channel.storage != "smooth":
            return field
        grid, error = to_nodes(field, nodes)
        self.atmosphere_error[name] = max(self.atmosphere_error.get(name, 0.0), error)
        return grid


def describe(sample: Sample, volcanoes: Sequence[str] = ()) -> dict[str, Any]:
    """The columns of a row that come from its annotations.

    Args:
        sample: The sample.
        volcanoes: Names of the volcanoes in its frame.

    Returns:
        Plain Python values, class codes for class names.
    """
    steps = sample.annotations
    return {
        "sample_id": sample.sample_id,
        "frame_id": sample.frame_id,
        "volcanoes": list(volcanoes),
        "primary_date": sample.primary_date,
        "secondary_dates": [step.secondary_date for step in steps],
        "unique_ids": [step.unique_id for step in steps],
        "label": int(sample.positive),
        "labels": [_codes(step.labels, LABELS) for step in steps],
        "activity_types": [_codes(step.activity_types, ACTIVITY_TYPES) for step in steps],
        "intensity_levels": [_codes(step.intensity_levels, INTENSITY_LEVELS) for step in steps],
        "phases": _codes([step.phase for step in steps], PHASES),
        "confidence": [step.confidence for step in steps],
        **{flag: [getattr(step, flag) for step in steps] for flag in FLAGS},
        "captions": [step.caption for step in steps],
        "segmentation_mask": [
            [list(polygon) for polygon in step.segmentation_mask] for step in steps
        ],
    }


def _codes(names: Sequence[str], vocabulary: Sequence[str]) -> list[int]:
    return [vocabulary.index(name) for name in names]
