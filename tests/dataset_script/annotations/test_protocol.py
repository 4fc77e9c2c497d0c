"""The benchmark's protocol on made-up annotations, counted by hand and by trying every subset."""

import itertools
import json
from collections import Counter

import pytest

from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.series import derive_groups, make_samples, read_groups
from dataset_script.annotations.splits import SPLITS, assign, crosses, period, shared_acquisitions
from dataset_script.errors import ConfigError
from tests.data.made_up_annotations import FOLDER, write

# Samples and positive samples, counted by hand from the table in made_up_annotations.
PAPER = {
    1: {"train": (41, 9), "validation": (23, 4), "test": (19, 5)},
    3: {"train": (17, 8), "validation": (8, 4), "test": (7, 4)},
}
STRICT = {
    1: {"train": (36, 8), "validation": (20, 3), "test": (19, 5)},
    3: {"train": (16, 7), "validation": (7, 3), "test": (7, 4)},
}


@pytest.fixture(scope="module")
def annotations():
    return read_annotations(FOLDER)


@pytest.fixture(scope="module")
def groups(annotations):
    return read_groups(FOLDER, annotations)


@pytest.fixture(scope="module")
def table():
    """Frame, primary date, secondary date, deformation and number of each pair listed, by group."""
    records = json.loads((FOLDER / "annotations.json").read_text())
    listed = json.loads((FOLDER / "timeseries.json").read_text())
    rows = {}
    for frame, primaries in listed.items():
        for primary, entry in primaries.items():
            for number in entry["uniqueID"]:
                record = records[str(number)]
                moved = record["label"] != ["Non_Deformation"]
                rows.setdefault((frame, primary), []).append(
                    (record["secondary_date"], moved, number)
                )
    return rows


def split_by_text(day):
    """YYYYMMDD sorts as text: the paper's three periods without date arithmetic."""
    return "train" if day <= "20190531" else "validation" if day <= "20191231" else "test"


def try_every_subset(members, length, split):
    """Numbers of the samples of one group; sets of numbers where it is padded."""
    numbers = [number for _, _, number in sorted(members)]
    if length == 1:
        return [(number,) for number in numbers]
    if len(numbers) <= length:
        return [set(numbers)]
    too_many = 1
    if split == "train":
        too_many = length - 1 if any(moved for _, moved, _ in members) else length - 2
    kept = [tuple(numbers[:length])]
    for subset in itertools.combinations(numbers, length):
        if all(len({*subset} & {*other}) < too_many for other in kept):
            kept.append(subset)
    return kept


def pairs(groups):
    return [annotation for group in groups for annotation in group.annotations]


def numbers(annotations):
    return tuple(annotation.unique_id for annotation in annotations)


