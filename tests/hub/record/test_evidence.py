"""Air belongs to a date, deformation to an interval: what pairs say together."""

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.errors import ConfigError
from hub.record.calibration import calibrate, parse_period, quiet_limit, read_limits, write_limits
from hub.record.columns import make_row
from hub.record.evidence import weigh
from hub.record.table import derive
from tests.hub.record.answers import answer

FIRST = datetime.date(2018, 5, 1)
DAYS = [FIRST + datetime.timedelta(12 * n) for n in range(13)]
PAIRS = [(a, b) for a, b in itertools.combinations(range(13), 2) if b - a <= 3]


def pair_row(pair, flagged, serial=1, high=0.97, **changes):
    a, b = (f"{DAYS[n]:%Y%m%d}" for n in pair)
    row = make_row(answer(a, b, high if flagged else 0.05, **changes))
    return {**row, "serial": serial}


def said(flagged, pairs=PAIRS, **changes):
    """What the record says of each pair, where these are flagged (or unsure, as `high` is)."""
    rows = [pair_row(pair, pair in flagged, n, **changes) for n, pair in enumerate(pairs)]
    weigh(rows, {})
    return dict(zip(pairs, rows, strict=True))


def with_date(day):
    return {pair for pair in PAIRS if day in pair}


def across(step):
    return {pair for pair in PAIRS if pair[0] <= step < pair[1]}


@pytest.mark.parametrize("day", range(4, 9))  # all pairs around are there
def test_pairs_that_share_a_date_of_bad_air_are_no_alarm(day):
    found = said(with_date(day))
    for pair in with_date(day):
        assert found[pair]["evidence"] == "air" and not found[pair]["alarm"]
        said_of_it = found[pair]["evidence_note"]
        assert f"flagged pairs share {DAYS[day]}" in said_of_it and "air is likely" in said_of_it


@pytest.mark.parametrize("step", range(1, 11))
def test_pairs_across_a_deformation_are_an_alarm_by_independent_acquisitions(step):
    found = said(across(step))
    for pair in across(step):
        assert found[pair]["evidence"] == "independent" and found[pair]["alarm"], pair


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 10), st.integers(1, 11))
def test_bad_air_beside_a_deformation_takes_no_alarm_of_it_away(step, day):
    found = said(across(step) | with_date(day))
    assert all(found[pair]["alarm"] for pair in across(step) - with_date(day))


def test_the_newest_date_is_open_until_the_next_one():
    """All three flagged pairs share the newest acquisition, and no pair could tell."""
    known = [pair for pair in PAIRS if pair[1] <= 5]
    found = said(across(4) & set(known), known)
    for pair in across(4) & set(known):
        assert found[pair]["evidence"] == "one_date" and found[pair]["alarm"]
        assert f"all 3 flagged pairs share {DAYS[5]}" in found[pair]["evidence_note"]
    later = [pair for pair in PAIRS if pair[1] <= 6]
    assert said(across(4), later)[4, 5]["evidence"] == "independent"
    assert said(with_date(5), later)[4, 5]["evidence"] == "air"


def test_quiet_pairs_that_saw_nothing_rule_nothing_out():
    found = said(with_date(4), mean_coherence=0.1)
    assert all(found[pair]["alarm"] for pair in with_date(4))


def test_a_deformation_elsewhere_does_not_speak_for_a_place():
    rows = [pair_row(pair, pair in across(4), n) for n, pair in enumerate(PAIRS)]
    for row, pair in zip(rows, PAIRS, strict=True):
        if pair != (4, 5):
            row["longitude"] += 0.3
    weigh(rows, {})
    alone = rows[PAIRS.index((4, 5))]
    assert alone["evidence"] == "single" and alone["alarm"]


@pytest.mark.parametrize(("quiet", "kind"), [(0.05, "air"), (0.3, "single")])
def test_who_saw_the_same_place_faintly_rules_nothing_out(quiet, kind):
    rows = [pair_row(pair, pair == (4, 5), n) for n, pair in enumerate(PAIRS)]
    for row, pair in zip(rows, PAIRS, strict=True):
        if pair != (4, 5):
            row["probability"] = quiet
    weigh(rows, {})
    assert rows[PAIRS.index((4, 5))]["evidence"] == kind
    for row in rows:
        if row["decision"] == "Non_Deformation":
            row["longitude"] += 0.3  # its faint look is elsewhere: here it saw nothing
    weigh(rows, {})
    assert rows[PAIRS.index((4, 5))]["evidence"] == "air"


@pytest.mark.parametrize("step", range(1, 11))
def test_unsure_pairs_are_an_alarm_together_where_independent_acquisitions_agree(step):
    found = said(across(step), high=0.7)
    for pair in PAIRS:
        assert found[pair]["alarm"] == (pair in across(step)), pair
    note = found[step, step + 1]["evidence_note"]
    assert note.startswith("unsure alone; ") and f"{DAYS[step]} to {DAYS[step + 1]}" in note


@pytest.mark.parametrize("day", range(4, 9))
def test_unsure_pairs_of_one_date_stay_unsure(day):
    assert not any(row["alarm"] for row in said(with_date(day), high=0.7).values())


def test_a_quiet_pair_among_the_unsure_ones_leaves_them_unsure():
    found = said(across(4) - {(3, 6)}, high=0.7)
    assert not any(row["alarm"] for row in found.values())
    found = said({(4, 5)}, high=0.7)
    assert not any(row["alarm"] for row in found.values())


