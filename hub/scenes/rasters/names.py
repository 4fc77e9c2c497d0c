"""What names of files and folders say: dates, frames, and words for what a raster holds."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

Dates = tuple[datetime.date, datetime.date]

_DAY = r"(?<!\d)(\d{8})(?:T\d{4,6}Z?)?"
_NUMBERS = re.compile(_DAY + r"[_-]" + r"(\d{8})(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})_(\d{4}-\d{2}-\d{2})(?!\d)")
_WORDS = re.compile(r"(?<!\d)(\d{2}[A-Za-z]{3}\d{4})_(\d{2}[A-Za-z]{3}\d{4})(?!\d)")
_SHORT = re.compile(r"(?<![\dA-Za-z])(\d{6})[-_](\d{6})(?![\dA-Za-z])")
_DAYS_OF_YEAR = re.compile(r"(?<![\dA-Za-z])(\d{7})_(\d{7})(?![\dA-Za-z])")
_AGE = {*range(1978, 2100)}
"""Years of radar satellites, from Seasat on."""
_FRAME = re.compile(r"\d{3}[AD]_\w{5}_\w{6}")

WORDS = {
    "coherence": "cc coh coherence cor corr correlation phsig",
    "elevation": "dem hgt height elev elevation topo srtm dsm h",
    "angle of incidence or look": "theta phi inc incidence azimuth lookangle lv rdr heading",
    "displacement": "disp displacement los vert velocity vel cum timeseries deformation offset "
    "offsets displacements defo rng azi",
    "amplitude": "amp amplitude mli intensity sigma0 gamma0 beta0 mag magnitude power pwr slc",
    "mask": "mask msk water landmask watermask conncomp connectedcomponents component components "
    "layover shadow",
    "baseline": "bperp baseline",
    "atmosphere": "aps atm tropo iono era5 gacos ztd atmosphere ionosphere ionospheric "
    "troposphere tropospheric tropospheretotal tropospherewet tropospherehydrostatic",
    "unwrapped phase": "unw unwrap unwrapped unwrapphase",
    "wrapped phase": "phase pha wrapped wrap ifg ifgram igram interferogram int phasefilt flat "
    "wrappedphase",
}
"""Words of names by what they mean, in the field's usual abbreviations."""

_CORRECTED = re.compile(
    r"(?<![a-z])(unw|unwrap|unwrapped|unwrapphase|pha|phase|wrappedphase|phasefilt)[_-]corr?(?![a-z])"
)
"""A phase that was corrected; taken for one, a coherence so called is refused by its values."""

ALONG_TRACK = "interferogram along the track"
"""Of two looks forward and back, for instance: its phase is no line of sight's."""
_ALONG, _ACROSS = {"azi", "azimuth", "mai"}, {"rng", "range", "los"}

_SIMULATED = re.compile(r"(?<![a-z])(iono|tropo|topo)[a-z]*[_-](?:phase|pha)(?![a-z])(?![_-]?corr)")
"""The share of the air or of the ground in a phase, as it is taken away."""
_SHARES = {"iono": "ionosphere", "tropo": "troposphere", "topo": "topography"}

_MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}


def meaning_of(name: str) -> str | None:
    """What a raster's name says it holds: the last telling word counts, as in `water_mask`.

    `unw_phase` is unwrapped, for that is the more telling of the two; `unw_corr` is a corrected
    phase, and `unw_coh` a coherence. An unwrapped `azi` is no line of sight's, and an `iono_phase`
    no interferogram.

    Returns:
        A key of `WORDS`, `ALONG_TRACK`, "phase of the ionosphere" and the like, or None where no
        word tells.
    """
    stem = re.sub(r"(\.(tiff?|vrt|grd|nc|img|bin|geo|gz|dat|asc|png|jpe?g))+$", "", name.lower())
    stem = re.sub(r"(?<!\d)\d{8}t\d{6}|(?<!\d)\d+(?!\d)", " ", stem)
    stem = _CORRECTED.sub(r"\1_corrected", stem)
    words = re.split(r"[\W_]+|\d+", stem)
    told = [_MEANING[word] for word in words if word in _MEANING]
    if told and told[-1].endswith("phase") and _ALONG & {*words} and not _ACROSS & {*words}:
        return ALONG_TRACK
    share = _SIMULATED.search(stem)
    if share and not _MEANING.keys() & {*re.split(r"[\W_]+|\d+", stem[share.end() :])}:
        return f"phase of the {_SHARES[share[1]]}"
    if told and told[-1] == "wrapped phase" and "unwrapped phase" in told:
        return "unwrapped phase"
    return told[-1] if told else None


def key_of(name: str) -> str:
    """A raster's name without the words that say which of a pair's rasters it is."""
    aside = _MEANING.keys() | _ALONG | _ACROSS
    return "_".join(
        word for word in re.split(r"[\W_]+", name.lower()) if word and word not in aside
    )


def dates_in(text: str) -> Dates | None:
    """The primary and the secondary date that a name holds, in any processor's way.

    YYYYMMDD_YYYYMMDD with or without times (LiCSAR, HyP3, dolphin, GAMMA), 2017-01-01_2017-01-13,
    01Jan2017_13Jan2017 (SNAP), YYMMDD-YYMMDD (ROI_PAC), and YYYYDDD_YYYYDDD, whose first day is
    000 (GMTSAR: the integer part of `SC_clock_start`). Two dates that are one are the start and
    the end of an acquisition; numbers that are no days of the age of radar satellites are none.
    """
    forms = {_NUMBERS: "%Y%m%d", _ISO: "%Y-%m-%d", _WORDS: "%d%b%Y", _SHORT: "%y%m%d"}
    for pattern, form in forms.items():
        for found in pattern.finditer(text):
            try:
                first, second = (datetime.datetime.strptime(day, form) for day in found.groups())
            except ValueError:
                continue
            # The start and the end of one acquisition are no pair.
            if first != second and {first.year, second.year} <= _AGE:
                return first.date(), second.date()
    for found in _DAYS_OF_YEAR.finditer(text):
        one, other = (_day_of_year(int(day[:4]), int(day[4:])) for day in found.groups())
        if one and other and one != other:
            return one, other
    return None


def _day_of_year(year: int, day: int) -> datetime.date | None:
    """The date of a day counted from 0, or None where the year has no such day."""
    if year not in _AGE:
        return None
    date = datetime.date(year, 1, 1) + datetime.timedelta(days=day)
    return date if date.year == year else None


def before_dates(name: str) -> str:
    """What a name says before its dates: the track or the burst, where a folder holds several.

    A satellite's own letters (`S1AB_`) are none: a track is passed by all of them.
    """
    found = re.search(r"\d{8}|\d{6}[-_]\d{6}", name)
    before = name[: found.start()].lower() if found and dates_in(name) else ""
    return re.sub(r"^s1[abcd]{0,2}_", "", before).strip("_-. ")


def dates_of(path: Path) -> Dates | None:
    """The dates in a file's name, else in that of one of the three folders above it."""
    for part in (path.name, *(folder.name for folder in list(path.absolute().parents)[:3])):
        if dates := dates_in(part):
            return dates
    return None


def frame_of(path: Path) -> str | None:
    """The LiCSAR frame that a path names in its file or in one of its folders."""
    for part in reversed(path.absolute().parts):
        if found := _FRAME.search(part):
            return found[0]
    return None
