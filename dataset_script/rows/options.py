"""What a user may choose about a dataset's rows: spelt out here alone.

The builder's configuration inherits these fields, and the command line is made from them.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import docstring_parser

from dataset_script.channels import PUBLISHED_NAMES
from dataset_script.errors import ConfigError
from dataset_script.rows.crops import CropMode
from dataset_script.rows.recipe import Recipe, length_of


@dataclass(kw_only=True)
class RowOptions:
    """Parameters of a dataset's rows.

    Attributes:
        image_size: Side of the crops in pixels.
        split: By primary date as in the paper; strict, the same without its leak; spatial, by
            volcano; or dates, by primary date in periods of your own.
        channels: Channels to keep, in order; an ERA5 name stands for both of its dates;
            the nine published ones if left out.
        crop: Hold the deformation, lie anywhere, or lie in the frame's middle.
        atmosphere: ERA5 fields at full resolution, or on a grid of so many nodes a side, with the
            error reported (default full).
        seed: Seeds the duplication in short groups, the spatial split and the crops.
        correct_stratified: Take the stratified troposphere that the ERA5 fields and the elevation
            imply out of the phase.
        train_dates: For --split dates: years, months, days or stretches of time from:to, such as
            2014:2018 or 2019-06; what lies in no period is left out.
        validation_dates: The same of validation.
        test_dates: The same of test.
    """

    image_size: int = 512
    split: Literal["paper", "strict", "spatial", "dates"] = "paper"
    channels: Sequence[str] = PUBLISHED_NAMES
    crop: CropMode = "deformation"
    atmosphere: int | str = "full"
    seed: int = 0
    correct_stratified: bool = False
    train_dates: Sequence[str] = ()
    validation_dates: Sequence[str] = ()
    test_dates: Sequence[str] = ()

    def recipe(self, name: str) -> Recipe:
        """The checked parameters of one config.

        Args:
            name: "ts1", "ts3", "ts<N>" or "groups".

        Raises:
            ConfigError: If a parameter is out of range.
        """
        return Recipe(
            length_of(name),
            self.image_size,
            self.split,
            tuple(self.channels),
            self.crop,
            self._nodes(),
            self.seed,
            self.correct_stratified,
            *map(_texts, (self.train_dates, self.validation_dates, self.test_dates)),
        )

    def _nodes(self) -> int | None:
        if self.atmosphere == "full":
            return None
        try:
            return int(self.atmosphere)
        except (TypeError, ValueError):
            raise ConfigError(
                f'the atmosphere is "full" or a number of nodes, not {self.atmosphere!r}'
            ) from None


def _texts(periods: Any) -> tuple[str, ...]:
    """Periods as texts; years may come as numbers, and one alone."""
    return tuple(map(str, [periods] if isinstance(periods, str | int) else periods))


def option_fields(cls: type) -> dict[str, tuple[Any, Any, str]]:
    """Type, default and explanation of each field of a dataclass, to make a command line of it.

    Args:
        cls: The dataclass; "Attributes" in its docstring, or its parents', explain the fields.
    """
    kinds = typing.get_type_hints(cls)
    told = {
        entry.arg_name: " ".join((entry.description or "").split()).rstrip(".")
        for each in cls.__mro__
        for entry in docstring_parser.parse(each.__doc__ or "").params
    }
    return {
        entry.name: (kinds[entry.name], entry.default, told[entry.name])
        for entry in dataclasses.fields(cls)
    }
