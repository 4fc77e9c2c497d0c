"""Under which name a scene's files lie in a record: its own, unless another scene has that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hub.record.bounds import overlap

RESERVED = ("summary", "record", "calibration", "index")
"""Names whose files would lie in the place of the record's own."""

ENDINGS = {
    "probability": "_probability.tif",
    "mask": "_mask.tif",
    "probability_style": "_probability.qml",
    "mask_style": "_mask.qml",
    "geojson": ".geojson",
    "kmz": ".kmz",
    "csv": ".csv",
    "figure": ".png",
    "quicklook": "_quicklook.png",
    "json": ".json",
}
"""What follows a scene's name in the names of its files, by what they are."""


def choose_name(
    identity: Mapping[str, Any], holders: Mapping[str, Mapping[str, Any]], batch: str
) -> str:
    """Choose a scene's name.

    A scene that is there already, by its pixels, its source, or its frame, dates and place, keeps
    its name, so that a new answer takes the place of the old one. What merely has the same name is
    another scene, and a number follows it; so it is where a file of both would have one name, as
    the figure of `a_quicklook` and the quicklook of `a`.

    Args:
        identity: `scene`, `input` (fingerprint), `source`, `frame`, `primary_date`,
            `secondary_dates` and `bounds` of the scene, as in a row.
        holders: Identities of those that have a name, and the `batch` that claimed it last.
        batch: Names the run: two inputs of one run never replace each other.
    """
    names, free = _candidates(str(identity["scene"]), holders)
    for same in (_same_pixels, _same_source, _same_pair):
        for name in names:
            holder = holders[name]
            mine = holder.get("batch") == batch and holder["source"] != identity["source"]
            if same(holder, identity) and not (mine and same is not _same_pixels):
                return name
    return free


def _candidates(wanted: str, holders: Mapping[str, Mapping[str, Any]]) -> tuple[Sequence[str], str]:
    """The held names that a scene may have had before, and the first free one."""
    held: list[str] = []
    name, number = wanted, 1
    while name in holders or name in RESERVED or _shares_a_file(name, holders):
        if name in holders:
            held.append(name)
        number += 1
        name = f"{wanted}-{number}"
    return held, name


def _shares_a_file(name: str, holders: Collection[str]) -> bool:
    """Whether a file of the scene would be called as one of another's."""
    own = [name + ending for ending in ENDINGS.values()]
    return any(
        file.endswith(ending) and file.removesuffix(ending) in holders
        for file in own
        for ending in ENDINGS.values()
    )


def _same_pixels(holder: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    return identity["input"] is not None and holder["input"] == identity["input"]


def _same_source(holder: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """A relative name is that of several folders: of other days or places it is another scene."""
    if identity["source"] is None or holder["source"] != identity["source"]:
        return False
    days = [(item.get("primary_date"), item.get("secondary_dates")) for item in (holder, identity)]
    if all(day for pair in days for day in pair) and days[0] != days[1]:
        return False
    one, other = holder.get("bounds"), identity.get("bounds")
    return not (one and other) or overlap(one, other)


def _same_pair(holder: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    names = ("frame", "primary_date", "secondary_dates")
    if any(not identity[name] or holder[name] != identity[name] for name in names):
        return False
    one, other = holder["bounds"], identity["bounds"]
    return bool(one and other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))
