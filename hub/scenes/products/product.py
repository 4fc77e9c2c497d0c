"""What a reader says of its product, and what it finds in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.names import Dates
from hub.scenes.rasters.raster import Raster

Role = Literal["phase", "coherence", "elevation", "other"]
Kind = Literal["wrapped", "unwrapped", "complex", "unknown"]
Sign = Literal["positive", "negative", "unknown"]


@dataclass(frozen=True)
class ReadOptions:
    """What a user insists on, against what a file says or looks like.

    Attributes:
        units: Unit of the phase, a key of `units.FACTORS`; told by the values if None.
        role: "phase" takes the named files as phase, whatever their names say.
        coherence_scale: What a coherence of 1 is stored as; told by the values if None.
        coherence: Coherence files, for the phases of the same dates, or for the only one.
        elevation: Elevation for all.
        band: Number, from 1, of the band that holds the phase.
        outside: Whether a virtual raster may name sources outside of its own folder.
    """

    units: str | None = None
    role: Literal["phase"] | None = None
    coherence_scale: float | None = None
    coherence: tuple[StoredFile, ...] = ()
    elevation: StoredFile | None = None
    band: int | None = None
    outside: bool = False

    def insisted(self) -> dict[str, str]:
        """What is not left to the files, as text."""
        named = ("units", "role", "coherence_scale", "coherence", "elevation", "band")
        values = {name: getattr(self, name) for name in named}
        return {
            name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for name, value in values.items()
            if value
        }


@dataclass(frozen=True, eq=False)
class Layer:
    """A raster that is not read yet.

    Attributes:
        shown: What messages call it.
        read: Reads it, given the most pixels.
        kind: Of a phase.
        insisted: Whether an option named it: it is then used, or the scene refused.
    """

    shown: str
    read: Callable[[int], Raster]
    kind: Kind = "unknown"
    insisted: bool = False


@dataclass(frozen=True, eq=False)
class Pair:
    """One interferogram that was found, with its companions.

    Attributes:
        product: Whose it is.
        label: What messages call it.
        phase: Its phase.
        coherence: Its coherence.
        elevation: The elevation beside it.
        dates: Primary and secondary date.
        place: Pairs of one place and primary date make a series.
        frame: LiCSAR frame, or None.
        name: What a scene is called that has no dates.
        reversed: Whether the file's phase is of the secondary date against the primary, so that
            it has to be negated.
        notes: What lies beside it and was not read.
    """

    product: Product
    label: str
    phase: Layer
    coherence: Layer | None = None
    elevation: Layer | None = None
    dates: Dates | None = None
    place: str = ""
    frame: str | None = None
    name: str = "scene"
    reversed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a file holds, by its name and place.

    Attributes:
        file: Which.
        product: Whose it is.
        role: What it is of a pair.
        what: The same in words, for messages.
        key: What it shares with the other rasters of its pair, in its folder.
        kind: Of a phase.
        rank: Which of several phases of a pair is taken: the smallest.
    """

    file: StoredFile
    product: Product
    role: Role
    what: str
    key: str = ""
    kind: Kind = "wrapped"
    rank: int = 0


@dataclass(frozen=True)
class Product:
    """A processor's product.

    Attributes:
        name: Key that answers carry, "hyp3" for instance.
        title: What people call it.
        reads: What is read of it, for the help and the docs.
        sign: Whether the phase increases where the range does, from primary to secondary date:
            "positive" there means away from the satellite, as in subsidence.
        source: Where that convention, scale and names are from.
        claim: What a file is by its name and place; None if it is none of this product's.
        pairs: For a file that holds whole interferograms; None for plain rasters.
        read: Reads a claimed raster.
        elevations: Folders in which an elevation is looked for, from the phase's own.
        stacks: Whether pairs of one place lie on one grid, so that those of one primary date make
            a series.
    """

    name: str
    title: str
    reads: str
    sign: Sign
    source: str
    claim: Callable[[StoredFile], Claim | None]
    read: Callable[[Claim, int, ReadOptions], Raster] | None = None
    pairs: Callable[[StoredFile, ReadOptions], list[Pair]] | None = None
    elevations: tuple[str, ...] = (".",)
    stacks: bool = False


@dataclass(frozen=True)
class Named:
    """A kind of raster that a product's names tell.

    Attributes:
        role: What it is.
        what: In words.
        kind: Of a phase.
    """

    role: Role
    what: str
    kind: Kind = "wrapped"


WRAPPED = Named("phase", "wrapped phase")
UNWRAPPED = Named("phase", "unwrapped phase", "unwrapped")
INTERFEROGRAM = Named("phase", "complex interferogram", "complex")
COHERENCE = Named("coherence", "coherence")
ELEVATION = Named("elevation", "elevation")


def other(what: str) -> Named:
    """A raster that is never taken for a phase, a coherence or an elevation."""
    return Named("other", what)


@dataclass
class Names:
    """A table from endings of names to what they hold.

    Args:
        pattern: Regular expression with a group `key` and a group `kind`.
        kinds: By the text of `kind`, in lower case; phases in the order in which they are wanted.
        rest: What another `kind` holds; None if it is none of the product's.
    """

    pattern: str
    kinds: Mapping[str, Named]
    rest: Named | None = None
    _compiled: re.Pattern[str] = field(init=False)
    _ranks: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._compiled = re.compile(self.pattern, re.IGNORECASE)
        self._ranks = {kind: rank for rank, kind in enumerate(self.kinds)}

    def claim(self, file: StoredFile, product: Product) -> Claim | None:
        """What a file is by its name."""
        found = self._compiled.fullmatch(file.name)
        if not found:
            return None
        kind = found["kind"].lower()
        named = self.kinds.get(kind, self.rest)
        if named is None:
            return None
        return Claim(
            file,
            product,
            named.role,
            named.what,
            found["key"].lower(),
            named.kind,
            self._ranks.get(kind, 99),
        )


def alternatives(kinds: Iterable[str]) -> str:
    """A regular expression of any of some texts, the longest first."""
    return "|".join(re.escape(kind) for kind in sorted(kinds, key=len, reverse=True))
