"""The channel table: the one source of channel order, units, storage types and statistics.

Features, normalisation, augmentation, model configs, cards and the demo all read it, and treat a
channel as its row says: what it belongs to (`kind`), what it measures (`physics`) and how it is
kept (`storage`). The order is the authors': the three InSAR and terrain channels, then each ERA5
field at the primary and the secondary date. The statistics are the authors' too
(`statistics.json`), over the whole archive. Channels of one's own follow, a row each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from dataset_script.errors import ConfigError

Kind = Literal["pair", "primary", "secondary", "static"]
Physics = Literal["phase", "coherence", "elevation", "weather", "other"]
Storage = Literal["float32", "uint8", "smooth"]

PHASE, COHERENCE, DEM = "insar_difference", "insar_coherence", "dem"


@dataclass(frozen=True)
class Channel:
    """One input channel.

    Attributes:
        name: Variable in the cube and column in the dataset; of a date's own field it begins with
            `primary_date_` or `secondary_date_`.
        title: What a plot or a card calls it.
        unit: Physical unit, "1" where there is none.
        mean: Mean over the archive, in `unit`.
        std: Standard deviation over the archive, in `unit`.
        kind: Which acquisition it belongs to: the interferometric pair, the primary or the
            secondary date, or none (static). In a cube a static channel has the grid's dimensions
            and any other the dates' too; in a row, pair and secondary channels have one raster a
            time step, primary and static ones one in all.
        physics: What it measures. "phase" is wrapped, in radians, 0 without data, and "coherence"
            on the 0..255 scale, 0 without data; each belongs to the pair. "elevation" and "weather"
            (an ERA5 field) are unknown where they are missing. Augmentation and withholding act by
            this; "other" is moved with the pixels and otherwise left alone.
        storage: "float32" as it is at every pixel, "uint8" for whole numbers 0..255, or "smooth":
            float32 that varies so slowly that it may be kept on a coarse node grid (see
            `rows.node_grid`) where the user asks for that.

    Raises:
        ConfigError: If these contradict each other.
    """

    name: str
    title: str
    unit: str
    mean: float
    std: float
    kind: Kind
    physics: Physics
    storage: Storage

    def __post_init__(self) -> None:
        def refuse(why: str) -> None:
            raise ConfigError(f"the channel table's row {self.name!r}: {why}")

        for field, kinds in (("kind", Kind), ("physics", Physics), ("storage", Storage)):
            if getattr(self, field) not in get_args(kinds):
                refuse(
                    f"{field} is {getattr(self, field)!r}, not one of {', '.join(get_args(kinds))}"
                )
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            refuse("a name has small letters, digits and _ alone")
        if self.kind != (_date_of(self.name) or self.kind):
            refuse(f"its name says {_date_of(self.name)} date, its kind {self.kind}")
        if self.kind in ("primary", "secondary") and not _date_of(self.name):
            refuse(f"the name of a {self.kind} channel begins with {self.kind}_date_")
        if not self.std > 0:
            refuse(f"std is {self.std}; it must be positive")
        wanted = {"phase": ("pair", "float32"), "coherence": ("pair", "uint8")}
        if wanted.get(self.physics, (self.kind, self.storage)) != (self.kind, self.storage):
            kind, storage = wanted[self.physics]
            refuse(f"{self.physics} is of kind {kind} and stored as {storage}")

    @property
    def dtype(self) -> Literal["float32", "uint8"]:
        """Type of its column in the dataset."""
        return "uint8" if self.storage == "uint8" else "float32"

    @property
    def per_step(self) -> bool:
        """Whether the raster changes from step to step of a time series."""
        return self.kind in ("pair", "secondary")

    @property
    def zero_without_data(self) -> bool:
        """Whether 0 stands for "no data", as outside the swath, rather than for a value."""
        return self.physics in ("phase", "coherence")


def _date_of(name: str) -> str:
    """The date that a name says its field belongs to, or nothing."""
    return next((date for date in ("primary", "secondary") if name.startswith(f"{date}_date_")), "")


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
_DATES: tuple[Literal["primary", "secondary"], ...] = ("primary", "secondary")

PUBLISHED: tuple[Channel, ...] = (
    Channel(
        PHASE,
        "wrapped phase",
        "rad",
        0.001489616346722796,
        1.6176833645747521,
        kind="pair",
        physics="phase",
        storage="float32",
    ),
    Channel(
        COHERENCE,
        "coherence",
        "1/255",
        69.3472689222075,
        76.50325808397666,
        kind="pair",
        physics="coherence",
        storage="uint8",
    ),
    Channel(
        DEM,
        "elevation",
        "m",
        833.0587512223403,
        977.504283216005,
        kind="static",
        physics="elevation",
        storage="float32",
    ),
    *(
        Channel(
            f"{date}_date_{name}",
            f"{title}, {date} date",
            unit,
            mean,
            std,
            kind=date,
            physics="weather",
            storage="smooth",
        )
        for name, title, unit, mean, std in _ATMOSPHERE
        for date in _DATES
    ),
)
"""The nine channels of the published cubes: what is taken where no channels are named."""

CHANNELS: tuple[Channel, ...] = (
    *PUBLISHED,
    # Channels of your own: a row each, taken where their names are given (docs/extending.md).
)

BY_NAME: dict[str, Channel] = {channel.name: channel for channel in CHANNELS}
if len(BY_NAME) < len(CHANNELS):
    raise ConfigError("the channel table has a name twice")
CHANNEL_NAMES: tuple[str, ...] = tuple(BY_NAME)
PUBLISHED_NAMES: tuple[str, ...] = tuple(channel.name for channel in PUBLISHED)
INSAR_CHANNELS: tuple[str, ...] = (PHASE, COHERENCE, DEM)
FIELD_CHANNELS: tuple[str, ...] = tuple(name for name in BY_NAME if name not in INSAR_CHANNELS)
"""All but `INSAR_CHANNELS`."""
ATMOSPHERIC_CHANNELS: tuple[str, ...] = tuple(
    channel.name for channel in CHANNELS if channel.physics == "weather"
)
ATMOSPHERIC_VARIABLES: tuple[str, ...] = tuple(field[0] for field in _ATMOSPHERE)
"""The published ERA5 fields, without their dates."""
MASKS: tuple[str, ...] = ("deformation_mask", "activity_type_mask", "intensity_level_mask")

WAVELENGTH_M = 0.05546576
"""Sentinel-1's C-band wavelength in metres."""