def test_the_files_are_what_the_table_says(tmp_path):
    write(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        assert file.read_text() == (FOLDER / file.name).read_text()


@pytest.mark.parametrize(("scheme", "counts"), [("paper", PAPER), ("strict", STRICT)])
@pytest.mark.parametrize("length", [1, 3])
def test_counts_by_hand(groups, scheme, counts, length):
    splits = assign(groups, scheme)
    made = {split: make_samples(splits[split], length, split) for split in SPLITS}
    assert {s: (len(m), sum(x.positive for x in m)) for s, m in made.items()} == counts[length]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("scheme", ["paper", "strict"])
def test_samples_are_those_of_trying_every_subset(groups, table, scheme, length):
    splits = assign(groups, scheme)
    for split in SPLITS:
        wanted = []
        for (_, primary), members in sorted(table.items()):
            if split_by_text(primary) == split:
                if scheme == "strict":
                    members = [row for row in members if split_by_text(row[0]) == split]
                wanted += try_every_subset(members, length, split) if members else []
        made = [numbers(s.annotations) for s in make_samples(splits[split], length, split)]
        assert len(made) == len(wanted)
        for steps, sample in zip(made, wanted, strict=True):
            assert len(steps) == length
            assert list(steps) == sorted(steps)
            assert ({*steps} if isinstance(sample, set) else steps) == sample


def test_leaks_of_the_paper_and_none_of_strict(groups):
    paper, strict = assign(groups, "paper"), assign(groups, "strict")
    leaks = Counter(
        (split, split_by_text(f"{pair.secondary_date:%Y%m%d}"))
        for split in SPLITS
        for pair in pairs(paper[split])
    )
    assert leaks == {
        ("train", "train"): 36,
        ("train", "validation"): 5,
        ("validation", "validation"): 20,
        ("validation", "test"): 3,
        ("test", "test"): 19,
    }
    # 20190601 and 20200101 of the first frame; no other date is on two sides.
    assert shared_acquisitions(paper) == 2
    assert shared_acquisitions(strict) == 0
    dropped = set(pairs(groups)) - {pair for split in SPLITS for pair in pairs(strict[split])}
    assert len(dropped) == 8 and all(map(crosses, dropped))
    # A group whose pairs all cross is gone, not empty.
    assert sum(map(len, strict.values())) == len(groups) - 2
    assert all(group.annotations for split in SPLITS for group in strict[split])


def test_the_first_day_of_a_period_belongs_to_it(groups):
    splits = assign(groups, "paper")
    first = "001A_00001_010101"
    days = {
        split: [f"{g.primary_date:%Y%m%d}" for g in splits[split] if g.frame_id == first]
        for split in SPLITS
    }
    assert days["train"][-1] == "20190531"
    assert (days["validation"][0], days["validation"][-1]) == ("20190601", "20191231")
    assert days["test"] == ["20200101"]
    crossing = {
        f"{a.primary_date:%Y%m%d}_{a.secondary_date:%Y%m%d}": crosses(a)
        for a in pairs(groups)
        if a.frame_id == first
    }
    assert not crossing["20190519_20190531"] and crossing["20190519_20190601"]
    assert not crossing["20191225_20191231"] and crossing["20191225_20200101"]
    assert not crossing["20190601_20190613"] and not crossing["20200101_20200107"]


def test_the_list_of_series_is_followed_and_else_derived(annotations, groups):
    unusable = [a for a in annotations.values() if not a.usable]
    assert len(annotations) == 89 and len(groups) == 24
    assert sorted((a.corrupted, a.processing_error, a.no_info) for a in unusable) == [
        (0, 0, 1), (0, 0, 1), (0, 2, 0), (1, 0, 0), (1, 0, 0),
    ]  # fmt: skip
    derived = derive_groups(annotations)
    left_out = set(pairs(derived)) - set(pairs(groups))
    assert [f"{a.frame_id} {a.secondary_date:%Y%m%d}" for a in left_out] == [
        "002D_00002_020202 20180524"
    ]
    assert not set(pairs(derived)) & set(unusable)
    assert [g.primary_date for g in derived] == [g.primary_date for g in groups]
    assert read_groups(None, annotations) == derived


def test_earthquakes_are_in_train_alone(groups):
    quakes = {
        split: sum("Earthquake" in a.labels for a in pairs(found))
        for split, found in assign(groups, "paper").items()
    }
    assert quakes == {"train": 2, "validation": 0, "test": 0}


@pytest.mark.parametrize("seed", range(8))
def test_the_spatial_split_keeps_joined_frames_together(groups, seed):
    splits = assign(groups, "spatial", seed, read_frame_names(FOLDER))
    side = {group.frame_id: split for split in SPLITS for group in splits[split]}
    joined = ("001A_00001_010101", "002D_00002_020202", "003A_00003_030303")
    assert len({side[frame] for frame in joined}) == 1
    assert set(side.values()) == set(SPLITS)
    assert shared_acquisitions(splits) == 0
    found = [group for split in SPLITS for group in splits[split]]
    assert sorted(found, key=groups.index) == groups
    # Nothing is dropped at a date: the periods mean nothing here.
    assert {period(g.primary_date) for g in splits[side[joined[0]]]} == set(SPLITS)
    assert splits == assign(groups, "spatial", seed, read_frame_names(FOLDER))
    backwards = assign(groups[::-1], "spatial", seed, read_frame_names(FOLDER))
    assert {g.frame_id: split for split in SPLITS for g in backwards[split]} == side


def test_the_spatial_split_changes_with_the_seed(groups):
    names = read_frame_names(FOLDER)
    drawn = {
        tuple(frozenset(g.frame_id for g in found) for found in splits.values())
        for splits in (assign(groups, "spatial", seed, names) for seed in range(8))
    }
    assert len(drawn) > 1


def test_too_few_volcanoes_and_unknown_schemes_are_errors(groups):
    joined = [g for g in groups if g.frame_id < "005"]
    with pytest.raises(ConfigError, match="3 different volcanoes, there are 2"):
        assign(joined, "spatial", 0, read_frame_names(FOLDER))
    with pytest.raises(ConfigError, match="unknown split scheme 'random'"):
        assign(groups, "random")
