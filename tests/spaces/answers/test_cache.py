"""Scenes and results in memory: how long they stay and how much they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page.answers.cache import ExpiringCache
from page.errors import PageError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_cache_gives_back_until_its_time_is_over(clock):
    cache = ExpiringCache(100, lifetime=10, clock=clock)
    token = cache.put("scene", 5)
    clock.now = 9
    assert cache.get(token) == "scene"  # and its time starts again
    clock.now = 18
    assert cache.get(token) == "scene"
    clock.now = 29
    with pytest.raises(PageError, match="no longer in memory"):
        cache.get(token)
    assert cache.nbytes == 0


@given(st.lists(st.integers(1, 60), max_size=30))
def test_cache_never_exceeds_its_budget(sizes):
    cache = ExpiringCache(100, lifetime=10)
    for size in sizes:
        token = cache.put(size, size)
        assert cache.nbytes <= 100
        assert cache.get(token) == size


def test_cache_lets_the_longest_unused_go(clock):
    cache = ExpiringCache(10, lifetime=99, clock=clock)
    first, second = cache.put("a", 5), cache.put("b", 5)
    cache.get(first)
    cache.put("c", 5)
    assert cache.get(first) == "a"
    with pytest.raises(PageError):
        cache.get(second)
