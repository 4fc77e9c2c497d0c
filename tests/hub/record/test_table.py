"""A record only grows: whoever adds, whoever is killed, whatever replaces whatever."""

import csv
import os
import random
import signal
import subprocess
import sys

import pyarrow.parquet
import pytest

from dataset_script.errors import DataError
from hub.record.claims import ENDINGS
from hub.record.columns import COLUMNS, SCHEMA
from hub.record.reading import read_rows
from hub.record.table import Record
from tests.hub.record.answers import BOUNDS, FRAME, answer, many, write_and_add

VOLATILE = ("judged_at", "serial", "superseded_by")


def plain(rows):
    """Rows without what depends on when and in which order they were added, by scene."""
    kept = [{key: value for key, value in row.items() if key not in VOLATILE} for row in rows]
    return sorted(kept, key=lambda row: (row["scene"], row["answer"]))


def quiet_run(folder, answers):
    for made in answers:
        write_and_add(folder, made)
    return plain(Record(folder).flush())


def start(folder, begin, count):
    command = [
        sys.executable,
        "-m",
        "tests.hub.record.answers",
        str(folder),
        str(begin),
        str(count),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_tables_hold_all_and_summary_what_stands(tmp_path):
    record = Record(tmp_path)
    first, again = answer("20170103", "20170115"), answer("20170103", "20170115", 0.95, "w2")
    assert record.add(first) and not record.add(first)
    assert record.add(answer("20170115", "20170127")) and record.add(again)
    rows = record.flush()
    assert [row["superseded"] for row in rows] == [True, False, False]
    assert [row["superseded_by"] for row in rows] == [3, None, None]
    table = pyarrow.parquet.read_table(tmp_path / "record.parquet")
    assert table.schema.equals(SCHEMA) and table.num_rows == 3
    assert table["temporal_baseline_days"].to_pylist() == [12, 12, 12]
    with (tmp_path / "record.csv").open() as file:
        assert [row["superseded"] for row in csv.DictReader(file)] == ["True", "False", "False"]
    with (tmp_path / "summary.csv").open() as file:
        reader = csv.DictReader(file)
        summary = list(reader)
    assert reader.fieldnames[:3] == ["scene", "decision", "probability"]
    assert [row["decision"] for row in summary] == ["Deformation", "Non_Deformation"]
    assert summary[0]["secondary_dates"] == "20170115" and summary[0]["warnings"] == "first; second"
    # What came back from Parquet is what went in.
    assert plain(Record(tmp_path).rows()) == plain(rows)
    assert set(rows[0]) == set(COLUMNS)


def test_an_answer_that_comes_back_is_a_row_again(tmp_path):
    record = Record(tmp_path)
    for threshold in (0.5, 0.9, 0.5):
        assert record.add(answer("20170103", "20170115", threshold=threshold))
    assert [row["superseded"] for row in record.flush()] == [True, True, False]


def test_a_torn_line_and_a_flush_cut_short_lose_and_double_nothing(tmp_path):
    record = Record(tmp_path)
    for made in many(3):
        write_and_add(tmp_path, made)
    journal = tmp_path / ".record-journal.jsonl"
    kept = journal.read_bytes()
    record.flush()
    journal.write_bytes(kept)  # as if killed between the table and the journal
    assert len(Record(tmp_path).rows()) == 3
    with journal.open("ab") as file:
        file.write(b'{"kind": "row", "scene": "half')
    assert len(Record(tmp_path).rows()) == 3
    write_and_add(tmp_path, many(4)[3])
    assert [row["serial"] for row in Record(tmp_path).flush()] == [1, 2, 3, 4]


def test_files_without_a_row_are_taken_up(tmp_path):
    """A process was killed between a scene's file and its row; or there was no record yet."""
    expected = quiet_run(tmp_path / "quiet", many(3))
    for made in many(3):
        write_and_add(tmp_path / "other", made)
    (tmp_path / "other" / ".record-journal.jsonl").unlink()
    record = Record(tmp_path / "other")
    assert record.adopt() == 3 and record.adopt() == 0
    assert plain(record.flush()) == expected


def test_ten_kills_and_two_processes_end_as_one_quiet_run(tmp_path):
    folder, count = tmp_path / "killed", 60
    expected = quiet_run(tmp_path / "quiet", many(count))
    chance = random.Random(3)
    for _ in range(10):
        process = start(folder, 0, count)
        for _ in range(chance.randint(1, 6)):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert len(Record(folder).rows()) > 0  # it can always be read
    racing = [start(folder, 0, count // 2 + 10), start(folder, count // 2 - 10, count // 2 + 10)]
    for process in racing:
        process.communicate(timeout=120)
        assert process.returncode == 0
    rows = Record(folder).flush()
    assert plain(rows) == expected
    assert [row["serial"] for row in rows] == list(range(1, count + 1))
    assert not list(folder.glob("*.tmp"))


def identity(scene="x", pixels="p", source="/a/x.npz", **changes):
    return {
        "scene": scene, "input": pixels, "source": source, "frame": None, "primary_date": None,
        "secondary_dates": [], "bounds": None,
    } | changes  # fmt: skip


def test_another_scene_of_the_name_gets_a_number_and_the_same_one_keeps_it(tmp_path):
    record = Record(tmp_path)
    assert record.claim(identity(), "run 1") == "x"
    assert record.claim(identity(pixels="q", source="/b/x.npz"), "run 1") == "x-2"
    assert record.claim(identity(pixels="q", source="/moved/x.npz"), "run 2") == "x-2"
    assert record.claim(identity(pixels="new"), "run 2") == "x"  # the file was written anew
    assert record.claim(identity("summary"), "run 2") == "summary-2"
    pair = {"frame": FRAME, "primary_date": "2017-01-03", "secondary_dates": ["2017-01-15"]}
    placed = pair | {"bounds": BOUNDS}
    assert record.claim(identity("p", "one", "/a", **placed), "run 3") == "p"
    # The pair was processed anew, elsewhere; two of one run are never one.
    assert record.claim(identity("p", "two", "/b", **placed), "run 3") == "p-2"
    assert record.claim(identity("p", "three", "/c", **placed), "run 4") == "p"
    elsewhere = placed | {"bounds": [1, 2, 3, 4]}
    assert record.claim(identity("p", "four", "/d", **elsewhere), "run 4") == "p-3"


@pytest.mark.parametrize(
    ("names", "held"),
    [
        (["a", "a_quicklook"], ["a", "a_quicklook-2"]),
        (["a_quicklook", "a"], ["a_quicklook", "a-2"]),
        (["a", "a_mask", "a_probability"], ["a", "a_mask", "a_probability"]),
    ],
)
def test_no_two_scenes_share_a_file(tmp_path, names, held):
    record = Record(tmp_path)
    found = [record.claim(identity(name, name, f"/in/{name}.npz"), "run 1") for name in names]
    assert found == held
    files = [name + ending for name in found for ending in ENDINGS.values()]
    assert len(files) == len(set(files))
    again = [record.claim(identity(name, name, f"/in/{name}.npz"), "run 2") for name in names]
    assert again == held


def test_a_table_of_something_else_is_refused_in_words(tmp_path):
    (tmp_path / "record.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"record\.parquet is not a record's table"):
        Record(tmp_path).rows()


def test_a_lost_table_is_told_and_the_record_does_not_begin_anew(tmp_path):
    for made in many(3):
        write_and_add(tmp_path, made)
    kept = (tmp_path / ".record-journal.jsonl").read_bytes()
    expected = plain(Record(tmp_path).flush())
    (tmp_path / "record.parquet").unlink()
    before = (tmp_path / "record.csv").read_bytes()
    for use in (Record(tmp_path).rows, Record(tmp_path).adopt, lambda: read_rows(tmp_path)):
        with pytest.raises(DataError, match=r"record\.parquet is missing.*3 answers.*restore"):
            use()
    with pytest.raises(DataError, match="is missing"):
        Record(tmp_path).add(many(4)[3])
    assert (tmp_path / "record.csv").read_bytes() == before
    # As if killed between the two: the journal has all of it.
    (tmp_path / ".record-journal.jsonl").write_bytes(kept)
    assert plain(Record(tmp_path).flush()) == expected
    # As the message says.
    for name in ("record.parquet", "record.csv"):
        (tmp_path / name).unlink()
    assert Record(tmp_path).adopt() == 3 and plain(Record(tmp_path).flush()) == expected


def test_a_csv_of_something_else_is_not_written_over(tmp_path):
    (tmp_path / "record.csv").write_text("name,price\na,1\n")
    with pytest.raises(DataError, match=r"record\.csv is not a record's table"):
        Record(tmp_path).add(many(1)[0])