FRINGE_CM = WAVELENGTH_M / 2 * 100
"""Line-of-sight motion of one fringe (2 pi) in centimetres: half a wavelength."""


def both_dates(variable: str) -> tuple[str, str]:
    """Names of a field's channels at the primary and the secondary date."""
    return f"primary_date_{variable}", f"secondary_date_{variable}"


def places_of(names: Sequence[str], physics: Physics) -> list[int]:
    """Places, among channels, of those that measure something.

    Args:
        names: Channel names.
        physics: See `Channel`.

    Raises:
        ConfigError: If a name is unknown.
    """
    return [place for place, name in enumerate(names) if select([name])[0].physics == physics]


def select(names: Sequence[str]) -> tuple[Channel, ...]:
    """Look channels up by name, in the order asked for.

    Args:
        names: Channel names; a bare name ("surface_pressure") stands for both of its dates.

    Returns:
        The channels.

    Raises:
        ConfigError: If a name is unknown or given twice.
    """
    chosen: list[str] = []
    for name in names:
        dated = [channel for channel in both_dates(name) if channel in BY_NAME]
        for channel in [name] if name in BY_NAME else dated or [name]:
            if channel not in BY_NAME:
                raise ConfigError(
                    f"unknown channel {name!r}; the channels are {', '.join(CHANNEL_NAMES)}"
                )
            if channel in chosen:
                raise ConfigError(f"channel {channel!r} is named twice")
            chosen.append(channel)
    return tuple(BY_NAME[name] for name in chosen)
