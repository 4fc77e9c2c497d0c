import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.sampling import draw_steps, epoch_order, share_out

POSITIVE = np.arange(100) % 5 == 0


def test_balanced_takes_every_positive_and_as_many_fresh_negatives():
    first, second = (epoch_order(POSITIVE, "balanced", 0, epoch) for epoch in (0, 1))
    for order in (first, second):
        assert set(order[POSITIVE[order]]) == set(np.flatnonzero(POSITIVE))
        assert len(order) == len(set(order)) == 40
    assert set(first) != set(second)
    assert not np.array_equal(first, epoch_order(POSITIVE, "balanced", 1, 0))


def test_balanced_takes_every_positive_even_where_negatives_are_fewer():
    order = epoch_order(~POSITIVE, "balanced", 0, 0)
    assert sorted(order) == list(range(100))


def test_all_and_weighted():
    assert sorted(epoch_order(POSITIVE, "all", 0, 3)) == list(range(100))
    drawn = np.concatenate([epoch_order(POSITIVE, "weighted", 0, e) for e in range(30)])
    assert POSITIVE[drawn].mean() == pytest.approx(0.5, abs=0.04)


@given(st.integers(1, 70), st.integers(1, 9), st.integers(1, 4))
def test_processes_share_an_epoch_without_loss_or_repeat(count, batch, ranks):
    order = np.random.default_rng(count).permutation(count)
    plans = [share_out(order, batch, rank, ranks) for rank in range(ranks)]
    assert len({len(plan) for plan in plans}) == 1
    seen = [share.indices[share.real] for plan in plans for share in plan]
    assert sorted(np.concatenate(seen)) == list(range(count))
    sizes = [len(share.indices) for plan in plans for share in plan]
    assert max(sizes) <= batch and min(sizes) >= 1
    steps = list(zip(*plans, strict=True))
    for step in steps:
        assert {share.total for share in step} == {sum(share.real.sum() for share in step)}
    together = [np.sort(np.concatenate([s.indices[s.real] for s in step])) for step in steps]
    alone = [np.sort(s.indices[s.real]) for s in share_out(order, batch * ranks)]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


@given(st.integers(2, 60), st.integers(2, 9), st.integers(1, 4))
def test_no_batch_of_one_where_two_are_allowed(count, batch, ranks):
    for rank in range(ranks):
        for share in share_out(np.arange(count), batch, rank, ranks):
            assert len(share.indices) == len(share.real) == len(set(share.indices)) >= 2


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_drawn_steps_keep_order_and_leave_none_out_needlessly(available, length, seed):
    steps = draw_steps(available, length, np.random.default_rng(seed))
    assert len(steps) == length
    assert (np.diff(steps) >= 0).all()
    assert len(set(steps)) == min(available, length)
    assert steps.max() < available
