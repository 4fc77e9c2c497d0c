"""Groups, samples and targets; the benchmark's counts on the real annotations."""

import datetime
import json
import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_script.annotations.reading import read_annotations
from dataset_script.annotations.record import Annotation, from_record
from dataset_script.annotations.series import (
    Group,
    build_timeseries_record,
    derive_groups,
    greedy_subsets,
    make_samples,
    read_groups,
    require_length,
)
from dataset_script.annotations.splits import assign
from dataset_script.errors import ConfigError, DataError
from tests.cubes import make_records

COUNTS = {
    1: {"train": (9840, 1143), "validation": (2570, 154), "test": (6501, 509)},
    3: {"train": (3327, 701), "validation": (803, 75), "test": (2001, 225)},
}
PRIMARY = datetime.date(2018, 1, 5)


def make_group(size, positive=()):
    return Group(
        "frame",
        PRIMARY,
        tuple(
            Annotation(
                i,
                "frame",
                PRIMARY,
                PRIMARY + datetime.timedelta(6 * (i + 1)),
                ("Deformation",) if i in positive else ("Non_Deformation",),
            )
            for i in range(size)
        ),
    )


def ids(sample):
    return [annotation.unique_id for annotation in sample.annotations]


@pytest.fixture(scope="module")
def real(annotations_dir):
    return read_annotations(annotations_dir)


@pytest.mark.parametrize("length", COUNTS)
def test_counts_on_the_real_annotations(annotations_dir, real, length):
    splits = assign(read_groups(annotations_dir, real), "paper")
    for split, (samples, positive) in COUNTS[length].items():
        made = make_samples(splits[split], length, split, seed=0)
        assert len(made) == samples
        assert sum(sample.positive for sample in made) == positive
        assert len({sample.sample_id for sample in made}) == samples


def test_the_derived_groups_differ_by_fifteen_pairs(annotations_dir, real):
    given_ids = {i for g in read_groups(annotations_dir, real) for i in ids(g)}
    derived = {i for g in derive_groups(real) for i in ids(g)}
    assert len(given_ids) == 18911 and given_ids < derived
    assert len(derived - given_ids) == 15
    assert len(read_groups(annotations_dir, real)) == 5498


def test_grouping_and_splitting_take_under_a_second(real):
    start = time.process_time()
    splits = assign(derive_groups(real), "strict")
    for length in (1, 3):
        for split, groups in splits.items():
            make_samples(groups, length, split)
    assert time.process_time() - start < 1


def test_the_record_of_derived_groups_reads_back(tmp_path):
    annotations = {int(n): from_record(r) for n, r in make_records().items()}
    path = tmp_path / "timeseries.json"
    path.write_text(json.dumps(build_timeseries_record(annotations)))
    assert read_groups(tmp_path, annotations) == derive_groups(annotations)
    assert read_groups(path, annotations) == read_groups(None, annotations)


def test_unusable_annotations_are_left_out_of_derived_groups():
    records = make_records()
    for number, flag in (("1", "corrupted"), ("2", "processing_error"), ("3", "no_info")):
        records[number][flag] = 1
    records["4"] |= {"low_coherence": 1, "image_artifacts": 1, "is_crowd": 1}
    groups = derive_groups({int(n): from_record(r) for n, r in records.items()})
    assert [ids(group) for group in groups] == [[4], [5, 6, 7, 8], [9, 10, 11, 12]]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"length": 1, "secondary_date": ["20180117"], "uniqueID": [77]}, "no annotation 77"),
        ({"length": 1, "secondary_date": ["20180118"], "uniqueID": [1]}, "the annotation"),
        ({"length": 2, "secondary_date": ["20180117"], "uniqueID": [1]}, "differ in length"),
        ({"length": 1, "uniqueID": [1]}, "secondary_date"),
        ({"length": 1, "secondary_date": ["20180117"], "uniqueID": [[1]]}, r"'20180117' and \[1\]"),
        ({"length": 1, "secondary_date": [20180117], "uniqueID": [1]}, "20180117 and 1"),
        ({"length": 2, "secondary_date": ["20180117"] * 2, "uniqueID": [1, 1]}, "duplicate pair"),
    ],
)
def test_a_timeseries_file_that_does_not_fit_is_an_error(tmp_path, entry, complaint):
    annotations = {int(n): from_record(r) for n, r in make_records().items()}
    path = tmp_path / "timeseries.json"
    path.write_text(json.dumps({"106A_09090_000404": {"20180105": entry}}))
    with pytest.raises(DataError, match=complaint) as error:
        read_groups(path, annotations)
    assert str(path) in str(error.value)


