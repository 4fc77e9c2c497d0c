"""Periods as a user writes them, and splits made of them."""

import datetime

import pytest

from dataset_script.annotations.periods import parse_period, parse_periods, split_of
from dataset_script.annotations.record import from_record
from dataset_script.annotations.series import derive_groups
from dataset_script.annotations.splits import assign
from dataset_script.errors import ConfigError
from dataset_script.rows.options import RowOptions
from tests.cubes import make_records


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2017", "2017-01-01", "2017-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2019-12", "2019-12-01", "2019-12-31"),
        ("2019-06-15", "2019-06-15", "2019-06-15"),
        ("2014:2019-05", "2014-01-01", "2019-05-31"),
        ("2014-03-02:2014-03-02", "2014-03-02", "2014-03-02"),
    ],
)
def test_a_period_has_both_its_ends(text, first, last):
    assert parse_period(text) == tuple(map(datetime.date.fromisoformat, (first, last)))


@pytest.mark.parametrize("text", ["", "19", "2019-6", "2019-13", "2019-02-30", "2014:x", ":2014"])
def test_what_is_no_period_is_said_to_be_none(text):
    with pytest.raises(ConfigError, match="is no period; give a year, a month or a day"):
        parse_period(text)


def test_periods_must_neither_run_backwards_nor_overlap():
    with pytest.raises(ConfigError, match="'2019:2018' ends before it begins"):
        parse_period("2019:2018")
    with pytest.raises(ConfigError, match=r"2014:2018 \(train\) and 2018-12 \(test\) overlap"):
        parse_periods({"train": ["2014:2018"], "validation": ["2019"], "test": ["2018-12"]})


def test_dates_of_the_paper_give_the_splits_of_the_paper():
    groups = derive_groups({int(n): from_record(r) for n, r in make_records().items()})
    written = {"train": ["2014:2019-05"], "validation": ["2019-06:2019-12"], "test": ["2020:2021"]}
    assert assign(groups, "dates", periods=parse_periods(written)) == assign(groups, "paper")


def test_what_lies_in_no_period_is_left_out():
    groups = derive_groups({int(n): from_record(r) for n, r in make_records().items()})
    periods = parse_periods({"train": ["2020"], "validation": [], "test": ["2018-01-05"]})
    splits = assign(groups, "dates", periods=periods)
    years = {split: [g.primary_date.year for g in own] for split, own in splits.items()}
    assert years == {"train": [2020], "validation": [], "test": [2018]}
    assert split_of(datetime.date(2019, 7, 4), periods) is None
    with pytest.raises(ConfigError, match="no primary date lies in the periods"):
        assign(groups, "dates", periods=parse_periods({"train": ["1999"]}))


def test_years_come_as_numbers_too_and_one_alone():
    options = RowOptions(split="dates", train_dates=[2014, 2015], test_dates="2016:2017")
    recipe = options.recipe("ts1")
    assert recipe.to_dict()["train_dates"] == ["2014", "2015"]
    assert recipe.periods["test"] == (parse_period("2016:2017"),)


@pytest.mark.parametrize("options", [{"split": "dates"}, {"train_dates": ["2014"]}])
def test_scheme_and_periods_belong_together(options):
    with pytest.raises(ConfigError, match="one is given without the other"):
        RowOptions(**options).recipe("ts1")
