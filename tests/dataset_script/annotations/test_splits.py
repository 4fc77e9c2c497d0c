"""The three split schemes, on the real annotations and on made-up ones."""

import pytest

from dataset_script.annotations.reading import from_record, read_annotations, read_frame_names
from dataset_script.annotations.series import derive_groups, make_samples, read_groups
from dataset_script.annotations.splits import SPLITS, assign, crosses, period, shared_acquisitions
from dataset_script.errors import ConfigError
from tests.cubes import make_records


@pytest.fixture(scope="module")
def real(annotations_dir):
    return read_groups(annotations_dir, read_annotations(annotations_dir))


def pairs(groups):
    return [annotation for group in groups for annotation in group.annotations]


def test_the_paper_split_goes_by_primary_date_and_leaks(real):
    splits = assign(real, "paper")
    assert sum(map(len, splits.values())) == len(real)
    for split, groups in splits.items():
        assert {period(group.primary_date) for group in groups} == {split}
    leaks = {split: [period(a.secondary_date) for a in pairs(splits[split])] for split in SPLITS}
    assert leaks["train"].count("validation") == 236
    assert leaks["validation"].count("test") == 330
    assert shared_acquisitions(splits) > 0


def test_the_strict_split_shares_no_acquisition_within_a_frame(real):
    splits = assign(real, "strict")
    assert shared_acquisitions(splits) == 0
    kept = {a.unique_id for groups in splits.values() for a in pairs(groups)}
    dropped = [a for a in pairs(real) if a.unique_id not in kept]
    assert len(dropped) == 566 and all(map(crosses, dropped))
    samples = {split: make_samples(groups, 1, split) for split, groups in splits.items()}
    assert {split: len(made) for split, made in samples.items()} == {
        "train": 9840 - 236,
        "validation": 2570 - 330,
        "test": 6501,
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_spatial_split_keeps_volcanoes_apart(real, annotations_dir, seed):
    names = read_frame_names(annotations_dir)
    splits = assign(real, "spatial", seed, names)
    sides = {}
    for split, groups in splits.items():
        for group in groups:
            for volcano in names[group.frame_id]:
                sides.setdefault(volcano.casefold(), set()).add(split)
    assert all(len(on) == 1 for on in sides.values())
    total = sum(a.positive for a in pairs(real))
    for split, least in (("train", 0.3), ("validation", 0.1), ("test", 0.15)):
        assert sum(a.positive for a in pairs(splits[split])) > least * total
    assert splits == assign(real, "spatial", seed, names)


def test_the_spatial_split_depends_on_the_seed_and_not_on_the_order(real, annotations_dir):
    names = read_frame_names(annotations_dir)

    def frames(seed, groups=real):
        splits = assign(groups, "spatial", seed, names)
        return tuple(frozenset(g.frame_id for g in splits[split]) for split in SPLITS)

    assert len({frames(seed) for seed in range(8)}) > 1
    assert frames(3) == frames(3, real[::-1])


@pytest.mark.parametrize("seed", range(4))
def test_three_frames_give_three_spatial_splits(seed):
    records = {}
    for number, frame in enumerate(("a", "b", "c")):
        records |= make_records(frame, 1 + 100 * number)
    groups = derive_groups({int(n): from_record(r) for n, r in records.items()})
    splits = assign(groups, "spatial", seed)
    assert all(any(group.positive for group in splits[split]) for split in SPLITS)
    with pytest.raises(ConfigError, match="3 different volcanoes, there are 2"):
        assign(groups, "spatial", seed, {"a": ["Etna"], "b": ["etna"]})
