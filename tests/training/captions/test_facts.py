"""Facts are read back from captions: the simulator's, the annotators' with their slips."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS
from dataset_script.synthetic.labels.captions import LISTED, Finding, side, write_caption
from dataset_script.synthetic.labels.defects import DEFECTS
from tests.places import SHARED
from training.captions.facts import Facts, Pattern, read_facts
from training.captions.vocabulary import unknown_words

ANNOTATIONS = SHARED / "annotations" / "annotations.json"

AIR = {0: set(), 1: {"stratified"}, 2: {"turbulent"}, 3: {"stratified", "turbulent"}}
PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))


def finding(kind, intensity, place):
    return Finding(kind, "None" if kind == "Earthquake" else intensity, place)


@settings(deadline=None, max_examples=80)
@given(
    flags=st.fixed_dictionaries(
        {
            "low_coherence": st.integers(0, 1),
            "atmospheric_fringes": st.integers(0, 3),
            "orbital_fringes": st.integers(0, 1),
            "glacier_fringes": st.integers(0, 1),
        }
    ),
    findings=st.lists(
        st.builds(
            finding, st.sampled_from(ACTIVITY_TYPES), st.sampled_from(INTENSITY_LEVELS[1:]), PLACES
        ),
        max_size=7,
    ),
    defect=st.sampled_from([None, *DEFECTS]),
    noisy=PLACES,
)
def test_simulated_captions_are_read_whole(flags, findings, defect, noisy):
    facts = read_facts(write_caption(flags, findings, defect, noisy))
    if defect == "corrupted":
        assert facts == Facts(defects=frozenset({"corrupted"}))
        return
    if defect == "no_info":
        assert facts == Facts(noise=True, defects=frozenset({"no information"}))
        return
    volcanic = [found for found in findings if found.kind != "Earthquake"]
    told = volcanic[:LISTED] + [found for found in findings if found.kind == "Earthquake"]
    air = AIR[flags["atmospheric_fringes"]] or ({"little"} if findings else set())
    fringes = {name for name in ("orbital", "glacier") if flags[f"{name}_fringes"]}
    assert facts == Facts(
        deformation=bool(findings),
        patterns=frozenset(
            Pattern(f.kind.lower(), f.intensity.lower().replace("none", ""), side(f.place))
            for f in told
        ),
        air=frozenset(air),
        noise=bool(flags["low_coherence"]),
        noisy=frozenset({side(noisy)} if flags["low_coherence"] else ()),
        fringes=frozenset(fringes),
        defects=frozenset({defect} if defect else ()),
    )
    assert facts.unread == ()


def patterns(*said):
    return frozenset(Pattern(*words.split(",")) for words in said)


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        (
            "Two deformation patterns are detected at the bottom of the image. The rightmost is a "
            "sill-type of low intensity and the leftmost is a dyke-type of high intensity.",
            patterns("sill,low,bottom-right", "dyke,high,bottom-left"),
        ),
        (
            "Two deformation patterns can be detected on the right side. A dyke-type of high "
            "intensity on the leftmost and sill-type of medium intensity on the rightmost.",
            patterns("dyke,high,central-right", "sill,medium,central-right"),
        ),
        (
            "Two deformation patterns can be detected on the central side of the region. "
            "One mogi-type of low intensity in the upper and one sill-type of low intensity at "
            "the bottom.",
            patterns("mogi,low,central", "sill,low,central"),
        ),
        (
            "Two dyke-type deformation patterns of high intensity and one sill-type of low "
            "intensity can be detected on the right side of the region.",
            patterns("dyke,high,central-right", "sill,low,central-right"),
        ),
        (
            "Two deformation patterns of high intensity are detected on the image. On the right is "
            "a sill and on the leftmost is a dyke type deformation pattern.",
            patterns("sill,high,central-right", "dyke,high,central-left"),
        ),
        (
            "A dyke-type deformation pattern of high intensity is detected in top-right side. "
            "Deformation pattern caused by an earthquake is located at the bottom-right of the "
            "deformation zone.",
            patterns("dyke,high,top-right", "earthquake,,top-right"),
        ),
        (
            "A mogi-type deformation pattern of meidum intensityon the bottom- rigth side.",
            patterns("mogi,medium,bottom-right"),
        ),
        (
            "A sill-type deformation pattern of low intensity can be detected close to the center "
            "on the top and down-left.",
            patterns("sill,low,top", "sill,low,bottom-left"),
        ),
    ],
)
def test_patterns_and_where_they_lie(caption, said):
    facts = read_facts(caption)
    assert facts.patterns == said
    assert facts.deformation


@pytest.mark.parametrize(
    ("caption", "facts"),
    [
        (
            "Vertical stratification effect of low intensity and, noisy areas caused by low "
            "coherence are detected on the bottom and top-left area.",
            Facts(
                air=frozenset({"stratified"}), noise=True, noisy=frozenset({"bottom", "top-left"})
            ),
        ),
        ("The atmosphericimpact is low.", Facts(air=frozenset({"little"}))),
        ("Turbulenxt mixing effect is detected on the left.", Facts(air=frozenset({"turbulent"}))),
        ("It is difficult to detect an atmospheric impact due to low coherence", Facts(noise=True)),
        ("No deformation activity can be detected.", Facts(deformation=False)),
        (
            "The image is very noisy. No information can be extracted.",
            Facts(noise=True, defects=frozenset({"no information"})),
        ),
        ("Orbital fringes detected. Missing information.", Facts(fringes=frozenset({"orbital"}))),
        (
            "a sill of high intensity without atmosphere",
            Facts(True, patterns("sill,high,"), frozenset({"little"})),
        ),
        ("no glacier fringes, no noise and no sill", Facts()),
    ],
)
def test_other_facts(caption, facts):
    assert read_facts(caption) == facts
    assert read_facts(caption).unread == ()


def test_what_is_not_understood_is_said():
    facts = read_facts("Lava flows everywhere. A sill of low intensity. It is on the left side.")
    assert facts.unread == ("lava flows everywhere", "it is on the left side")
    assert facts.patterns == patterns("sill,low,")
    short = "Three deformation patterns are visible: a sill on the top and a dyke on the left."
    assert read_facts(short).unread == ("three deformation patterns are visible",)
    assert read_facts("").unread == ()
    assert unknown_words("below the north") == ("below", "north")  # not "be low", nor "not"
    assert unknown_words("Lava, and a sill on the rigth of 2 volcanoes; lava") == (
        "lava",
        "2",
        "volcanoes",
    )


@pytest.fixture(scope="module")
def real():
    if not ANNOTATIONS.exists():
        pytest.skip("the real annotations are not in ../shared")
    records = json.loads(ANNOTATIONS.read_text()).values()
    read = {caption: read_facts(caption) for caption in {record["caption"] for record in records}}
    return [(record, read[record["caption"]]) for record in records]


def test_share_of_the_real_captions_that_is_read_fully(real):
    unread = Counter(clause for _, facts in real for clause in facts.unread)
    assert len(real) == 19919
    assert unread == {
        "the effect is also detected on the wider area with lower intensity": 1,
        "vertical stratification is also detected on the top and the ride side": 1,
        "turbulent mixing effect can be detected on the lelf, top and central side of the "
        "region": 1,
    }
    assert sum(not facts.unread for _, facts in real) == 19916
    told = [pattern for _, facts in real for pattern in facts.patterns]
    assert len(told) > 2000
    assert all(pattern.place for pattern in told)
    assert all(pattern.strength for pattern in told if pattern.kind != "earthquake")


def test_real_captions_agree_with_the_annotations_beside_them(real):
    pairs = {
        "deformation": lambda a, f: (f.deformation or False, a["label"] != ["Non_Deformation"]),
        "kind": lambda a, f: (
            {pattern.kind for pattern in f.patterns},
            {kind.lower() for kind in a["activity_type"]},
        ),
        "strength": lambda a, f: (
            {pattern.strength for pattern in f.patterns} - {""},
            {level.lower() for level in a["intensity_level"]} - {"none"},
        ),
        "air": lambda a, f: (f.air - {"little"}, AIR[a["atmospheric_fringes"]]),
        "noise": lambda a, f: (f.noise, a["low_coherence"] > 0),
        "orbital": lambda a, f: ("orbital" in f.fringes, a["orbital_fringes"] > 0),
        "glacier": lambda a, f: ("glacier" in f.fringes, a["glacier_fringes"] > 0),
        "corrupted": lambda a, f: ("corrupted" in f.defects, a["corrupted"] > 0),
        "no_info": lambda a, f: ("no information" in f.defects, a["no_info"] > 0),
        "artifacts": lambda a, f: ("artifacts" in f.defects, a["image_artifacts"] > 0),
        "processing": lambda a, f: (
            f.defects & {"debursting", "swath merging"},
            {2: {"debursting"}, 3: {"swath merging"}}.get(a["processing_error"], set()),
        ),
    }
    differing = {}
    for name, pair in pairs.items():
        differing[name] = sum(said != true for said, true in (pair(a, f) for a, f in real))
    assert differing == {
        "deformation": 0,
        "kind": 29,
        "strength": 63,
        "air": 293,
        "noise": 106,
        "orbital": 0,
        "glacier": 1,
        "corrupted": 1,
        "no_info": 34,
        "artifacts": 0,
        "processing": 31,
    }
