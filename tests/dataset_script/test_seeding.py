"""Draws that every version and every machine must repeat."""

from dataset_script.seeding import generator


def test_the_draws_are_the_same_in_every_version():
    crop, padding = generator(0, "crop", "a/20180105/20180117"), generator(3, "padding", 7)
    assert crop.integers(10**6, size=3).tolist() == [706402, 44164, 450787]
    assert padding.integers(10**6, size=3).tolist() == [15488, 719699, 299689]


def test_names_do_not_run_together():
    drawn = {
        generator(*names).integers(2**62)
        for names in [(1, "ab", "c"), (1, "a", "bc"), (1, "abc"), (11, "bc"), (1, "1bc"), (1,)]
    }
    assert len(drawn) == 6
