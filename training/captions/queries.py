"""What people type to find an interferogram: a few facts in a few words, not a whole caption.

Training shows the text encoder such texts beside the captions, as `find` is asked in them.
"""

from __future__ import annotations

import numpy as np

from training.captions.facts import Facts, Pattern


def holds(query: Facts, image: Facts) -> bool:
    """Whether all that a query says is true of an image.

    Args:
        query: What is asked for; what it leaves out may be anything.
        image: What the image's caption says. Noise and fringes that it leaves out are not there.
    """
    return all(
        (
            query.deformation in (None, image.deformation),
            query.air - {"little"} <= image.air,
            "little" not in query.air or _is_calm(image),
            query.noise <= image.noise,
            query.noisy <= image.noisy,
            query.fringes <= image.fringes,
            query.defects <= image.defects,
            *(any(_fits(wanted, told) for told in image.patterns) for wanted in query.patterns),
        )
    )


def _is_calm(facts: Facts) -> bool:
    """Whether the air is still, which captions of ground that does not move leave unsaid."""
    return facts.deformation is not None and facts.air <= {"little"}


def _fits(wanted: Pattern, pattern: Pattern) -> bool:
    return all(word in ("", told) for word, told in zip(wanted, pattern, strict=True))


def short_query(facts: Facts, rng: np.random.Generator) -> str:
    """Ask for some of the facts of a caption, in one of several wordings.

    Args:
        facts: The caption's.
        rng: Draws which facts and which wording.

    Returns:
        A text whose facts `holds` of them; empty if there are none.
    """
    patterns = sorted(facts.patterns)
    said = [_pattern(patterns[rng.integers(len(patterns))], rng)] if patterns else []
    if facts.deformation is False:
        said.append(str(rng.choice(["no deformation", "without deformation"])))
    elif facts.deformation and not patterns:
        said.append("deformation")
    if _is_calm(facts):
        said.append(str(rng.choice(["without atmosphere", "with little atmosphere"])))
    elif facts.air:
        words = {"turbulent": "turbulent atmosphere", "stratified": "stratified atmosphere"}
        said.append(" and ".join(words[kind] for kind in sorted(facts.air)))
    if facts.noise:
        lead = str(rng.choice(["noise", "low coherence"]))
        where = f" on the {min(facts.noisy)}" if facts.noisy and rng.random() < 0.5 else ""
        said.append(lead + where)
    said += [f"{kind} fringes" for kind in sorted(facts.fringes)]
    said += sorted(facts.defects)
    kept = [text for text in said if rng.random() < 0.6] or said[:1]
    return ", ".join(kept)


def _pattern(pattern: Pattern, rng: np.random.Generator) -> str:
    ends = ("", " deformation", " deformation pattern")
    words = f"{'an' if pattern.kind[0] in 'aeiou' else 'a'} {pattern.kind}{rng.choice(ends)}"
    if pattern.strength and rng.random() < 0.6:
        words += f" of {pattern.strength} intensity"
    if pattern.place and rng.random() < 0.6:
        words += f" on the {pattern.place} side"
    return words
