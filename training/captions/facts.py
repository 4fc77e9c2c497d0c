"""The facts that a caption says, read back from its words.

One reader for the annotators' sentences and the simulator's, with rules on the order of words and
no list of wordings. A caption is read fully if each of its clauses is: all its words are known (or
a slip of the pen away from a known one), it says a fact or remarks on one ("Missing information."),
and as many patterns are listed as it counts.

Of the 19,919 real captions 19,916 are read fully; 3 of their 43,869 clauses are not. Every pattern
has a kind and a place, and all but earthquakes a strength. Where what is read differs from the
annotation beside a caption, the two differ in what they say (docs/captions.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from training.captions.vocabulary import SUBJECTS, Place, Word, read_clauses


class Pattern(NamedTuple):
    """A deformation pattern; what is not said is empty.

    Attributes:
        kind: sill, dyke, mogi, spheroid, earthquake or unidentified.
        strength: low, medium or high; an earthquake has none.
        place: A ninth of the frame, named as the simulator does: top-left, top, top-right,
            central-left, central, central-right, bottom-left, bottom or bottom-right.
    """

    kind: str
    strength: str
    place: str


@dataclass(frozen=True)
class Facts:
    """What a caption says.

    Attributes:
        deformation: Whether ground moved; None if nothing is said of it.
        patterns: What moved; of equal patterns one is kept.
        air: Some of stratified and turbulent, or little; empty if nothing is said of it.
        noise: Whether noise or low coherence is spoken of.
        noisy: Ninths of the frame where that lies, if it is said.
        fringes: Some of orbital and glacier.
        defects: Some of corrupted, no information, debursting, swath merging and artifacts.
        unread: Clauses that were not understood; they are not compared.
    """

    deformation: bool | None = None
    patterns: frozenset[Pattern] = frozenset()
    air: frozenset[str] = frozenset()
    noise: bool = False
    noisy: frozenset[str] = frozenset()
    fringes: frozenset[str] = frozenset()
    defects: frozenset[str] = frozenset()
    unread: tuple[str, ...] = field(default=(), compare=False)


@dataclass
class _Mention:
    """A kind of pattern as a clause speaks of it."""

    kind: str = ""
    count: int = 1
    strength: str = ""
    places: list[Place] = field(default_factory=list)


def read_facts(sentence: str) -> Facts:
    """Read what a caption says.

    Args:
        sentence: A caption: the annotators', the simulator's, or one that a model wrote.

    Returns:
        Its facts. Nothing is raised: what is not understood is in `unread`.
    """
    reader = _Reader()
    for clause, words, known in read_clauses(sentence):
        if not known or not any(part in SUBJECTS for part, _ in words):
            reader.unread.append(clause)
        reader.read(clause, words)  # also if not understood: it may still say some facts
    return reader.facts()


class _Reader:
    """Reads clause by clause; later ones may speak of what an earlier one announced."""

    def __init__(self) -> None:
        self.deformation: bool | None = None
        self.patterns: set[Pattern] = set()
        self.said = {name: set[str]() for name in ("air", "noisy", "fringes", "defects")}
        self.noise = False
        self.unread: list[str] = []
        self.announced, self.announcement = _Mention(count=0), ""
        self.volcanic = self.listed = 0
        self.last: list[Place] = []

    def facts(self) -> Facts:
        """What was read."""
        if self.announced.count not in (0, self.volcanic, self.listed):
            self.unread.append(self.announcement)
        said = {name: frozenset(values) for name, values in self.said.items()}
        patterns, unread = frozenset(self.patterns), tuple(self.unread)
        return Facts(self.deformation, patterns, noise=self.noise, unread=unread, **said)

    def read(self, clause: str, words: Sequence[Word]) -> None:
        """Take the facts of a clause, of its words in their order."""
        parts = {part for part, _ in words}
        air = {meaning for part, meaning in words if part == "air"} == {""}
        subject, negated, number = "", False, 1
        spoken: list[Word] = []  # of the patterns: kinds, strengths and places
        for part, meaning in words:
            if part in SUBJECTS:
                subject = "deformation" if part == "kind" else part
                if part != "kind":
                    self._say(part, meaning, negated)
                elif not negated:
                    spoken.append((part, _Mention(meaning, number)))
                    number = 1
                negated = False
            elif part in ("not", "little", "join"):
                negated = part != "join"
                if part == "little" and air and subject == "air":
                    self.said["air"].add("little")
            elif part == "number":
                number = meaning
            elif part == "zone":  # what follows lies in the one that is spoken of already
                self.announced = _Mention(count=self.announced.count, places=self.last)
            elif part == "place" and subject == "noise":
                self.said["noisy"].add(meaning.name)
            elif part in ("place", "strength") and subject in ("", "deformation"):
                spoken.append((part, meaning))
            elif air and subject == "air" and meaning == "low":
                self.said["air"].add("little")
        if any(part == "kind" for part, _ in spoken):
            self._list(_mentions(spoken))
        elif number != 1 and "deformation" in parts:
            (self.announced,) = _mentions([("kind", _Mention(count=number)), *spoken])
            self.announcement = clause

    def _say(self, part: str, meaning: str, negated: bool) -> None:
        """Take the fact that the naming of a subject says."""
        if part == "deformation":
            self.deformation = not negated
        elif part == "noise":
            self.noise |= not negated
        elif part == "information":
            if negated or meaning:
                self.said["defects"].add("no information")
        elif part == "air" and negated:
            self.said["air"].add("little")
        elif meaning and not negated:
            self.said["defects" if part == "defect" else part].add(meaning)

    def _list(self, mentions: Sequence[_Mention]) -> None:
        """Take the patterns of a clause, within what was announced of all."""
        self.deformation = True
        for mention in mentions:
            earthquake = mention.kind == "earthquake"
            strength = "" if earthquake else mention.strength or self.announced.strength
            places = mention.places or self.announced.places
            if len(self.announced.places) == 1:
                # A centre that is all that is said leaves nothing open: its upper part is central.
                whole = self.announced.places[0]
                whole = Place(1, 1) if whole == Place() else whole
                places = [place.within(whole) for place in places]
            for name in [place.name for place in places] or [""]:
                self.patterns.add(Pattern(mention.kind, strength, name))
            self.listed += mention.count
            self.volcanic += 0 if earthquake else mention.count
            self.last = places
            if 0 < self.announced.count <= self.listed:  # all of them are told
                self.announced = _Mention(count=self.announced.count)


def _mentions(spoken: Sequence[Word]) -> list[_Mention]:
    """Give each kind its strength and places.

    They follow it, or the place goes ahead ("the rightmost is a sill-type of low intensity"). What
    is said once, after several kinds, is said of all of them.
    """
    ahead = spoken[0][0] == "place"
    mentions: list[_Mention] = []
    waiting = _Mention()
    for part, meaning in spoken:
        if part == "kind":
            meaning.strength, meaning.places = waiting.strength, waiting.places
            mentions.append(meaning)
            waiting = _Mention()
        elif part == "place":
            (waiting if ahead or not mentions else mentions[-1]).places.append(meaning)
        elif mentions:
            mentions[-1].strength = mentions[-1].strength or meaning
        else:
            waiting.strength = meaning
    for earlier, later in reversed(list(pairwise(mentions))):
        earlier.strength = earlier.strength or later.strength
        earlier.places = earlier.places or later.places
    return mentions
