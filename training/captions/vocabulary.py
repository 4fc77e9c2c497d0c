"""The words of captions as parts of speech: the annotators', the simulator's, and slips of the pen.

The files that a metric is made of import nothing of the project but each other: they are published
with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

Word = tuple[str, Any]
"""A part of speech and what it means: ("strength", "low"), ("column", 0)."""

SUBJECTS = frozenset({"air", "noise", "fringes", "defect", "information", "deformation", "kind"})
"""Parts of speech that say what is spoken of."""

_PLAIN = {
    "kind": "sill dyke mogi spheroid earthquake unidentified",
    "strength": "low medium high",
    "little": "little",
    "zone": "zone",
    "join": ", and while but",
    "not": "no not without",
    "deformation": "deformation deformed",
    "filler": "a across activity all along also altitude an appears are area areas around at "
    "baseline be between burst bursts by can caused changes close covering covers delay delays "
    "detect detected difficult difficulties displacement distributed due during effect effects "
    "empty error extracted extracting follows fringes from ground has higher image images impact "
    "in intense intensity interferogram is it jumps like liquid located lower missing mixing more "
    "of on one or part particles parts pattern patterns phase processing region related relief "
    "respectively run side solid spatially step sub surface swath swaths tells temporal that the "
    "there throughout to type vertical very visible which wide wider with",
}
_MEANINGS: dict[str, dict[Any, str]] = {
    "row": {0: "top topmost upper up", 2: "bottom bottommost downside down"},
    "column": {0: "left leftmost", 2: "right rightmost"},
    "centre": {1: "central center centre"},
    "number": {2: "two", 3: "three", 4: "four", 0: "many"},
    "air": {
        "": "atmosphere atmospheric air",
        "turbulent": "turbulent turbulence wave wake",
        "stratified": "stratification stratified",
    },
    "noise": {"": "noise noisy coherence"},
    "fringes": {"orbital": "orbital", "glacier": "glacier"},
    "information": {"": "information", "none": "nothing"},
    "defect": {
        "corrupted": "corrupted",
        "debursting": "debursting",
        "swath merging": "merging",
        "artifacts": "artifact artifacts",
    },
}
_WORDS: dict[str, Word] = {
    word: (part, word) for part, words in _PLAIN.items() for word in words.split()
} | {
    word: (part, meaning)
    for part, meanings in _MEANINGS.items()
    for meaning, words in meanings.items()
    for word in words.split()
}
_PHRASES = {r"\blow coherence\b": "coherence", r"\bdeformation zones?\b": "zone"}
_PHRASES |= {r"\bhigh(?=.altitude|.temporal|.displacement)": ""}
"""High and low that are no strength of a pattern; a zone is named where others deform."""
_LONG = 7  # letters from which a word may hold two slips: amtopsheric, beteenw


class Place(NamedTuple):
    """Where something lies: 0..2 from the top and from the left, None as far as it is not said."""

    row: int | None = None
    column: int | None = None

    def within(self, whole: Place) -> Place:
        """This place, said of a part of what lies at `whole`: it fills what that leaves open."""
        row = self.row if whole.row is None else whole.row
        return Place(row, self.column if whole.column is None else whole.column)

    @property
    def name(self) -> str:
        """A ninth of the frame, in the middle of what is not said: top, central-left, central."""
        row, column = (1 if number is None else number for number in self)
        if column == 1:
            return ("top", "central", "bottom")[row]
        return f"{('top', 'central', 'bottom')[row]}-{('left', '', 'right')[column]}"


def read_clauses(text: str) -> list[tuple[str, list[Word], bool]]:
    """Cut a caption into clauses, and those into words.

    Args:
        text: A caption.

    Returns:
        Of each clause its text, its words that mean something, with those that name one place
        together joined to a `Place` ("place"), and whether all of its words are known.
    """
    text = text.lower()
    for phrase, word in _PHRASES.items():
        text = re.sub(phrase, word, text)
    clauses = []
    for clause in re.split(r"[.:;]", text):
        if clause := " ".join(clause.split()):
            found = [_look_up(word) for word in re.findall(r"[a-z]+|\d+|,", clause)]
            words = _join_places([word for words in found for word in words])
            clauses.append((clause, words, all(found)))
    return clauses


def unknown_words(text: str) -> tuple[str, ...]:
    """Words of a text that no caption has, even mistyped, each once."""
    words = re.findall(r"[a-z]+|\d+", text.lower())
    return tuple(dict.fromkeys(word for word in words if not _look_up(word)))


@lru_cache(maxsize=4096)
def _look_up(word: str) -> tuple[Word, ...]:
    """Parts of speech of a word, with meanings; none if it is not known."""
    if word in _WORDS:
        return (_WORDS[word],)
    if word.isdigit():
        return ()
    for cut in range(1, len(word)):  # run together: intensityon, avertical
        parts = word[:cut], word[cut:]
        if max(map(len, parts)) >= _LONG and all(part in _WORDS for part in parts):
            return _WORDS[parts[0]], _WORDS[parts[1]]
    likely = [known for known in _WORDS if known[0] == word[0] and abs(len(known) - len(word)) < 3]
    slips = {known: count_slips(word, known) for known in likely if len(word) > 2}
    if slips and min(slips.values()) <= (2 if len(word) >= _LONG else 1):
        return (_WORDS[min(slips, key=lambda known: (slips[known], abs(len(known) - len(word))))],)
    # Mistyped words of one or two letters are articles and the like.
    return (("filler", word),) if len(word) <= 2 else ()


def count_slips(word: str, known: str) -> int:
    """Letters that were left out, doubled, replaced or swapped with their neighbour.

    Args:
        word: What was typed.
        known: What may have been meant.

    Returns:
        The optimal string alignment distance (Damerau and Levenshtein's, restricted).
    """
    rows = [list(range(len(known) + 1))]
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, meant in enumerate(known, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != meant)))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (known[j - 2], meant):
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def _join_places(words: Sequence[Word]) -> list[Word]:
    """Make one place of words with only fillers between them: close to the center on the right."""
    made: list[Word] = []
    for part, meaning in words:
        if part in ("row", "column", "centre"):
            place = Place() if part == "centre" else Place(**{part: meaning})
            if made and made[-1][0] == "place":
                place = place.within(made.pop()[1])
            made.append(("place", place))
        elif part != "filler":
            made.append((part, meaning))
    return made