def test_unsure_pairs_need_four_others_and_more_than_one_date():
    few = [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert not any(row["alarm"] for row in said(set(few), few, high=0.7).values())
    enough = [*few, (1, 4)]
    assert all(row["alarm"] for row in said(set(enough), enough, high=0.7).values())
    # Five of one date, and nobody else to ask: it may be that date's air.
    newest = [(first, 8) for first in range(3, 8)]
    assert not any(row["alarm"] for row in said(set(newest), newest, high=0.7).values())


def test_unsure_pairs_that_look_elsewhere_do_not_agree():
    rows = [pair_row(pair, pair in across(4), n, high=0.7) for n, pair in enumerate(PAIRS)]
    for number, row in enumerate(rows):
        row["longitude"] += 0.3 * number
    weigh(rows, {})
    assert not any(row["alarm"] for row in rows)


def test_a_slow_deformation_is_not_ruled_out_by_short_pairs():
    long = {pair for pair in PAIRS if pair[1] - pair[0] == 3 and 1 <= pair[0] <= 4}
    found = said(long)
    assert all(found[pair]["alarm"] for pair in long)


def simulate(seed, level):
    """Probabilities of a frame's pairs: air of each date, one deformation, both as strengths."""
    rng = np.random.default_rng(seed)
    air = np.abs(rng.normal(0, level, len(DAYS)))
    air[rng.integers(3, 9)] += 2.0 * (seed % 2)
    step = int(rng.integers(2, 10)) if seed % 3 else None
    rows, truth = [], []
    for number, pair in enumerate(PAIRS):
        moved = step is not None and pair[0] <= step < pair[1]
        signal = max(air[pair[0]], air[pair[1]], 2.0 * moved) + rng.normal(0, 0.1)
        truth.append(moved)
        rows.append(pair_row(pair, signal > 1.5, number))
    return rows, truth


def test_on_simulated_frames_false_alarms_fall_and_recall_stays():
    before, after, kept, moving = 0, 0, 0, 0
    for seed in range(60):
        rows, truth = simulate(seed, 0.3)
        weigh(rows, {})
        for row, moved in zip(rows, truth, strict=True):
            flagged = row["decision"] == "Deformation"
            moving += moved and flagged
            kept += moved and row["alarm"]
            before += flagged and not moved
            after += row["alarm"] and not moved
    assert before > 50 and after < 0.5 * before
    assert kept >= 0.98 * moving


def test_a_frames_own_limit_is_what_its_quiet_past_stays_below():
    rng = np.random.default_rng(1)
    quiet, later = rng.beta(2, 2, 400), rng.beta(2, 2, 20000)
    assert (later >= quiet_limit(quiet)).mean() <= 0.03
    assert quiet_limit([0.1, 0.7, 0.3]) > 0.7  # too few for the share: above all of them
    days = [FIRST + datetime.timedelta(6 * n) for n in range(41)]
    rows = [
        {**make_row(answer(f"{a:%Y%m%d}", f"{b:%Y%m%d}", 0.93)), "serial": n}
        for n, (a, b) in enumerate(itertools.pairwise(days))
    ]
    rows = derive(rows, {})
    period = (days[0], days[30])
    limits, notes = calibrate(rows, period)
    assert not notes and rows[0]["alarm"]
    (limit,) = limits.values()
    assert limit.scenes == 30 and limit.deformation_from > 0.93
    windy = derive(rows, limits)
    assert not any(row["alarm"] for row in windy)
    assert windy[0]["frame_deformation_from"] == limit.deformation_from
    # It holds for the model that it was made with alone.
    other = [{**row, "settings": "another model"} for row in rows]
    assert all(row["alarm"] for row in derive(other, limits))
    limits, notes = calibrate(rows, (days[0], days[5]))
    assert not limits and "needs 20" in notes[0]


def test_a_certain_answer_in_the_quiet_past_leaves_a_limit_that_can_be_reached():
    days = [FIRST + datetime.timedelta(6 * n) for n in range(31)]
    rows = [
        {**make_row(answer(f"{a:%Y%m%d}", f"{b:%Y%m%d}", 1.0)), "serial": n}
        for n, (a, b) in enumerate(itertools.pairwise(days))
    ]
    limits, notes = calibrate(derive(rows, {}), (days[0], days[-1]))
    assert [limit.deformation_from for limit in limits.values()] == [1.0]
    assert "certain of deformation" in notes[0] and "was it quiet?" in notes[0]
    assert all(row["alarm"] for row in derive(rows, limits))  # as for what truly deforms


def test_limits_are_kept_beside_those_of_other_frames(tmp_path):
    rows = [pair_row(pair, False, n) for n, pair in enumerate(PAIRS)]
    rows = derive(rows, {})
    limits, _ = calibrate(rows, (DAYS[0], DAYS[-1]))
    write_limits(tmp_path, limits)
    write_limits(tmp_path, {"another": next(iter(limits.values()))})
    assert set(read_limits(tmp_path)) == {"079D_07694_131313", "another"}


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2017", ((2017, 1, 1), (2017, 12, 31))),
        ("2017-02:2018", ((2017, 2, 1), (2018, 12, 31))),
        ("2016-01-10:2016-02", ((2016, 1, 10), (2016, 2, 29))),
    ],
)
def test_periods(text, period):
    assert parse_period(text) == tuple(datetime.date(*day) for day in period)


@pytest.mark.parametrize("text", ["", "17", "2017-13", "2018:2017", "2017-02-30", "2017:x"])
def test_what_is_no_period_is_said(text):
    with pytest.raises(ConfigError):
        parse_period(text)
