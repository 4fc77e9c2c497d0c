"""The channel table: the one source of channel order, units, storage types and statistics.

Features, normalisation, model configs, cards and the demo all read it. The order is the authors':
the three InSAR and terrain channels, then each ERA5 field at the primary and the secondary date.
The statistics are the authors' too (`statistics.json`), over the whole archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dataset_script.errors import ConfigError

Date = Literal["pair", "primary", "secondary", "static"]

PHASE, COHERENCE, DEM = "insar_difference", "insar_coherence", "dem"


@dataclass(frozen=True)
class Channel:
    """One input channel.

    Attributes:
        name: Variable in the cube and column in the dataset.
        title: What a plot or a card calls it.
        unit: Physical unit, "1" where there is none.
        dtype: Storage type in the dataset.
        mean: Mean over the archive, in `unit`.
        std: Standard deviation over the archive, in `unit`.
        date: Which acquisition it belongs to: the interferometric pair, the primary or the
            secondary date, or none (static). Pair and secondary channels have one raster a time
            step; primary and static ones have one a row.
    """

    name: str
    title: str
    unit: str
    dtype: Literal["float32", "uint8"]
    mean: float
    std: float
    date: Date

    @property
    def per_step(self) -> bool:
        """Whether the raster changes from step to step of a time series."""
        return self.date in ("pair", "secondary")


# name, title, unit, mean, std
_ATMOSPHERE = (
    (
        "total_column_water_vapour",
        "total column water vapour",
        "kg m-2",
        22.526107385139355,
        12.85386775756665,
    ),
    ("surface_pressure", "surface pressure", "Pa", 92966.61998575741, 9132.050564654619),
    (
        "vertical_integral_of_temperature",
        "vertical integral of temperature",
        "K kg m-2",
        2396036.7821715856,
        263503.6556952968,
    ),
)

CHANNELS: tuple[Channel, ...] = (
    Channel(
        PHASE, "wrapped phase", "rad", "float32", 0.001489616346722796, 1.6176833645747521, "pair"
    ),
    Channel(COHERENCE, "coherence", "1/255", "uint8", 69.3472689222075, 76.50325808397666, "pair"),
    Channel(DEM, "elevation", "m", "float32", 833.0587512223403, 977.504283216005, "static"),
    *(
        Channel(f"{date}_date_{name}", f"{title}, {date} date", unit, "float32", mean, std, date)
        for name, title, unit, mean, std in _ATMOSPHERE
        for date in ("primary", "secondary")
    ),
)

BY_NAME: dict[str, Channel] = {channel.name: channel for channel in CHANNELS}
CHANNEL_NAMES: tuple[str, ...] = tuple(BY_NAME)
INSAR_CHANNELS: tuple[str, ...] = CHANNEL_NAMES[:3]
ATMOSPHERIC_CHANNELS: tuple[str, ...] = CHANNEL_NAMES[3:]
ATMOSPHERIC_VARIABLES: tuple[str, ...] = tuple(field[0] for field in _ATMOSPHERE)
MASKS: tuple[str, ...] = ("deformation_mask", "activity_type_mask", "intensity_level_mask")

WAVELENGTH_M = 0.05546576
"""Sentinel-1's C-band wavelength in metres."""

FRINGE_CM = WAVELENGTH_M / 2 * 100
"""Line-of-sight motion of one fringe (2 pi) in centimetres: half a wavelength."""


def select(names: Sequence[str]) -> tuple[Channel, ...]:
    """Look channels up by name, in the order asked for.

    Args:
        names: Channel names; a bare ERA5 name ("surface_pressure") stands for both of its dates.

    Returns:
        The channels.

    Raises:
        ConfigError: If a name is unknown or given twice.
    """
    chosen: list[str] = []
    for name in names:
        both = [f"primary_date_{name}", f"secondary_date_{name}"]
        expanded = both if name in ATMOSPHERIC_VARIABLES else [name]
        for channel in expanded:
            if channel not in BY_NAME:
                raise ConfigError(
                    f"unknown channel {name!r}; the channels are {', '.join(CHANNEL_NAMES)}"
                )
            if channel in chosen:
                raise ConfigError(f"channel {channel!r} is named twice")
            chosen.append(channel)
    return tuple(BY_NAME[name] for name in chosen)
