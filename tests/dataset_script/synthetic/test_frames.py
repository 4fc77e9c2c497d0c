"""Which frames, dates and pairs are planned."""

import itertools

from dataset_script.synthetic.pipeline import plan_frames


def test_frames_do_not_depend_on_how_many_follow():
    few = plan_frames(1, 0, 48, 64, 12, 4)
    many = plan_frames(40, 0, 48, 64, 12, 4)
    assert few[0].frame_id == many[0].frame_id and few[0].dates == many[0].dates
    assert len({plan.frame_id for plan in many}) == 40
    ids = [plan.first_id + k for plan in many for k in range(len(plan.pairs))]
    assert ids == list(range(1, len(ids) + 1))


def test_dates_are_those_of_a_repeat_orbit():
    (plan,) = plan_frames(1, 5, 48, 64, 90, 4)
    dates = plan.dates
    assert len(dates) == 90 and list(dates) == sorted(set(dates))
    assert dates[0].year >= 2014 and dates[-1].year <= 2021
    steps = {(b - a).days for a, b in itertools.pairwise(dates)}
    assert {6, 12, 24} <= steps and all(step % 6 == 0 for step in steps)
    baselines = [(dates[j] - dates[i]).days for i, j in plan.pairs]
    assert max(baselines) <= 120
    # Some pairs cross from validation into test, as in the archive.
    assert any(dates[i].year == 2019 and dates[j].year == 2020 for i, j in plan.pairs)
