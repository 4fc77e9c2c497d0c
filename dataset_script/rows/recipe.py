"""What a dataset config is made of: the parameters that decide every byte of its rows."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataset_script.annotations.periods import Period, parse_periods
from dataset_script.annotations.splits import SCHEMES, SPLITS
from dataset_script.channels import PHASE, PUBLISHED_NAMES, select
from dataset_script.errors import ConfigError
from dataset_script.rows.crops import CROP_MODES, CropMode

if TYPE_CHECKING:
    from datasets import Features

GROUPS = "groups"
"""Name of the config whose rows are whole groups, of varying length."""


@dataclass(frozen=True)
class Recipe:
    """Parameters of one dataset config.

    Attributes:
        timeseries_length: Steps T of every row; None for whole groups of varying length.
        image_size: Height and width of the crops in pixels.
        split: Split scheme, one of `splits.SCHEMES`.
        channels: Channels to keep, in order.
        crop: Crop mode, one of `crops.CROP_MODES`.
        atmosphere_nodes: Side of the node grid that smooth channels (the ERA5 fields) are kept
            on; None keeps them at full resolution.
        seed: Seeds the duplication in short groups, the spatial split and the crops.
        correct_stratified: Whether the stratified troposphere that the ERA5 fields imply is taken
            out of the phase; see `stratification.remove_stratified`.
        train_dates: Periods of train in the split scheme `dates`; see `periods.parse_period`.
        validation_dates: The same of validation.
        test_dates: The same of test.

    Raises:
        ConfigError: If a parameter is out of range.
    """

    timeseries_length: int | None
    image_size: int = 512
    split: str = "paper"
    channels: tuple[str, ...] = PUBLISHED_NAMES
    crop: CropMode = "deformation"
    atmosphere_nodes: int | None = None
    seed: int = 0
    correct_stratified: bool = False
    train_dates: tuple[str, ...] = ()
    validation_dates: tuple[str, ...] = ()
    test_dates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = tuple(channel.name for channel in select(self.channels))
        object.__setattr__(self, "channels", names)
        if not names:
            raise ConfigError("no channels are chosen; name at least one")
        if self.timeseries_length is not None and self.timeseries_length < 1:
            raise ConfigError(f"the length of a series is at least 1, not {self.timeseries_length}")
        if self.correct_stratified and PHASE not in names:
            raise ConfigError(
                f"the stratified troposphere is taken out of {PHASE}, which is not among the "
                "channels; add it, or leave out the correction"
            )
        if self.image_size < 1:
            raise ConfigError(f"the image size is at least 1 pixel, not {self.image_size}")
        if self.split not in SCHEMES:
            raise ConfigError(
                f"unknown split scheme {self.split!r}; choose one of {', '.join(SCHEMES)}"
            )
        if (self.split == "dates") != any(self.periods.values()):
            raise ConfigError(
                "the split scheme dates and the periods (train_dates, validation_dates, "
                "test_dates) belong together; one is given without the other"
            )
        if self.crop not in CROP_MODES:
            raise ConfigError(
                f"unknown crop mode {self.crop!r}; choose one of {', '.join(CROP_MODES)}"
            )
        if self.atmosphere_nodes is not None and not 2 <= self.atmosphere_nodes <= self.image_size:
            raise ConfigError(
                f"the atmosphere's node grid must have 2 to {self.image_size} nodes a side, "
                f"not {self.atmosphere_nodes}"
            )

    @property
    def name(self) -> str:
        """Config name: "ts1", "ts3", ... or "groups"."""
        return GROUPS if self.timeseries_length is None else f"ts{self.timeseries_length}"

    @cached_property
    def periods(self) -> dict[str, tuple[Period, ...]]:
        """Periods of each split in the scheme `dates`."""
        written = {split: getattr(self, f"{split}_dates") for split in SPLITS}
        return parse_periods(written)

    @property
    def features(self) -> Features:
        """Columns of its rows."""
        from dataset_script.rows.features import row_features  # loads datasets, which takes long

        return row_features(
            self.timeseries_length, self.image_size, self.channels, self.atmosphere_nodes
        )

    def to_dict(self) -> dict[str, Any]:
        """The parameters as plain JSON types."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def length_of(name: str) -> int | None:
    """Steps T that a config name stands for; None for "groups".

    Args:
        name: "groups", or "ts" and a number.

    Raises:
        ConfigError: If it is neither.
    """
    if name == GROUPS:
        return None
    if not re.fullmatch(r"ts[1-9]\d{0,3}", name):
        raise ConfigError(
            f"unknown config {name!r}; it is {GROUPS}, or ts and the length of the series, as ts3"
        )
    return int(name[2:])
