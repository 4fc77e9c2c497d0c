"""What stays decoded, and for how long."""

import datetime

import numpy as np

from dataset_script.cubes.frame_cache import FrameCache

FIRST, SECOND = datetime.date(2020, 1, 1), datetime.date(2020, 1, 13)


def test_the_longest_unused_goes_first_and_all_go_with_their_date():
    decoded = []

    def ask(key, primary=FIRST, size=4):
        def make():
            decoded.append(key)
            return np.full(size, len(decoded), np.uint8)

        return cache.get(primary, key, make)

    cache = FrameCache(budget=8)
    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert decoded == ["a", "b", "c", "b"]  # "b" was unused for longer than "a" when "c" came
    ask("large", size=100)
    assert ask("large").size == 100 and decoded.count("large") == 1
    ask("large", SECOND)
    assert decoded.count("large") == 2
