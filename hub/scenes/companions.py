"""The coherence and the elevation that belong to a phase, and what else lies beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from hub.scenes.products.product import Claim
from hub.scenes.rasters.files import within
from hub.scenes.rasters.names import ALONG_TRACK, dates_in, frame_of


def near_of(claim: Claim) -> list[Claim]:
    """What the same product says of the other files in the phase's folder, as far as it counts."""
    found = []
    for file in within(claim.file.folder, claim.file.archive):
        other = claim.product.claim(file)
        if other is None:
            continue
        if other.role in ("coherence", "elevation") or other.what == ALONG_TRACK:
            found.append(other)
    return found


def best_of(claims: Iterable[Claim]) -> Claim | None:
    """The one of the smallest rank, then by name; None of none."""
    return min(claims, key=lambda claim: (claim.rank, str(claim.file)), default=None)


def matching(claim: Claim, companions: Sequence[Claim], role: str, alone: bool) -> Claim | None:
    """The companion that the user named for this phase, wherever it lies."""
    of_role = [other for other in companions if other.role == role]
    same = [other for other in of_role if other.key == claim.key and other.product is claim.product]
    if same:
        return best_of(same)
    dates = dates_in(claim.file.name)
    if dates and (dated := [o for o in of_role if dates_in(o.file.name) == dates]):
        return best_of(dated)
    if role == "elevation" and len(of_role) > 1:
        frame = frame_of(claim.file.path)
        of_role = [other for other in of_role if frame and frame_of(other.file.path) == frame]
    if len(of_role) == 1 and (alone or role == "elevation"):
        (only,) = of_role
        other = dates_in(only.file.name)
        return None if role == "coherence" and dates and other and dates != other else only
    return None


def elevation_of(claim: Claim, near: Sequence[Claim]) -> Claim | None:
    """The elevation of the same pair, else the only one in the folders where it may lie."""
    if same := [o for o in near if o.role == "elevation" and o.key == claim.key]:
        return best_of(same)
    for place in claim.product.elevations:
        if claim.file.archive is None:
            folder = Path(os.path.normpath(claim.file.path.absolute().parent / place))
        else:
            folder = Path(os.path.normpath(claim.file.folder / place))
        found = [
            other
            for file in within(folder, claim.file.archive)
            if (other := claim.product.claim(file)) is not None and other.role == "elevation"
        ]
        found = list({other.file: other for other in found}.values())  # data and header claim it
        frame = frame_of(claim.file.path)
        if len(found) > 1 and frame:
            found = [other for other in found if frame_of(other.file.path) == frame]
        if len(found) == 1:
            return found[0]
        if len({o.rank for o in found}) == len(found) > 1:
            return best_of(found)
    return None