def test_a_missing_timeseries_file_is_an_error_when_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_groups(tmp_path / "timeseries.json", {})


@given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 5))
def test_greedy_subsets_are_what_trying_all_of_them_gives(count, length, shared):
    shared = min(shared, length)
    if length > count:
        return
    kept = []
    for subset in combinations(range(count), length):
        if all(len(set(subset) & set(other)) < shared for other in kept):
            kept.append(subset)
        if shared == 0:
            break
    assert list(greedy_subsets(count, length, shared)) == kept


def test_many_secondaries_are_no_trouble():
    start = time.process_time()
    assert len(list(greedy_subsets(200, 12, 1))) == 16
    assert len(list(greedy_subsets(60, 5, 2))) > 60
    assert time.process_time() - start < 5


@given(
    st.integers(1, 9),
    st.sets(st.integers(0, 8)),
    st.integers(1, 6),
    st.sampled_from(["train", "validation", "test"]),
    st.integers(0, 5),
)
def test_samples_keep_order_length_and_overlap(size, positive, length, split, seed):
    group = make_group(size, positive)
    samples = make_samples([group], length, split, seed)
    assert samples
    for sample in samples:
        steps = ids(sample)
        assert len(steps) == length and steps == sorted(steps)
        assert (sample.frame_id, sample.primary_date) == ("frame", PRIMARY)
    if length == 1:
        assert [ids(sample) for sample in samples] == [[i] for i in range(size)]
    elif size <= length:
        assert len(samples) == 1 and set(ids(samples[0])) == set(range(size))
    else:
        most = (length - 1 if group.positive else length - 2) if split == "train" else 1
        for one, other in combinations(samples, 2):
            assert len(set(ids(one)) & set(ids(other))) < most


def test_padding_depends_on_seed_and_group_alone():
    groups = [make_group(2), Group("other", PRIMARY, make_group(2).annotations)]
    together = [ids(s) for s in make_samples(groups, 7, "train", seed=1)]
    apart = [ids(make_samples([g], 7, "train", seed=1)[0]) for g in reversed(groups)]
    assert together == apart[::-1]
    drawn = {tuple(ids(make_samples(groups[:1], 7, "train", seed)[0])) for seed in range(20)}
    assert len(drawn) > 2
    days = [PRIMARY - datetime.timedelta(days) for days in range(20)]
    made = make_samples([Group("frame", day, groups[0].annotations) for day in days], 7, "train")
    assert len({tuple(ids(sample)) for sample in made}) > 2


def test_whole_groups_and_impossible_lengths():
    groups = [make_group(4), make_group(2)]
    assert [len(s.annotations) for s in make_samples(groups, None, "train")] == [4, 2]
    require_length(groups, 4)
    with pytest.raises(ConfigError, match=r"length 5: the longest group .* has 4"):
        require_length(groups, 5)
    with pytest.raises(ConfigError, match="at least one step"):
        make_samples(groups, 0, "train")


def test_sample_ids_say_frame_and_dates():
    sample = make_samples([make_group(2)], 3, "train")[0]
    assert sample.sample_id.startswith("frame/20180105/20180111-2018011")
