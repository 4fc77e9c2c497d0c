"""Splits and time series on the made-up annotations, counted by hand or by brute force."""

from itertools import combinations

import pytest

from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.series import derive_groups, make_samples, read_groups
from dataset_script.annotations.splits import SPLITS, assign, shared_acquisitions
from dataset_script.errors import ConfigError
from tests.made_up.make import FOLDER, GROUPS, files


@pytest.fixture(scope="module")
def groups():
    return read_groups(FOLDER, read_annotations(FOLDER))


def pairs(split_groups):
    return [annotation for group in split_groups for annotation in group.annotations]


def primaries(split_groups):
    return {f"{group.primary_date:%Y%m%d}" for group in split_groups}


def test_the_committed_files_are_those_that_the_script_makes():
    for name, text in files().items():
        assert (FOLDER / name).read_text() == text


def test_what_the_quality_rule_drops_is_in_no_group(groups):
    annotations = read_annotations(FOLDER)
    assert groups == derive_groups(annotations)
    dropped = {number for number, a in annotations.items() if not a.usable}
    assert len(dropped) == 2 and len(annotations) == 62
    assert dropped.isdisjoint(a.unique_id for a in pairs(groups))


def test_a_boundary_day_opens_the_split_that_is_named_after_it(groups):
    splits = assign(groups, "paper")
    assert primaries(splits["train"]) >= {"20190531"}
    assert primaries(splits["validation"]) == {"20190601", "20190713", "20191226", "20191231"}
    assert primaries(splits["test"]) == {"20200101", "20200612", "20210203"}


@pytest.mark.parametrize(
    ("scheme", "counts", "shared"),
    [
        ("paper", {"train": (28, 4), "validation": (13, 1), "test": (19, 1)}, 4),
        # Of the first group in train one of five pairs stays, of the second none; the positive of
        # the first has its secondary on the boundary itself, and so has a pair of the fourth frame.
        ("strict", {"train": (20, 3), "validation": (10, 1), "test": (19, 1)}, 0),
    ],
)
def test_pairs_of_each_split(groups, scheme, counts, shared):
    splits = assign(groups, scheme)
    for split, (samples, positive) in counts.items():
        made = make_samples(splits[split], 1, split)
        assert (len(made), sum(sample.positive for sample in made)) == (samples, positive), split
    assert shared_acquisitions(splits) == shared


def kept(count, length, most):
    """Subsets in lexicographic order that share at most so many with each kept before."""
    found = []
    for subset in combinations(range(count), length):
        if all(len(set(subset) & set(other)) <= most for other in found):
            found.append(subset)
    return found


@pytest.mark.parametrize("length", [2, 3, 4])
def test_series_are_the_brute_force_subsets(groups, length):
    """In train two series of a group with a positive share at most T - 2 steps, of one without
    T - 3 (none of T = 2 and 3: but for T = 2 the first alone); elsewhere none."""
    for split, members in assign(groups, "paper").items():
        for group in members:
            count = len(group.annotations)
            most = 0 if split != "train" else length - (2 if group.positive else 3)
            made = make_samples([group], length, split, seed=5)
            chosen = [[group.annotations.index(a) for a in s.annotations] for s in made]
            if count <= length:  # padded by repeating some, in order
                assert len(chosen) == 1 and set(chosen[0]) == set(range(count))
                assert chosen[0] == sorted(chosen[0]) and len(chosen[0]) == length
            else:
                assert list(map(tuple, chosen)) == kept(count, length, most)


def test_padding_depends_on_the_seed_and_on_the_group_alone(groups):
    short = [group for group in groups if len(group.annotations) == 2]
    first, second = (make_samples(short, 12, "test", seed) for seed in (0, 1))
    assert first == make_samples(short, 12, "test", 0)
    assert first[1:] == make_samples(short[1:], 12, "test", 0)
    assert first != second
    assert len({tuple(s.annotations.index(a) for a in s.annotations) for s in first}) > 1


@pytest.mark.parametrize("seed", range(6))
def test_frames_that_share_a_volcano_stay_together(groups, seed):
    splits = assign(groups, "spatial", seed, read_frame_names(FOLDER))
    frames = [{group.frame_id for group in splits[split]} for split in SPLITS]
    assert sorted(map(len, frames)) == [1, 1, 2]
    assert {"001A_00001_010101", "002D_00002_010101"} in frames
    assert sum(len(splits[split]) for split in SPLITS) == len(GROUPS)


def test_volcanoes_join_frames_through_a_third_one(groups):
    first, second, third, fourth = read_frame_names(FOLDER)
    names = {first: ["Alpha"], second: ["Beta"], third: ["alpha", "BETA"], fourth: ["Delta"]}
    with pytest.raises(ConfigError, match="there are 2"):
        assign(groups, "spatial", 0, names)
