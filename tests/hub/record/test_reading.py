"""A record is read without a lock while others write it."""

from hub.record import reading
from hub.record.reading import read_rows
from hub.record.table import Record
from tests.hub.record.answers import many


def test_a_reader_misses_nothing_that_goes_from_the_journal_to_the_table(tmp_path, monkeypatch):
    """A writer may put the journal into the table and empty it between any two of its steps."""
    steps = []

    def between(name):
        read = getattr(reading, name)

        def step(path):
            found = read(path)
            Record(tmp_path).add(more.pop())
            Record(tmp_path).flush()
            steps.append(name)
            return found

        monkeypatch.setattr(reading, name, step)

    between("read_entries")
    between("read_table")
    first, *more = many(7)
    for made in (first, more.pop()):
        Record(tmp_path).add(made)
    assert {1, 2} <= {row["serial"] for row in read_rows(tmp_path)}
    assert len(steps) == 2
    Record(tmp_path).add(more.pop())
    assert {1, 2, 3, 4, 5} <= {row["serial"] for row in read_rows(tmp_path)}


def test_a_reader_sees_what_is_in_the_journal_alone_and_a_table_with_what_follows(tmp_path):
    for made in many(3):
        Record(tmp_path).add(made)
    assert [row["serial"] for row in read_rows(tmp_path)] == [1, 2, 3]
    assert not (tmp_path / "record.parquet").exists()
    Record(tmp_path).flush()
    for made in many(5):
        Record(tmp_path).add(made)
    assert [row["serial"] for row in read_rows(tmp_path)] == [1, 2, 3, 4, 5]
